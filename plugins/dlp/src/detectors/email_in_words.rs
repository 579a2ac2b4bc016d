//! Addresses that are written for people only: `jane [at] acme [dot] com`, `jane(at)acme.com`, `jane at acme dot com`.

use super::class::Class;
use super::email::{COMMON, EMAIL};
use super::{Context, Detector, Find, Outcome, Trigger};
use std::ops::Range;

pub(super) const EMAIL_IN_WORDS: Detector = Detector {
    dense: false,
    opaque: false,
    trigger: Trigger::KeywordsAnyCase(&[
        "[at]", "(at)", "{at}", "<at>", "[@]", "(@)", " dot com", " dot org", " dot net",
        " dot io", " dot de", " dot co", " dot edu", " dot gov",
    ]),
    find: Find::Code(find),
    ..EMAIL
};

/// RFC 5321, section 4.5.3.1.1.
const LOCAL_BYTES_MAX: usize = 64;
/// RFC 1035, section 2.3.4.
const LABEL_BYTES_MAX: usize = 63;
/// How many dots a domain has at most.
const DOTS_MAX: usize = 4;
/// What stands for a dot, in any case.
const DOTS: [&[u8]; 8] = [
    b"[dot]", b"(dot)", b"{dot}", b"<dot>", b"[.]", b"(.)", b"dot ", b".",
];
/// A dot in a name.
const DOT: &[u8] = b" dot ";
/// What says that an address follows, where only words stand for its signs.
const WORDS: &[&str] = &[
    "mail", "e-mail", "email", "contact", "reach", "write", "ask",
];

const LOCAL: Class = Class::of("0-9A-Za-z._%+\\-");
const LABEL: Class = Class::of("0-9A-Za-z\\-");
const BLANKS: Class = Class::of(" ");

fn find(context: &Context<'_>) -> Outcome {
    let trigger = context.trigger();
    if trigger.starts_with(b" ") {
        return find_words(context);
    }
    let local = local(context, context.at.start);
    if local.is_empty() {
        return Outcome::None;
    }
    match domain(context, context.run_of(context.at.end, 2, &BLANKS)) {
        Ok(end) => Outcome::Match(local.start..end),
        Err(outcome) => outcome,
    }
}

/// `… at acme dot com`, from the dot on.
fn find_words(context: &Context<'_>) -> Outcome {
    let at = context.at.start;
    let begin = context.run_back_of(at, LABEL_BYTES_MAX, &LABEL);
    let Some(word) = begin.checked_sub(4) else {
        return Outcome::None;
    };
    if begin == at || !context.bytes(word..begin).eq_ignore_ascii_case(b" at ") {
        return Outcome::None;
    }
    let local = local(context, word);
    // `look at acme dot com` is prose: the name must look like one, or be announced.
    let name = context.bytes(local.clone());
    let is_name = name.iter().any(|byte| !byte.is_ascii_alphabetic());
    if local.is_empty() || !is_name && !context.mentions(local.start, WORDS) {
        return Outcome::None;
    }
    match domain(context, begin) {
        Ok(end) => Outcome::Match(local.start..end),
        Err(outcome) => outcome,
    }
}

/// The name before a sign, in one word or `first dot last`.
fn local(context: &Context<'_>, before: usize) -> Range<usize> {
    let end = context.run_back_of(before, 2, &BLANKS);
    let mut start = context.run_back_of(end, LOCAL_BYTES_MAX, &LOCAL);
    while let Some(dot) = start.checked_sub(DOT.len())
        && context.bytes(dot..start).eq_ignore_ascii_case(DOT)
        && end - start < LOCAL_BYTES_MAX
    {
        let first = context.run_back_of(dot, LABEL_BYTES_MAX, &LOCAL);
        if first == dot {
            break;
        }
        start = first;
    }
    start..end
}

/// Where a domain ends that begins here, of labels and what stands for dots; its last label must be a common one.
fn domain(context: &Context<'_>, from: usize) -> Result<usize, Outcome> {
    let (mut at, mut dots) = (from, 0);
    loop {
        let end = context.run_of(at, LABEL_BYTES_MAX, &LABEL);
        let gap = context.run_of(end, 2, &BLANKS);
        if context.is_open(gap + 5) {
            return Err(Outcome::Undecided);
        }
        if end == at {
            return Err(Outcome::None);
        }
        let label = context.bytes(at..end);
        let rest = context.bytes(gap..(gap + 5).min(context.text.len()));
        let dot = DOTS.iter().find(|dot| {
            let is_apart = gap > end || dot.len() > 1 && **dot != b"dot ";
            let sign = rest.get(..dot.len()).unwrap_or_default();
            sign.eq_ignore_ascii_case(dot)
                && (**dot == b"." && gap == end || is_apart && **dot != b".")
        });
        let next = dot.map(|dot| match dot.len() == 1 {
            true => gap + 1,
            false => context.run_of(gap + dot.len(), 2, &BLANKS),
        });
        if next.is_some_and(|next| context.is_open(next)) {
            return Err(Outcome::Undecided);
        }
        // A sentence's stop is no dot.
        let goes_on = next.filter(|next| context.byte(*next).is_some_and(|byte| LABEL.has(byte)));
        match goes_on {
            Some(next) if dots < DOTS_MAX => (at, dots) = (next, dots + 1),
            Some(_) | None
                if dots > 0 && COMMON.iter().any(|top| top.eq_ignore_ascii_case(label)) =>
            {
                return Ok(end);
            }
            Some(_) | None => return Err(Outcome::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_addresses_in_words() {
        check(
            "email",
            "Write to «jane.roe [at] acme-corp [dot] com», or «jane(at)acme.co.uk». Mail «jane at acme dot com» please; «jane dot roe at acme dot co dot uk»!",
        );
        check("email", "«jane.roe[@]acme-corp[.]com» <- defanged");
    }

    #[test]
    fn leaves_prose() {
        check(
            "email",
            "Look at acme dot com for more. x[at] y, list(at)0, see us at the dot com era, a (at) b.",
        );
    }
}
