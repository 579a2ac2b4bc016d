//! A user's password in a URL: `scheme://user:password@host` (RFC 3986, section 3.2.1, deprecates the form; connection strings live on it).

use super::entropy::is_placeholder;
use super::stand_in::{is_reference, is_stand_in};
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const URL_CREDENTIALS: Detector = Detector {
    name: "url_credentials",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    trigger: Trigger::Keywords(&["://"]),
    find: Find::Traced(find),
};

/// The longest user and password that are taken for such.
const PART_BYTES_MAX: usize = 256;

/// The shortest password that is taken for one at a host that is reserved for examples (RFC 2606, section 3).
const EXAMPLE_BYTES_MIN: usize = 8;

fn find(context: &Context<'_>) -> Outcome {
    if !context
        .before(context.at.start)
        .is_some_and(|byte| byte.is_ascii_alphanumeric())
    {
        return Outcome::None;
    }
    let user = context.at.end;
    let colon = context.run(user, PART_BYTES_MAX, |byte| {
        byte.is_ascii_alphanumeric() || b"_-.~%!$&*+=".contains(&byte) || byte >= 0x80
    });
    if context.byte(colon) == Some(b'@') {
        return find_email_user(context, user, colon);
    }
    if context.byte(colon) != Some(b':') {
        return context.lacking(colon);
    }
    find_password(context, colon + 1)
}

/// `smtps://someone@example.com:password@host`.
fn find_email_user(context: &Context<'_>, user: usize, at: usize) -> Outcome {
    let domain = context.run(at + 1, PART_BYTES_MAX, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
    });
    if context.is_open(domain) {
        return Outcome::Undecided;
    }
    if at == user || context.byte(domain) != Some(b':') {
        return Outcome::None;
    }
    find_password(context, domain + 1)
}

fn find_password(context: &Context<'_>, start: usize) -> Outcome {
    let end = context.run(start, PART_BYTES_MAX, |byte| {
        byte.is_ascii_graphic() && !b"/@\"'<>`{}()|\\^".contains(&byte) || byte >= 0x80
    });
    if context.is_open(end + 1) {
        return Outcome::Undecided;
    }
    if context.byte(end) != Some(b'@')
        || !context
            .byte(end + 1)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'[')
    {
        return Outcome::None;
    }
    let password = context.bytes(start..end);
    // Documentation's hosts have documentation's passwords: `http://abc:xyz@example.com`.
    if password.len() < EXAMPLE_BYTES_MIN && context.has(end + 1, b"example.") != Some(false) {
        if context.is_open(end + 11) {
            return Outcome::Undecided;
        }
        if let b"com" | b"net" | b"org" = context.bytes(end + 9..end + 12) {
            return Outcome::None;
        }
    }
    // In a URL people do use that one.
    let is_stand_in = is_stand_in(password) && password != b"secret";
    // A port and nothing else is no password: `http://proxy:8080@…` is a typing mistake, not a secret.
    if password.len() < 3 || is_stand_in || is_reference(password) || is_placeholder(password) {
        Outcome::None
    } else {
        Outcome::Match(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_passwords() {
        check(
            "url_credentials",
            "postgresql://user:«vg498hw»@localhost/ mongodb+srv://u.x:«hunter2»@a.mongodb.net/t redis://:«s3cr3t!»@h:6379",
        );
        check(
            "url_credentials",
            "\"smtps://me@gmail.com:«FnD83JZs»@smtp.gmail.com:465\"",
        );
    }

    #[test]
    fn leaves_urls_and_stand_ins() {
        check(
            "url_credentials",
            "postgres://user:password@localhost/db https://a.b:443/x@y http://$U:$P@h http://u:<pw>@h http://u:${P}@h",
        );
        check(
            "url_credentials",
            "https://example.com/@user:me ssh://git@github.com:22/a http://u:xxxxxx@h http://abc:xyz@example.com/",
        );
    }
}
