//! Passwords that commands are given as an argument: `sshpass -p …`, `mysql -p…`, `docker login -p …`, `psexec -p …`, `net user … /add`,
//! `echo … | sudo -S`.
//!
//! The command and its option say what the argument is, so that little is asked of it. The manual page of each command is the source.

use super::class::Class;
use super::stand_in::stands_in;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};
use std::ops::Range;

pub(super) const COMMAND_CREDENTIALS: Detector = Detector {
    name: "command_credentials",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::KeywordsAnyCase(&[
        "-keypass ",
        "-storepass ",
        "| chpasswd",
        "| passwd --stdin",
        "| sudo -s",
        "7z a",
        "az login",
        "cf login",
        "cmdkey",
        "docker login",
        "evil-winrm",
        "htpasswd",
        "ipmitool",
        "ldapadd",
        "ldapmodify",
        "ldapsearch",
        "lftp",
        "mongo ",
        "mongodump",
        "mongorestore",
        "mongosh",
        "mosquitto_",
        "mysql",
        "net use",
        "net user",
        "oc login",
        "podman login",
        "psexec",
        "rdesktop",
        "redis-cli",
        "rpcclient",
        "schtasks",
        "smbclient",
        "snmpget",
        "snmpwalk",
        "sqlcmd",
        "sshpass",
        "winexe",
        "xfreerdp",
        "zip -p",
    ]),
    find: Find::Code(find),
};

/// How far behind its command an option may stand.
const COMMAND_BYTES_MAX: usize = 240;
/// The longest password.
const BYTES_MAX: usize = 128;
/// The shortest.
const BYTES_MIN: usize = 4;

