//! Email addresses: the dot-atom form of RFC 5322, section 3.4.1, in a domain of the public DNS.

use super::class::Class;
use super::words::is_word;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const EMAIL: Detector = Detector {
    name: "email",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: true,
    opaque: true,
    trigger: Trigger::At,
    find: Find::Code(find),
};

/// RFC 5321, section 4.5.3.1.1.
const LOCAL_BYTES_MAX: usize = 64;
/// RFC 1035, section 2.3.4.
const DOMAIN_BYTES_MAX: usize = 253;
/// Names of files that look like a domain behind an `@`: `icon@2x.png`.
const FILES: [&[u8]; 14] = [
    b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"css", b"scss", b"js", b"ts", b"json",
    b"html", b"md", b"whl",
];
/// Where the dense view lets the next word follow at once, these end a domain.
pub(super) const COMMON: [&[u8]; 24] = [
    b"com", b"org", b"net", b"edu", b"gov", b"mil", b"info", b"io", b"de", b"uk", b"fr", b"it",
    b"es", b"nl", b"pl", b"se", b"ch", b"at", b"be", b"eu", b"us", b"ca", b"au", b"jp",
];

/// What the labels of a domain are made of, and the dots between them.
const DOMAIN: Class = Class::of("0-9A-Za-z.\\-");

/// What a local part is made of, as far as it is ASCII.
const LOCAL: Class = Class::of("!#$%&'+\\-./0-9=A-Z_a-z~");
/// What leads up to one: `mail=a@b.de`, `'a@b.de`, `/a@b.de`.
const LEADS: Class = Class::of("!#$&'/=~");
/// What a message's name stands behind.
const HEADERS: &[&str] = &["message-id:", "in-reply-to:", "references:"];
/// What none begins with.
const NO_BEGINNINGS: Class = Class::of("%+\\-.");

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.start;
    let Some(last) = context.before(at) else {
        return Outcome::None;
    };
    if !is_local(last) || LEADS.has(last) || last == b'.' {
        return Outcome::None;
    }
    if NO_BEGINNINGS.has(last) && local_part(context) == at {
        return Outcome::None;
    }
    let domain = at + 1;
    let end = context.run(domain, DOMAIN_BYTES_MAX, |byte| {
        DOMAIN.has(byte) || byte >= 0x80
    });
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    // A sentence's stop is not the domain's.
    let mut end = end;
    while end > domain && matches!(context.before(end), Some(b'.' | b'-')) {
        end -= 1;
    }
    let name = context.bytes(domain..end);
    let Some(dot) = name.iter().rposition(|byte| *byte == b'.') else {
        return find_broken(context, end);
    };
    let start = local_part(context);
    let (labels, top) = (
        name.get(..dot).unwrap_or_default(),
        name.get(dot + 1..).unwrap_or_default(),
    );
    if labels.split(|byte| *byte == b'.').any(|label| {
        label.is_empty() || label.len() > 63 || label.starts_with(b"-") || label.ends_with(b"-")
    }) {
        return Outcome::None;
    }
    if context.dense {
        let known = COMMON
            .iter()
            .filter(|known| top.starts_with(known))
            .map(|known| known.len())
            .max();
        return known.map_or(Outcome::None, |length| {
            Outcome::Match(start..domain + dot + 1 + length)
        });
    }
    let is_top = (2..=24).contains(&top.len())
        && top
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    let is_punycode = top
        .get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"xn--"));
    // What follows a colon tells a path on a host.
    if context.byte(end) == Some(b':') && context.is_open(end + 1) {
        return Outcome::Undecided;
    }
    let is_file = FILES.iter().any(|file| file.eq_ignore_ascii_case(top));
    Outcome::match_if(
        (is_top || is_punycode) && !is_file && is_person(context, start, at, end),
        start..end,
    )
}

fn is_local(byte: u8) -> bool {
    LOCAL.has(byte) || byte >= 0x80
}

/// Where the local part begins; where it ends if it is none.
fn local_part(context: &Context<'_>) -> usize {
    let at = context.at.start;
    let mut start = context.run_back(at, LOCAL_BYTES_MAX, is_local);
    // Behind a word that only leads up to it.
    let local = context.bytes(start..at);
    if let Some(last) = local.iter().rposition(|byte| LEADS.has(*byte)) {
        start += last + 1;
    }
    let local = context.bytes(start..at).iter();
    start + local.take_while(|byte| NO_BEGINNINGS.has(**byte)).count()
}

