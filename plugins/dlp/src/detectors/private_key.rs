//! Private keys in PEM (RFC 7468; OpenSSH's and PGP's armour too), also as one line of base64.
//!
//! A key can be longer than any window, so a match latches: what is its body belongs to it until its last line.

use super::base64::decode;
use super::class::{BASE64, Class};
use super::{Context, Detector, Find, Grade, Group, Latch, Outcome, Trigger};

pub(super) const PRIVATE_KEY: Detector = Detector {
    name: "private_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: true,
    opaque: true,
    trigger: Trigger::KeywordsAnyCase(&[
        "-----begin",
        "---- begin ssh2",
        "ls0tls1crudjti",
        "putty-user-key-file-",
        "private key  ",
    ]),
    find: Find::Code(find),
};

/// Keys whose armour was torn off: how the encodings of OpenSSH, PKCS #1, PKCS #8 and SEC 1 begin in base64, public keys otherwise.
pub(super) const PRIVATE_KEY_BODY: Detector = Detector {
    dense: false,
    trigger: Trigger::Keywords(&[
        "b3BlbnNzaC1rZXktdjE",
        "IBAAKCAQ",
        "IBAAKCAg",
        "IBAAKBgQ",
        "IBADANBgkqhkiG9w0BAQEFAASC",
        "MHcCAQEE",
        "MIGHAgEAMBMGByqGSM49AgEG",
        "MIG2AgEAMBAGByqGSM49AgEG",
        "MC4CAQAwBQYDK2Vw",
    ]),
    find: Find::Code(find_body),
    ..PRIVATE_KEY
};

/// What ends every armour.
const UNTIL: &str = "KEY-----";
/// The body of a key, its line breaks also as they are escaped, and what comments and quotations begin lines with; a sentence's stop or a bracket
/// ends it.
pub(super) const BODY: Class = Class::of("0-9A-Za-z+/=\\-:, \n\r\t\\\\\"'|#*>");
/// How much of a body proves that a key follows. A key for the smallest curve in use has 64 characters.
pub(super) const PROOF_BYTES: usize = 24;
/// How much of a line under the label does.
const LINE_BYTES_MIN: usize = 12;
/// How long a label may be: `ENCRYPTED`, `RSA`, `EC`, `OPENSSH`, `PGP`.
const LABEL_BYTES_MAX: usize = 32;
/// How far headers (`Proc-Type`, `Version`) may keep the body from its label.
const HEADER_BYTES_MAX: usize = 512;

fn find(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    match context.byte(start) {
        Some(b'L' | b'l') => return find_encoded(context),
        Some(b'P' | b'p') if context.trigger().ends_with(b" ") => return find_blank(context),
        Some(b'P' | b'p') => return find_putty(context),
        _ => {}
    }
    let label_end = context.run(context.at.end, LABEL_BYTES_MAX + 16, |byte| {
        byte.is_ascii_alphanumeric() || byte == b' '
    });
    if context.is_open(label_end + 4) {
        return Outcome::Undecided;
    }
    let label = context.bytes(start..label_end);
    if !contains(label, b"PRIVATE") || context.byte(label_end) != Some(b'-') {
        return Outcome::None;
    }
    let mut position = context.run(label_end, 5, |byte| byte == b'-');
    // A line of letters under the label is a key's first, if only a made-up one's; prose goes on in the same line.
    let line = context.run(position, 4, |byte| {
        matches!(byte, b'\n' | b'\r' | b'\\' | b'n')
    });
    let body = context.run(line, LINE_BYTES_MIN, |byte| {
        byte.is_ascii_alphanumeric() || byte == b' '
    });
    if context.is_open(body) {
        return Outcome::Undecided;
    }
    if line > position && body - line >= LINE_BYTES_MIN {
        return Outcome::Latch(Latch {
            range: start..body,
            until: UNTIL,
            body: BODY,
        });
    }
    // Headers, one a line, up to where enough of a body stands in a row.
    let limit = position + HEADER_BYTES_MAX;
    loop {
        let body = context.run_of(position, PROOF_BYTES, &BASE64);
        if body - position >= PROOF_BYTES {
            let known = context.run_of(body, 64, &BASE64);
            return Outcome::Latch(Latch {
                range: start..known,
                until: UNTIL,
                body: BODY,
            });
        }
        if context.is_open(body) {
            return Outcome::Undecided;
        }
        // Where the key ends before it began there is none, but its own last line behind something short is still armour.
        if body >= limit || context.bytes(body..body + 4) == b"----" {
            return Outcome::None;
        }
        position = body + 1;
    }
}

/// `LS0tLS1CRUdJTi…`: the armour as a whole in base64.
fn find_encoded(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    let end = context.run_of(start, 96, &BASE64);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    if context.bytes(start..start + 8) == b"LS0tLS1C"
        && contains(&decode(context.bytes(start..end)), b"PRIVATE KEY")
    {
        Outcome::Latch(Latch {
            range: start..end,
            until: "==",
            body: BASE64,
        })
    } else {
        Outcome::None
    }
}

