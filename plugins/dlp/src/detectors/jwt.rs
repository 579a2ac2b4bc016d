//! JSON Web Tokens (RFC 7519): three parts of base64url, the first a JSON object that names an algorithm; also once more in base64.

use super::base64::decode;
use super::class::{BASE64, Class};
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const JWT: Detector = Detector {
    name: "jwt",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: true,
    opaque: true,
    trigger: Trigger::Keywords(&["eyJ", "EYJ", "ZXlK"]),
    find: Find::Word(find),
};

/// base64url, and base64 as some write it.
const PART: Class = Class::of("0-9A-Za-z_+/=\\-");
/// The longest header worth decoding; its `alg` stands at its beginning.
const PART_BYTES_MAX: usize = 4096;
/// What it takes to decode a byte, in bytes that are walked over.
const DECODE_COST: usize = 4;

fn find(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    if !context.begins_word(start) {
        return Outcome::None;
    }
    if context.trigger() == b"ZXlK" {
        return find_encoded(context);
    }
    let header = context.run_of(start, PART_BYTES_MAX, &PART);
    if context.is_open(header) {
        return Outcome::Undecided;
    }
    if context.byte(header) != Some(b'.') {
        return Outcome::None;
    }
    let is_upper = context.trigger() == b"EYJ";
    if !is_upper {
        context.judges(DECODE_COST * (header - start));
        if !is_header(context.bytes(start..header)) {
            return Outcome::None;
        }
    }
    let payload = context.run_of(header + 1, PART_BYTES_MAX, &PART);
    if context.is_open(payload) {
        return Outcome::Undecided;
    }
    if payload - header < 5 {
        return Outcome::None;
    }
    // In capitals nothing can be decoded; two objects one behind the other and a third part are what is left of it.
    let is_object = context.bytes(header + 1..header + 4) == b"EYJ";
    if is_upper && !(is_object && context.byte(payload) == Some(b'.')) {
        return Outcome::None;
    }
    if context.byte(payload) != Some(b'.') {
        return Outcome::Match(start..payload);
    }
    let signature = context.run_of(payload + 1, PART_BYTES_MAX, &PART);
    if context.is_open(signature) {
        return Outcome::Undecided;
    }
    Outcome::Match(start..signature)
}

/// A token that was encoded as a whole.
fn find_encoded(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    let end = context.run(start, PART_BYTES_MAX, |byte| {
        BASE64.has(byte) || matches!(byte, b'-' | b'_')
    });
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    context.judges(DECODE_COST * (end - start));
    let token = decode(context.bytes(start..end));
    let Some(dot) = token.iter().position(|byte| *byte == b'.') else {
        return Outcome::None;
    };
    // Inside another encoding nothing but a token has this form, whatever its header names.
    let (header, rest) = token.split_at_checked(dot).unwrap_or_default();
    if decode(header).starts_with(b"{\"") && rest.starts_with(b".") && rest.len() > 8 {
        Outcome::Match(start..end)
    } else {
        Outcome::None
    }
}

fn is_header(part: &[u8]) -> bool {
    let header = decode(part);
    let is_name = |at: usize| match header.get(at..at + 5) {
        Some([_, name @ .., b'"']) => [b"alg", b"enc", b"typ", b"kid"]
            .iter()
            .any(|known| *known == name),
        Some(_) | None => false,
    };
    header.starts_with(b"{") && memchr::memchr_iter(b'"', &header).any(is_name)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_tokens() {
        check(
            "jwt",
            "Bearer «eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.rDs0GPRZwwrPwV81-_» ok",
        );
        check(
            "jwt",
            "t=«ZXlKaGJHY2lPaUpJVXpJMU5pSjkuZXlKemRXSWlPaUl4SW4wLnNpZ25hdHVyZQ==»",
        );
        check(
            "jwt",
            "«EYJHBGCIOIJIUZI1NIISINR5CCI6IKPXVCJ9.EYJZDWIIOIIXMJM0NTY3ODKWIN0.RDS0GPRZWWRPWV81-_» EYJHBGCIOIJIUZI1NIJ9.ABCDEF.GH EYJA.EYJB",
        );
    }

    #[test]
    fn leaves_other_base64() {
        check(
            "jwt",
            "eyJmb28iOiJiYXIifQ.eyJmb28iOiJiYXIifQ.abc eyJhbGciOiJIUzI1NiJ9 eyJ.x.y key.eyJhbGciOiJIUzI1NiJ9.",
        );
    }
}
