//! Passwords that people chose, where something says that they are: `password = "…"`, `pw:…`, `--password …`, connection strings, SQL's
//! `IDENTIFIED BY`, `my password is …`.
//!
//! A chosen password is not random, so the place must speak for it: the surer it is, the less is asked of the value. As a guess it only flags
//! through a group.

use super::assigned::{Assigned, NAME, NAME_REST_MAX, is_member, value};
use super::class::Class;
use super::entropy::is_placeholder;
use super::stand_in::{is_stand_in, kinds};
use super::words::is_word;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};
use std::ops::Range;

pub(super) const PASSWORD: Detector = Detector {
    name: "password",
    group: Group::Secrets,
    grade: Grade::Likely,
    dense: false,
    opaque: false,
    trigger: Trigger::KeywordsAnyCase(&[
        "password",
        "passwd",
        "passphrase",
        "passwort",
        "kennwort",
        "密码",
        "密碼",
        "パスワード",
        "비밀번호",
        "contraseña",
        "mot de passe",
        "_pass",
        "psswd",
        "paswd",
        "pasword",
        "passwrd",
        "pwd",
        "pw:",
        "pw=",
        "pw\"",
        "pw =",
        "identified by",
        "convertto-securestring",
    ]),
    find: Find::Traced(find),
};

/// The longest password that is taken for one.
const BYTES_MAX: usize = 128;
/// What stands beside a password in a connection string.
const CONNECTION: &[&str] = &[
    "server",
    "data source",
    "host",
    "database",
    "dbname",
    "user id",
    "userid",
    "uid",
    "initial catalog",
    "provider",
    "user=",
    "port",
];
/// What only stands for a password, and is often one.
const WEAK: [&[u8]; 7] = [
    b"changeit",
    b"default",
    b"mypassword",
    b"pass",
    b"password",
    b"secret",
    b"test",
];
/// How far before a password's name the name of its user is looked for.
const PAIR_BYTES_MAX: usize = 96;
/// How far a password in quotes may stand behind its name then.
const PAIR_GAP_BYTES_MAX: usize = 6;
/// What stands between a name and what it is set to.
const NAMES_GAP: Class = Class::of(" \t\"'\\]");
const VALUES_GAP: Class = Class::of(" \t\"'=:>");
const INDENT: Class = Class::of(" \t$");
const ASSIGNS: Class = Class::of("=:>");
const JOINTS: Class = Class::of(" \t\"'&+");
const SETTING: Class = Class::of("0-9A-Za-z_.:/\\-");
const EXCLAMATION: Class = Class::of("!");
/// What stands before a password that follows its word with nothing but a blank.
const LOGIN: &[&str] = &["login", "machine", "username", "--user"];

/// What begins an entry of a `.netrc`.
const NETRC: &[&str] = &["machine"];

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    // `pw:` has its operator in it.
    let from = match context.trigger() {
        [word @ .., b':' | b'=' | b'"'] => at.start + word.trim_ascii_end().len(),
        _ => match context.end_of(at.end, NAME_REST_MAX, &NAME) {
            Ok(end) => end,
            Err(outcome) => return outcome,
        },
    };
    // `fiber_passive`, `bit_passed`: another word.
    let rest = context.bytes(at.end..from);
    if is_word(context.trigger(), b"_pass")
        && rest.first().is_some_and(u8::is_ascii_lowercase)
        && !rest.starts_with(b"code")
    {
        return Outcome::None;
    }
    // `password=name=…`, as in a query: what is assigned is a name again, and no password has a `=` in it.
    if context.byte(from) == Some(b'=') {
        let end = match context.end_of(from + 1, NAME_REST_MAX, &NAME) {
            Ok(end) => end,
            Err(outcome) => return outcome,
        };
        if end > from + 1 && context.byte(end) == Some(b'=') {
            if context.is_open(end + 1) {
                return Outcome::Undecided;
            }
            let behind = context.byte(end + 1);
            if behind.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
                return Outcome::None;
            }
        }
    }
    let mut found = match value(context, from) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    // In a sentence this is its end; in a password it is as often its own.
    if !found.is_quoted {
        found.range.end = context.run_of(found.range.end, 4, &EXCLAMATION);
    }
    if context.is_open(found.range.end) {
        return Outcome::Undecided;
    }
    let begin = context.run_back_of(at.start, NAME_REST_MAX, &NAME);
    Outcome::match_if(is_password(context, begin, from, &found), found.range)
}

