//! Passwords that code hands to a function whose name says what its arguments are: `mysqli_connect("host", "user", "…")`, `auth=("user", "…")`.

use super::class::Class;
use super::entropy::is_placeholder;
use super::stand_in::{is_stand_in, kinds};
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const PASSWORD_ARGUMENT: Detector = Detector {
    name: "password",
    group: Group::Secrets,
    grade: Grade::Likely,
    dense: false,
    opaque: false,
    trigger: Trigger::KeywordsAnyCase(&[
        ".login(",
        "auth=(",
        "basicauth(",
        "basic_auth(",
        "dbi->connect(",
        "getconnection(",
        "mysql_connect(",
        "mysqli_connect(",
        "networkcredential(",
        "networkcredential]::new(",
        "new pdo(",
    ]),
    find: Find::Code(find),
};

/// Those that are told where to before they are told who: the password is their third argument.
const THIRD: [&[u8]; 5] = [
    b"dbi->connect(",
    b"getconnection(",
    b"mysql_connect(",
    b"mysqli_connect(",
    b"new pdo(",
];
/// The longest argument.
const BYTES_MAX: usize = 160;
const BYTES_MIN: usize = 6;

const WHITE: Class = Class::of(" \t\r\n");
/// What is no text in quotes: a name, a member, a number.
const NAME: Class = Class::of("0-9A-Za-z_.$>\\-");
const TEXT: Class = Class::of(" -!#-&(-~");

fn find(context: &Context<'_>) -> Outcome {
    let is_third = THIRD
        .iter()
        .any(|name| name.eq_ignore_ascii_case(context.trigger()));
    let mut at = context.at.end;
    for _ in 0..if is_third { 2 } else { 1 } {
        let start = context.run_of(at, 16, &WHITE);
        let quote = quote(context, start);
        let mut end = match quote {
            Some(_) => context.run_of(start + 1, BYTES_MAX, &TEXT) + 1,
            None => context.run_of(start, BYTES_MAX, &NAME),
        };
        if context.is_open(end) {
            return Outcome::Undecided;
        }
        if quote.is_some() && context.byte(end - 1) != quote {
            return Outcome::None;
        }
        end = context.run_of(end, 4, &WHITE);
        if context.byte(end) != Some(b',') {
            return context.lacking(end);
        }
        at = end + 1;
    }
    let start = context.run_of(at, 16, &WHITE);
    let Some(quote) = quote(context, start) else {
        return context.lacking(start);
    };
    let end = context.run_of(start + 1, BYTES_MAX, &TEXT);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let password = context.bytes(start + 1..end);
    if context.byte(end) == Some(quote)
        && password.len() >= BYTES_MIN
        && kinds(password) >= 2
        && !password.contains(&b' ')
        && !password.starts_with(b"$")
        && !password.starts_with(b"/")
        && !is_stand_in(password)
        && !is_placeholder(password)
    {
        Outcome::Match(start + 1..end)
    } else {
        Outcome::None
    }
}

fn quote(context: &Context<'_>, at: usize) -> Option<u8> {
    context.byte(at).filter(|byte| matches!(byte, b'"' | b'\''))
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_passwords_among_arguments() {
        check(
            "password",
            "mysqli_connect(\"localhost\", 'root', '«Pa55word1»', \"app\"); auth=(\"bob\", \"«S3cretPw!»\"), DriverManager.getConnection(url, \"sa\", \"«S3cretPw!»\")",
        );
        check(
            "password",
            "[Net.NetworkCredential]::new(\"admin\", \"«P@ssw0rd!»\") ftp.login( \"bob\",\n  \"«S3cretPw!»\" )",
        );
    }

    #[test]
    fn leaves_names_and_stand_ins() {
        check(
            "password",
            "mysqli_connect($host, $user, $pass), auth=(\"user\", \"password\"), page.login(\"a\"), api.login(\"bob\", token1), x.login('user', '/home1')",
        );
    }
}