/// `jane.roe@acme corp.com`: a blank where the domain had a dash. Only where the local part is a name with a dot, and the rest a common domain.
fn find_broken(context: &Context<'_>, end: usize) -> Outcome {
    if context.dense || end == context.at.end || context.byte(end) != Some(b' ') {
        return Outcome::None;
    }
    let start = local_part(context);
    if !context.bytes(start..context.at.start).contains(&b'.') {
        return Outcome::None;
    }
    let last = context.run_of(end + 1, DOMAIN_BYTES_MAX, &DOMAIN);
    if context.is_open(last) {
        return Outcome::Undecided;
    }
    let rest = context.bytes(end + 1..last);
    let rest = rest.strip_suffix(b".").unwrap_or(rest);
    let mut labels = rest.split(|byte| *byte == b'.');
    let top = labels.next_back().unwrap_or_default();
    let is_known = COMMON.iter().any(|known| known.eq_ignore_ascii_case(top));
    Outcome::match_if(
        is_known && labels.clone().count() > 0 && labels.all(|label| !label.is_empty()),
        start..end + 1 + rest.len(),
    )
}

/// What is written as an address and is none: an account that a program signs in with, the name of a message, a decorator.
fn is_person(context: &Context<'_>, start: usize, at: usize, end: usize) -> bool {
    let local = context.bytes(start..at);
    // `git@host:path`, `ssh://git@host/path`; `deploy@host:/srv`, `deploy@host:~/x` (scp).
    let is_remote = match context.bytes(end..end + 2) {
        [b':', b'/' | b'~'] => true,
        behind => {
            is_word(local, b"git")
                && (behind.starts_with(b":") || context.before(start) == Some(b'/'))
        }
    };
    !is_remote && context.before(start) != Some(b'@') && !is_message_id(context, at)
}

/// Whether a local part is the left side of a Message-ID (RFC 5322, section 3.6.4): in angle brackets, and made by a program. Those of mailers
/// begin with a date (`<199702111730.JAA28598@host>`, `<20240102030405.GA1234@host>`), or are longer than names are; of others what stands
/// before tells: the header's name, or, of a number, `in`. Numbers alone are also names of persons at some providers.
fn is_message_id(context: &Context<'_>, at: usize) -> bool {
    let start = context.run_back(at, LOCAL_BYTES_MAX, is_local);
    let Some(bracket) = start.checked_sub(1) else {
        return false;
    };
    if context.byte(bracket) != Some(b'<') {
        return false;
    }
    let local = context.bytes(start..at);
    let digits = local.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_date = local.starts_with(b"19") || local.starts_with(b"20");
    let is_made = (is_date || local.len() >= 20) && digits >= 6 && digits < local.len()
        || local.len() >= 32 && digits >= 3;
    is_made
        || digits == local.len() && context.bytes(bracket.saturating_sub(3)..bracket) == b"in "
        || digits > 0 && context.mentions(bracket, HEADERS)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_addresses() {
        check(
            "email",
            "Write to «jane.roe+test@acme-corp.co.uk». <«info@presidio.site»>, mailto:«a@b.de»?x=1",
        );
        check(
            "email",
            "ask «jane.roe@acme corp.com» and \"«JANE@ACME.COM»\" «user@xn--80ak6aa92e.com» x='«o_k@münchen.de»'",
        );
    }

    #[test]
    fn leaves_what_only_looks_like_one() {
        check(
            "email",
            "info@presidio. icon@2x.png @scope/pkg pkg@1.2.3 a@b hello@-x.com x@.com @jane.doe git@github.com:a/b.git",
        );
        check(
            "email",
            "ssh://git@git.acme.com/a/b.git git+ssh://git@git.acme.com/a.git scp x deploy@web1.acme.com:/srv root@web1.acme.com:~/y",
        );
    }

    #[test]
    fn leaves_names_of_messages() {
        check(
            "email",
            "<199702221943.LAA20388@wall.org> Wall in <7865@jpl.NASA.GOV> <20240102030405.GA1234@acme.com> <Pine.LNX.4.64.0701011234010.1@acme.com>",
        );
        check(
            "email",
            "<6f1c2a44-90d1-4b1e-8f57-0c9f6f0f9c11@acme.com> <CAF8k+x7KqTn3Pz0aQmVd=h2Lw9YbRtX5sJ@mail.gmail.com>",
        );
        check(
            "email",
            "Message-ID: <87zg1k2x3f.fsf@acme.com>\nIn-Reply-To: <b2@acme.com>\nReferences: <a9.q@acme.com>",
        );
        check(
            "email",
            "From: <«jane.roe2024@acme.com»> <«123456789@qq.com»> <«jane19850612@acme.com»> References: <«jane@acme.com»>",
        );
    }
}
