//! User and password of curl's `-u` and `--user` (<https://curl.se/docs/manpage.html#-u>).

use super::class::Class;
use super::stand_in::stands_in;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const CURL_CREDENTIALS: Detector = Detector {
    name: "curl_credentials",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Keywords(&[
        "-u ",
        "-u\"",
        "-u'",
        "--user ",
        "--user=",
        "--proxy-user ",
        "-U ",
    ]),
    find: Find::Code(find),
};

/// How far before the option its command may stand: with what it takes, a line or two.
const COMMAND_BYTES: usize = 240;
/// The longest user and password.
const PART_BYTES_MAX: usize = 128;

const USER: Class = Class::of("0-9A-Za-z._@%+{}\"'\\-");
const PASSWORD: Class = Class::of("!#-&*-.0-;=?-Z^_a-z{}|~");

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let before = context.bytes(at.start.saturating_sub(COMMAND_BYTES)..at.start);
    if !before.windows(4).any(|word| word == b"curl") || context.before(at.start) == Some(b'-') {
        return Outcome::None;
    }
    let user = context.run_of(at.end, PART_BYTES_MAX, &USER);
    if context.byte(user) != Some(b':') {
        return context.lacking(user);
    }
    let start = context.run_of(user + 1, 2, &const { Class::of("\"'") });
    let end = context.run_of(start, PART_BYTES_MAX, &PASSWORD);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let password = context.bytes(start..end);
    if password.len() < 4 || stands_in(password) {
        Outcome::None
    } else {
        Outcome::Match(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_what_curl_is_given() {
        check(
            "curl_credentials",
            "curl --cacert ca.crt -u elastic:«P@ssw0rd$1» https://a; curl -s --user 'api:«d2LkV78zLx!t»' https://b",
        );
        check(
            "curl_credentials",
            "curl -k \\\n -H 'a: b' \\\n  -u developer:«yqDVtkqPECriaLRi» and curl -u \":«d2LkV78zLx»\" c",
        );
    }

    #[test]
    fn leaves_references_and_other_tools() {
        check(
            "curl_credentials",
            "curl -u user:password a, curl -u \"$USER:$TOKEN\" b, curl -u ${A}:${B_TOKEN} c, curl -u user d",
        );
        check(
            "curl_credentials",
            "docker run -u 1000:1000 image, git push -u origin:main1, curl -u <user>:<your token> e",
        );
    }
}