fn is_password(context: &Context<'_>, begin: usize, from: usize, found: &Assigned) -> bool {
    let password = context.bytes(found.range.clone());
    if found.is_argument {
        return false;
    }
    if !(4..=BYTES_MAX).contains(&password.len()) || is_code(password) || is_placeholder(password) {
        return false;
    }
    if found.is_assigned && is_in_connection_string(context, begin) {
        return true;
    }
    if is_pairs_password(context, begin..from, found) && is_beside_user(context, begin) {
        return true;
    }
    if is_stand_in(password) {
        return false;
    }
    let kinds = kinds(password);
    // With brackets in it a text in quotes is as often a format.
    if !found.is_plain && kinds < 3 {
        return false;
    }
    let trigger = context.trigger();
    let is_command =
        is_word(trigger, b"identified by") || is_word(trigger, b"convertto-securestring");
    if is_command {
        let has_digit = password.iter().any(u8::is_ascii_digit);
        let quote = context.before(found.range.start);
        return kinds >= 2 && (has_digit || matches!(quote, Some(b'\'' | b'"')));
    }
    // `"password", "username"`, `CURLOPT_PASSWORD, "…"`: members of a list are mostly names.
    if found.is_listed && (kinds < 3 || !found.is_quoted)
        || is_same_name(context.bytes(begin..from), password)
    {
        return false;
    }
    if !found.is_assigned {
        let is_option = context.byte(begin) == Some(b'-') && from > begin;
        let between = context.bytes(from..found.range.start);
        let is_beside = between
            .iter()
            .all(|byte| matches!(byte, b' ' | b'"' | b'\''));
        return found.is_quoted && is_beside && kinds >= 2
            || kinds >= 3 && (is_option || context.mentions(begin, LOGIN))
            || kinds >= 2
                && password.iter().any(u8::is_ascii_digit)
                && context.mentions(begin, NETRC);
    }
    let has_letters = password.iter().any(u8::is_ascii_alphabetic);
    let has_digits = password.iter().any(u8::is_ascii_digit);
    // `DB_PASSWORD=…` of a file of settings.
    let is_setting = context.bytes(from..found.range.start) == b"="
        && context
            .byte(found.range.end)
            .is_none_or(|byte| byte.is_ascii_whitespace());
    has_letters
        && match (found.is_quoted, kinds) {
            (_, 3..) | (true, 2) => password.len() >= 6,
            (true, _) => password.len() >= 8,
            (false, 2) if has_digits => password.len() >= 7,
            (false, _) => is_setting && password.len() >= 6,
        }
}

/// `Server=…;Password=…;`, `host=… user=… password=…`: a list of settings, one of which names what is connected to.
fn is_in_connection_string(context: &Context<'_>, begin: usize) -> bool {
    // The string may be put together of several.
    let separator = context.run_back_of(begin, 8, &JOINTS);
    let is_separated = context.before(separator) == Some(b';')
        || context.bytes(separator..begin).contains(&b'&')
        || context.before(begin) == Some(b' ') && is_setting(context, begin - 1);
    is_separated && context.mentions(begin, CONNECTION)
}

/// Whether a value can be the password of somebody who is named before it: a word will do, also one that is a bad password, where it is in quotes or
/// ends a line.
fn is_pairs_password(context: &Context<'_>, name: Range<usize>, found: &Assigned) -> bool {
    let password = context.bytes(found.range.clone());
    let between = context.bytes(name.end..found.range.start);
    let is_one = if found.is_quoted {
        found.is_plain
            && !found.is_listed
            && between.len() <= PAIR_GAP_BYTES_MAX
            && (found.is_assigned || begins_setting(context, name.start))
    } else {
        between.contains(&b'=')
            && begins_setting(context, name.start)
            && !is_same_name(context.bytes(name), password)
            && matches!(
                context.byte(found.range.end),
                None | Some(b'\n' | b'\r' | b';')
            )
    };
    is_one
        && password.iter().any(u8::is_ascii_alphabetic)
        && (!is_stand_in(password) || WEAK.iter().any(|word| is_word(password, word)))
}

/// Whether a name is the first on its line, or of a statement.
fn begins_setting(context: &Context<'_>, name: usize) -> bool {
    let start = context.run_back_of(name, 16, &INDENT);
    matches!(context.before(start), None | Some(b'\n' | b';'))
}

/// Whether somebody's name is assigned shortly before a position: `user = Aladdin`, `username 'bob'`, `"user": "bob"`.
fn is_beside_user(context: &Context<'_>, position: usize) -> bool {
    context.judges(PAIR_BYTES_MAX);
    let from = position.saturating_sub(PAIR_BYTES_MAX);
    let before = context.bytes(from..position);
    let is_user = |word: &[u8]| is_word(word, b"user");
    let ends = (from + 4..).zip(before.windows(4));
    ends.filter(|(_, word)| is_user(word))
        .any(|(end, _)| is_assigned(context, end, position))
}