/// How an argument holds a password.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// The argument behind this one.
    Next(&'static [u8]),
    /// The rest of an argument that begins so.
    Rest(&'static [u8]),
    /// What stands behind this sign in the argument behind this one: `user:password`.
    Part(&'static [u8], u8),
    /// The last of so many arguments that are no options.
    Plain(usize),
}

/// What is known of commands, by how they begin.
const FORMS: &[(&[u8], &[Form])] = &[
    (b"7z", &[Form::Rest(b"-p")]),
    (b"az login", &[Form::Next(b"-p")]),
    (b"cf login", &[Form::Next(b"-p")]),
    (b"cmdkey", &[Form::Rest(b"/pass:")]),
    (b"docker", &[Form::Next(b"-p")]),
    (b"evil-winrm", &[Form::Next(b"-p")]),
    (b"ipmitool", &[Form::Next(b"-P")]),
    (b"ldap", &[Form::Next(b"-w")]),
    (b"lftp", &[Form::Part(b"-u", b',')]),
    (b"mongo", &[Form::Next(b"-p")]),
    (b"mosquitto_", &[Form::Next(b"-P")]),
    (b"mysql", &[Form::Rest(b"-p")]),
    (b"net user", &[Form::Plain(2)]),
    (b"oc login", &[Form::Next(b"-p")]),
    (b"podman", &[Form::Next(b"-p")]),
    (b"psexec", &[Form::Next(b"-p")]),
    (b"rdesktop", &[Form::Next(b"-p")]),
    (b"redis-cli", &[Form::Next(b"-a")]),
    (b"rpcclient", &[Form::Part(b"-U", b'%')]),
    (b"schtasks", &[Form::Next(b"/rp")]),
    (b"smbclient", &[Form::Part(b"-U", b'%')]),
    (
        b"snmp",
        &[Form::Next(b"-c"), Form::Next(b"-A"), Form::Next(b"-X")],
    ),
    (b"sqlcmd", &[Form::Next(b"-P"), Form::Rest(b"-P")]),
    (b"sshpass", &[Form::Next(b"-p"), Form::Rest(b"-p")]),
    (b"winexe", &[Form::Part(b"-U", b'%')]),
    (b"xfreerdp", &[Form::Rest(b"/p:")]),
];

const BLANKS: Class = Class::of(" \t");
/// What an argument is made of that is not in quotes.
const BARE: Class = Class::of("!#-&*-:=?-Z^_a-z{}~\\[\\]@\\\\");
/// The same in quotes.
const QUOTED: Class = Class::of(" !#-&*-~");

fn find(context: &Context<'_>) -> Outcome {
    if !context.begins_word(context.at.start) {
        return Outcome::None;
    }
    match context.trigger() {
        [b'|', ..] => find_before(context),
        [b'-', ..] | b"zip -P" => next(context, context.at.end),
        // In lower case it takes the paths.
        [.., b'-', b'p'] => Outcome::None,
        _ => find_behind(context),
    }
}

/// The argument at a position is one.
fn next(context: &Context<'_>, at: usize) -> Outcome {
    match argument(context, at) {
        Ok((Some(value), _)) => settled(context, value),
        Ok((None, _)) => Outcome::None,
        Err(open) => open,
    }
}

/// Goes through the arguments behind a command, up to the end of its line.
fn find_behind(context: &Context<'_>) -> Outcome {
    let command = context.trigger().to_ascii_lowercase();
    let is_file = command == b"htpasswd";
    let is_share = command == b"net use";
    let forms = FORMS
        .iter()
        .filter(|(begins, _)| command.starts_with(begins));
    // `mysqldump`, `snmpwalk`, `psexec.exe`.
    let name = context.run_of(context.at.end, 16, &const { Class::of("0-9A-Za-z_.64") });
    let first = context.run_of(name, 8, &BLANKS);
    if context.is_open(first) {
        return Outcome::Undecided;
    }
    let is_plain = command == b"net user" || is_share;
    let is_option = matches!(context.byte(first), Some(b'-' | b'/' | b'\\'));
    let is_apart = first > name || command.ends_with(b" ");
    if !is_apart || !is_option && !is_plain {
        return Outcome::None;
    }
    let forms: Vec<Form> = forms.flat_map(|(_, forms)| *forms).copied().collect();
    let limit = first + COMMAND_BYTES_MAX;
    let (mut at, mut plain, mut hashes) = (first, 0, false);
    let mut last = 0..0;
    // What the argument before says of this one.
    let mut asked: Option<Option<u8>> = None;
    while at < limit {
        let (value, behind) = match argument(context, at) {
            Ok(found) => found,
            Err(open) => return open,
        };
        let Some(value) = value else { break };
        let bytes = context.bytes(value.clone());
        if let Some(sign) = asked.take()
            && !bytes.starts_with(b"-")
        {
            let from = match sign {
                None => value.start,
                Some(sign) => match bytes.iter().position(|byte| *byte == sign) {
                    Some(place) => value.start + place + 1,
                    None => return Outcome::None,
                },
            };
            return settled(context, from..value.end);
        }
        for form in &forms {
            match form {
                Form::Next(option) if bytes == *option => asked = Some(None),
                Form::Part(option, sign) if bytes == *option => asked = Some(Some(*sign)),
                Form::Rest(begin) if bytes.starts_with(begin) => {
                    let from = value.start + begin.len();
                    let is_quoted = matches!(context.byte(from), Some(b'"' | b'\''));
                    // Quotes may stand within an argument.
                    if is_quoted {
                        return next(context, from);
                    } else if from < value.end {
                        return settled(context, from..value.end);
                    }
                }
                Form::Next(_) | Form::Part(..) | Form::Rest(_) | Form::Plain(_) => {}
            }
        }
        let is_option = matches!(bytes, [b'-' | b'/', ..]);
        // `-nbB`: the password is an argument.
        hashes |= is_file && bytes.starts_with(b"-") && bytes.contains(&b'b');
        if is_share && bytes.len() > 6 && starts_with(bytes, b"/user:") {
            asked = Some(None);
        }
        if !is_option {
            plain += 1;
            last = value;
            let is_it = forms.iter().any(
                |form| matches!(form, Form::Plain(count) if *count == plain && last.end < limit),
            );
            if is_it {
                return settled(context, last);
            }
        }
        at = behind;
    }
    if hashes && plain >= 2 {
        settled(context, last)
    } else {
        Outcome::None
    }
}

/// `echo "password" | sudo -S`, `echo user:password | chpasswd`.
fn find_before(context: &Context<'_>) -> Outcome {
    let is_stdin = context.trigger().ends_with(b"S") || context.trigger().len() > 9;
    let is_pair = context.trigger().eq_ignore_ascii_case(b"| chpasswd");
    if !is_stdin && !is_pair {
        return Outcome::None;
    }
    let before = context.bytes(context.at.start.saturating_sub(BYTES_MAX)..context.at.start);
    let begin = context.at.start - before.len();
    let Some(echo) = before.windows(5).rposition(|word| word == b"echo ") else {
        return Outcome::None;
    };
    let Ok((Some(value), end)) = argument(context, begin + echo + 5) else {
        return Outcome::None;
    };
    let gap = context.run_of(end, 4, &BLANKS);
    if gap != context.at.start {
        return Outcome::None;
    }
    let colon = context
        .bytes(value.clone())
        .iter()
        .position(|byte| *byte == b':');
    match colon {
        Some(colon) if is_pair => settled(context, value.start + colon + 1..value.end),
        None if is_pair => Outcome::None,
        Some(_) | None => settled(context, value),
    }
}

/// The argument at a position, without its quotes, and where the next one begins; none at the end of a line.
fn argument(context: &Context<'_>, at: usize) -> Result<(Option<Range<usize>>, usize), Outcome> {
    let mut start = context.run_of(at, 16, &BLANKS);
    // A line that goes on.
    if context.byte(start) == Some(b'\\') && context.byte(start + 1) == Some(b'\n') {
        start = context.run_of(start + 2, 16, &BLANKS);
    }
    let quote = context
        .byte(start)
        .filter(|byte| matches!(byte, b'"' | b'\''));
    let (from, class) = match quote {
        Some(_) => (start + 1, &QUOTED),
        None => (start, &BARE),
    };
    let end = context.run_of(from, BYTES_MAX, class);
    // A backslash at the end may be one that continues the line.
    if context.is_open(end) || context.is_open(start + 1) {
        return Err(Outcome::Undecided);
    }
    match quote {
        Some(_) if context.byte(end) == quote => Ok((Some(from..end), end + 1)),
        Some(_) => Ok((None, end)),
        // Quotes in the middle, as of `-p"…"`, end it here.
        None if end > from => Ok((Some(from..end), end)),
        None => Ok((None, end)),
    }
}

fn starts_with(bytes: &[u8], begin: &[u8]) -> bool {
    bytes
        .get(..begin.len())
        .is_some_and(|part| part.eq_ignore_ascii_case(begin))
}

fn settled(context: &Context<'_>, value: Range<usize>) -> Outcome {
    let password = context.bytes(value.clone());
    if password.len() < BYTES_MIN || password.starts_with(b"-") || stands_in(password) {
        Outcome::None
    } else {
        Outcome::Match(value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_what_commands_are_given() {
        check(
            "command_credentials",
            "sshpass -p \"«Winter2024!»\" ssh a@b; mysql -u root -p«S3cr3tPw1» app\nmysqldump -uadmin -p'«Hunter2x!»' prod\n",
        );
        check(
            "command_credentials",
            "docker login -u bob -p «Tr0ub4dor» r.example.com\npsexec \\\\10.0.94.120 -u Administrator -p «Dev_admin1» cmd\n",
        );
        check(
            "command_credentials",
            "smbclient //srv/share -U bob%«P4ssw0rd»\nhtpasswd -b -c /etc/.htpasswd admin «S3curePass»\nnet user bob «P@ssw0rd» /add\n",
        );
        check(
            "command_credentials",
            "net use Z: \\\\srv\\share /user:DOM\\bob «P@ssw0rd1»\ncmdkey /add:server01 /user:admin /pass:«P@ssw0rd»\n",
        );
        check(
            "command_credentials",
            "echo '«P4ssw0rd!»' | sudo -S apt update; echo \"bob:«P4ssw0rd!»\" | chpasswd; keytool -storepass «ch4ngeit9» -list",
        );
        check(
            "command_credentials",
            "redis-cli -h cache \\\n  -a «r3d1sP4ss» ping\nlftp -u bob,«S3cretPw!» ftp.x.com, zip -P «S3cretPw» a.zip b",
        );
    }

    #[test]
    fn leaves_other_options_and_references() {
        check(
            "command_credentials",
            "mysql is a database. mysql -p app; mysql -u root -p$DB_PASS app, mkdir -p some/path, docker login -u bob --password-stdin\n",
        );
        check(
            "command_credentials",
            "sshpass -p <password> ssh a, sshpass -e ssh b, zip -pr a.zip b, net user bob /delete\nredis-cli -p 6379 -h cache\n",
        );
        check(
            "command_credentials",
            "echo hello | sudo -s, docker run -p 8080:80 x, psexec -p $PW cmd, mysql -P 3306 -h db\n",
        );
    }
}
