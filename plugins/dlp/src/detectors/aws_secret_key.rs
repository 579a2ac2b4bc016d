//! AWS secret access keys: 40 characters of base64, which a word before them or an access key id beside them must announce.

use super::class::BASE64;
use super::entropy::centibits;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const AWS_SECRET_KEY: Detector = Detector {
    name: "aws_secret_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::KeywordsAnyCase(&[
        "aws",
        "secret_access_key",
        "secretaccesskey",
        "secret access key",
        "secret key",
        "secretkey",
        "secret_key",
        "akia",
        "asia",
    ]),
    find: Find::Traced(find),
};

/// How far behind the announcement the key may begin.
const REACH: usize = 120;

/// How long a key is.
const KEY_BYTES: usize = 40;

/// What goes on longer is no key and has none in it.
const RUN_BYTES_MAX: usize = 256;

fn find(context: &Context<'_>) -> Outcome {
    let mut position = context.at.end;
    let limit = position + REACH;
    while position < limit {
        // What is no character of a key is passed over at once.
        let rest = context
            .text
            .get(position..limit.min(context.text.len()))
            .unwrap_or_default()
            .iter();
        let between = rest.take_while(|byte| !BASE64.has(**byte)).count();
        if between > 0 {
            position += between;
            if context.is_open(position - 1) {
                return Outcome::Undecided;
            }
            continue;
        }
        let end = match context.end_of(position, RUN_BYTES_MAX, &BASE64) {
            Ok(end) => end,
            Err(outcome) => return outcome,
        };
        if end - position < KEY_BYTES {
            position = end.max(position + 1);
            continue;
        }
        // `name=value` joins both with a character of the alphabet.
        let run = context.bytes(position..end);
        let start = run
            .iter()
            .position(|byte| *byte != b'=')
            .map_or(end, |skipped| position + skipped);
        let key = match memchr::memrchr(b'=', run) {
            Some(equals) if position + equals + 1 < end => position + equals + 1..end,
            _ => start..end,
        };
        // Beside a dash or `_` it is a part of a digest in base64url.
        // Behind a dot it is the path of an address.
        let is_part = |byte: Option<u8>| matches!(byte, Some(b'-' | b'_' | b'.'));
        if context.is_open(key.end) {
            return Outcome::Undecided;
        }
        if is_key(context.bytes(key.clone()))
            && !matches!(context.byte(key.end), Some(b'-' | b'_'))
            && !is_part(context.before(key.start))
        {
            return Outcome::Match(key);
        }
        position = end.max(position + 1);
    }
    Outcome::None
}

/// So many small letters in a row are a word's: `AWSEC2CapacityReservationFleetRolePolicy`.
const WORD_LETTERS_MIN: usize = 9;

/// Forty characters, letters of both cases and a digit among them, as random as they come (40 random ones have 4.6 bits a byte on average).
fn is_key(bytes: &[u8]) -> bool {
    bytes.len() == KEY_BYTES
        && bytes.iter().any(u8::is_ascii_digit)
        && bytes.iter().any(u8::is_ascii_lowercase)
        && bytes.iter().any(u8::is_ascii_uppercase)
        && !bytes.iter().all(u8::is_ascii_hexdigit)
        && !bytes
            .windows(WORD_LETTERS_MIN)
            .any(|part| part.iter().all(u8::is_ascii_lowercase))
        && centibits(bytes) >= 400
        && !is_name(bytes)
}

/// Whether it is made of words: `policy/AmazonRoute53AutoNamingFullAccess`. Of 3,000 random keys one is taken for that.
fn is_name(bytes: &[u8]) -> bool {
    let is_other = |byte: &u8| !byte.is_ascii_lowercase();
    let words = bytes.chunk_by(|_, next| !is_other(next));
    let in_words = words.map(<[u8]>::len).filter(|letters| *letters >= 4);
    in_words.sum::<usize>() * 3 >= bytes.len() * 2
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_announced_keys() {
        check(
            "aws_secret_key",
            "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKE»",
        );
        check(
            "aws_secret_key",
            "AWS Access Key:AKIAIDQJ6PTGDFFWYX7A\nsecret key:«IwJz1SHMccAKUKuskdVoHFfkre73BTyF80nRmcWc»",
        );
        check(
            "aws_secret_key",
            "\"awsSecretKey\":\"«3lyTWqHMt5UySny2drdPYheRTEzrNux8Cn5JWFHL»\", AWS_SECRET=«3lyTWqHMt5UySny2drdPYheRTEzrNux8Cn5JWFHM»",
        );
    }

    #[test]
    fn leaves_hashes_and_unannounced_ones() {
        check(
            "aws_secret_key",
            "aws commit 227c5ec0469dadc505147467b0c1ad7a6ba88309",
        );
        check(
            "aws_secret_key",
            "signed 3lyTWqHMt5UySny2drdPYheRTEzrNux8Cn5JWFHL https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/EBSSnapshots.html \"AWSEC2CapacityReservationFleetRolePolicy\" arn:aws:iam::aws:policy/AmazonRoute53AutoNamingFullAccess aws,sha256=lyTWqHMt5UySny2drdPYheRTEzrNux8Cn5JWFHLq-a",
        );
    }
}