/// How many characters stand before the mark of an encoding: a tag and a length.
const HEAD_BYTES_MAX: usize = 6;
/// How far before a body its armour is looked for: its last line and headers.
const ARMOUR_BYTES: usize = 200;
/// Lines of base64, their breaks also as they are escaped.
const LINES: Class = Class::of("0-9A-Za-z+/=\n\r\\\\");

/// What an armour's label is made of, and what stands between it and the body.
const LABEL: Class = Class::of("A-Z ");
const BREAK: Class = Class::of(" \n\r");

/// A body without its armour.
fn find_body(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let start = context.run_back_of(at.start, HEAD_BYTES_MAX + 1, &BASE64);
    let end = context.run_of(at.end, 2 * PROOF_BYTES, &BASE64);
    if context.is_open(end) && end - at.end < 2 * PROOF_BYTES {
        return Outcome::Undecided;
    }
    if at.start - start > HEAD_BYTES_MAX || end - at.end < PROOF_BYTES {
        return Outcome::None;
    }
    // Behind its armour it is found with that.
    let before = context.bytes(start.saturating_sub(ARMOUR_BYTES)..start);
    if contains(before, b"KEY-----") || contains(before, b"KEY BLOCK-----") {
        return Outcome::None;
    }
    Outcome::Latch(Latch {
        range: start..end,
        until: "=",
        body: LINES,
    })
}

/// An armour whose dashes became blanks, or others that are no dashes any more.
fn find_blank(context: &Context<'_>) -> Outcome {
    let start = context.run_back_of(context.at.start, LABEL_BYTES_MAX, &LABEL);
    let label = context.bytes(start..context.at.start);
    let Some(begin) = label.windows(6).position(|word| word == b"BEGIN ") else {
        return Outcome::None;
    };
    let body = context.run_of(context.at.end, LABEL_BYTES_MAX, &BREAK);
    let known = context.run_of(body, 2 * PROOF_BYTES, &BASE64);
    if context.is_open(known) && known - body < 2 * PROOF_BYTES {
        return Outcome::Undecided;
    }
    if known - body < PROOF_BYTES {
        return Outcome::None;
    }
    Outcome::Latch(Latch {
        range: start + begin..known,
        until: "=",
        body: LINES,
    })
}

/// PuTTY's format names its private part.
fn find_putty(context: &Context<'_>) -> Outcome {
    let end = context.run(context.at.start, 2048, |byte| {
        byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\r')
    });
    let text = context.bytes(context.at.start..end);
    let mark = b"Private-Lines:";
    match text.windows(mark.len()).position(|part| part == mark) {
        Some(at) => Outcome::Latch(Latch {
            range: context.at.start..context.at.start + at + mark.len(),
            until: "Private-MAC:",
            body: BODY,
        }),
        None => context.lacking(end),
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len())
        .any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    const BODY: &str = "MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun";

    #[test]
    fn finds_armoured_keys() {
        check(
            "private_key",
            &format!(
                "key: «-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY}\n-----END RSA PRIVATE KEY-----» ok"
            ),
        );
        check(
            "private_key",
            &format!(
                "\"«-----BEGIN PRIVATE KEY-----\\n{BODY}\\n{BODY}\\n-----END PRIVATE KEY-----»\\n\""
            ),
        );
        check(
            "private_key",
            &format!(
                "«-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123\n\n{BODY}\n-----END EC PRIVATE KEY-----»"
            ),
        );
        check(
            "private_key",
            &format!(
                "«-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2.0.14 (GNU/Linux)\n\n{BODY}\n »(cut)"
            ),
        );
    }

    #[test]
    fn finds_bodies_without_their_armour() {
        check(
            "private_key",
            &format!("my key «{BODY}\n{BODY}\n» (that is all)"),
        );
        check(
            "private_key",
            "ed25519: \"«MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC»\", rsa MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo",
        );
    }

    #[test]
    fn finds_all_lines_of_keys_in_comments() {
        check(
            "private_key",
            &format!(
                " * «-----BEGIN RSA PRIVATE KEY-----\n * {BODY}\n # {BODY}\n> {BODY}\n * -----END RSA PRIVATE KEY-----» */"
            ),
        );
    }

    #[test]
    fn finds_keys_whose_armour_lost_its_dashes() {
        const BODY: &str = "q5LwS0mDd9sVQ2xJp7kYtN3bHc8fRzEu1aGvXoWiTn4MlKjP6yBe";
        check(
            "private_key",
            &format!(
                "key:     «BEGIN RSA PRIVATE KEY     \n{BODY}\n{BODY}\n»     END RSA PRIVATE KEY     "
            ),
        );
        check(
            "private_key",
            "PRIVATE KEY  is secret, BEGIN PRIVATE KEY   \nshort, private key  BEGIN",
        );
    }

    #[test]
    fn leaves_public_keys_and_prose() {
        check(
            "private_key",
            &format!("-----BEGIN PUBLIC KEY-----\n{BODY}\n-----END PUBLIC KEY-----"),
        );
        check(
            "private_key",
            "A file begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----. Look at it.",
        );
        check(
            "private_key",
            "-----BEGIN OPENSSH PRIVATE KEY----------END OPENSSH PRIVATE KEY-----",
        );
    }
}
