//! Password hashes of crypt(5): MD5, bcrypt, SHA-256, SHA-512, yescrypt; Argon2's encoded form; those of Apache (`apr1`), of network devices (types 8
//! and 9) and of Kerberos tickets.

use super::class::Class;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const PASSWORD_HASH: Detector = Detector {
    name: "password_hash",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    trigger: Trigger::Keywords(&[
        "$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$8$", "$9$", "$apr1$", "$argon2", "$krb5",
        "$y$",
    ]),
    find: Find::Code(find),
};

const BODY: Class = Class::of("0-9A-Za-z./+=,$");

fn find(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    let end = context.run_of(context.at.end, 256, &BODY);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    // The hash is what stands behind the last `$`; a sentence's stop is not part of it.
    let body = context.bytes(context.at.end..end);
    let stops = body
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b',' | b'='))
        .count();
    let body = body.get(..body.len() - stops).unwrap_or_default();
    let hash = body.rsplit(|byte| *byte == b'$').next().unwrap_or_default();
    let parts = body.split(|byte| *byte == b'$').count();
    let is_hash = match context.trigger() {
        b"$1$" | b"$apr1$" => parts == 2 && (22..=23).contains(&hash.len()),
        b"$8$" | b"$9$" => parts == 2 && body.len() - hash.len() == 15 && hash.len() == 43,
        b"$krb5" => parts >= 4 && hash.len() >= 64,
        b"$2a$" | b"$2b$" | b"$2y$" => parts == 2 && (53..=54).contains(&hash.len()),
        b"$5$" => parts >= 2 && (43..=44).contains(&hash.len()),
        b"$6$" => parts >= 2 && (86..=87).contains(&hash.len()),
        _ => parts >= 3 && hash.len() >= 22,
    };
    Outcome::match_if(is_hash, start..context.at.end + body.len())
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_hashes() {
        check(
            "password_hash",
            "root:«$1$28772684$iEwNOgGugqO9.bIz5sk8k/»:0 «$2a$05$LhayLxezLhK1LhWvKxCyLOj0j1u.Kj0jZ0pEmm134uzrQlFvQJLF6»",
        );
        check(
            "password_hash",
            "«$5$rounds=5000$GX7BopJZJxPc/KEK$le16UF8I2Anb.rOrn22AUPWvzUETDGefUmAV8AZkGcD»",
        );
    }

    #[test]
    fn finds_hashes_of_servers_and_devices() {
        check(
            "password_hash",
            "bob:«$apr1$ePZTmN7A$FVJ1Q9cVRo.2Tm9dTDB2v1» secret 8 «$8$TnGX/fE4KGHOVU$pEhnEvxrvaynpi8j4f.EMHr6M.FzU8xnZnBr/tJdFWk»",
        );
    }

    #[test]
    fn leaves_shell_arguments() {
        check(
            "password_hash",
            "echo $1$2 costs $5$ and $6$7 awk '{print $1$3}'",
        );
    }
}