/// Whether something is assigned to a name, of which a part ends at `from`, before a position.
fn is_assigned(context: &Context<'_>, from: usize, position: usize) -> bool {
    let name = context.run_of(from, 8, &NAME);
    let operator = context.run_of(name, 8, &NAMES_GAP);
    let opened = context.run_of(operator, 8, &VALUES_GAP);
    let gap = context.bytes(name..opened);
    let mut signs = gap.iter().filter(|byte| ASSIGNS.has(**byte));
    let is_assigned = match (signs.next(), signs.next(), signs.next()) {
        (Some(b'=' | b':'), None, _) | (Some(b'='), Some(b'>'), None) => true,
        (None, ..) => gap.starts_with(b" ") && gap.iter().any(|byte| matches!(byte, b'"' | b'\'')),
        _ => false,
    };
    is_assigned && opened < position && !matches!(context.byte(opened), Some(b'\n' | b'\r'))
}

/// Whether `name=value` ends here.
fn is_setting(context: &Context<'_>, end: usize) -> bool {
    const BYTES_MAX: usize = 64;
    let value = context.run_back_of(end, BYTES_MAX, &SETTING);
    let name = context.run_back_of(value.saturating_sub(1), BYTES_MAX, &NAME);
    value < end && context.before(value) == Some(b'=') && name + 1 < value
}

/// A path, a call, a reference, a format, a type, an address, a date.
fn is_code(value: &[u8]) -> bool {
    let is_reference = matches!(
        value.first(),
        Some(b'$' | b'%' | b'@' | b'/' | b'.' | b'<' | b'{' | b'&' | b'*' | b'-')
    );
    let is_number = value.starts_with(b"0b") || value.starts_with(b"0x");
    let is_arrow = |two: &[u8; 2]| matches!(two, b"::" | b"->");
    let is_path = value.contains(&b'/') || value.array_windows().any(is_arrow);
    is_reference || is_number || is_path || is_member(value) || value.contains(&b'=')
}

/// Whether a value only repeats its name: `CHALLENGE_PASSWORD = "challengePassword"`.
fn is_same_name(name: &[u8], value: &[u8]) -> bool {
    let letters = |text: &[u8]| -> Vec<u8> {
        let text = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
        text.map(u8::to_ascii_lowercase).collect()
    };
    letters(name).ends_with(&letters(value))
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_passwords_that_are_called_so() {
        check(
            "password",
            "PASSWORD = \"«at5G6zi!m»\", \"AdminPassword\" : \"«thisisagoodword»\", my_password: '«super$ecret»'",
        );
        check(
            "password",
            "user:master pw:«dipPr124Gg!», cloudant_pw=\"«abcd1234abcd»\", PW:«dipPr10Gg!» (pw:«IhqSb1Gg»)",
        );
        check(
            "password",
            "My password is «Tr0ub4dor&3», hers is not; the password is «hunter2» or was it? It is hashed: the password is argon2id, the passwort: «Geheim!42x». <add key=\"Password\" value=\"«CleartextWord1»\" />",
        );
    }

    #[test]
    fn finds_passwords_of_tools() {
        check(
            "password",
            "machine api.github.com\n login octocat\n password «pass123»\nThe root password for db1 is «Gr33nT0mato!» Server=host;Port=5432;User Id=username;Password=«s3cr»;Database=d; Provider=SQLNCLI;Server=a;Uid=b;Pwd=«myWord»;",
        );
        check(
            "password",
            "IDENTIFIED BY '«SqLpa5sW0rD»'; tool --user master --password «dipPr127Gg!xx» machine a login b password «Xy7+long4enough»",
        );
        check(
            "password",
            "psycopg2.connect(\"host=prod dbname=app user=admin password=«secret»\") Open(\"Provider=X;User ID=bill; \" & \"Password =«bill_user»;Data Source=a\")",
        );
        check(
            "password",
            "host=db port=3306 user=apache password=###### and user=a, host=b, the password=secret",
        );
        check(
            "password",
            "ConvertTo-SecureString \"«4yd21JKH~GE8dkd»\" -AsPlainText",
        );
    }

    #[test]
    fn finds_words_beside_a_user() {
        check(
            "password",
            "user = alice\n# for the old mirror\npassword = «plain_word»\n$user = \"app7\";  $password = «goodword»;",
        );
        check(
            "password",
            "credentials {\n  username 'user'\n  password '«password»'\n}\n\"user\": \"bob\", \"password\": \"«letmein»\"",
        );
        check(
            "password",
            "username = name\npassword = password\nuser: str, password: str\nconnect(user=user, password=secret)\nthe user wants a password \"reset\"",
        );
    }

    #[test]
    fn leaves_code_prose_and_stand_ins() {
        check(
            "password",
            "password = request.form[\"password\"] password = getpass() password: str, password=$DB_PASSWORD password: ${{ x }}",
        );
        check(
            "password",
            "Password: must be long. The password is required and was changed. \"password\": \"required\", password = None",
        );
        check(
            "password",
            "password=\"YOUR_PASSWORD\" password: 'password' pwd=/home/user1/dir password_hash = hashlib.sha256 type=\"password\" id=\"pw1\"",
        );
        check(
            "password",
            "if (password == user.password1) pwd && ls -la1, password => !1x",
        );
    }
}
