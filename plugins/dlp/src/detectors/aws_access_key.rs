//! AWS access key ids: a prefix that says what they belong to and 16 characters of base32
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>, unique identifiers).

use super::class::Class;
use super::entropy::{centibits, is_spoken};
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const AWS_ACCESS_KEY: Detector = Detector {
    name: "aws_access_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: true,
    opaque: true,
    trigger: Trigger::Keywords(&["AKIA", "ASIA", "ABIA", "ACCA", "A3T"]),
    find: Find::Word(find),
};

/// Most consonants in a row that words have, one behind the other.
const CONSONANTS_MAX: usize = 4;

/// Base32 (RFC 4648), and the digits that old keys and made-up ones have beside it.
const BODY: Class = Class::of("A-Z0-9");

fn find(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    // Not even in the dense view, where words run into each other: `STACCATISSIMO`.
    if context
        .before(start)
        .is_some_and(|byte| byte.is_ascii_alphanumeric())
    {
        return Outcome::None;
    }
    let end = context.run_of(start, 21, &BODY);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let key = context.bytes(start..start + 20);
    let is_longer = end > start + 20 && !context.dense;
    // Words in capitals have no digits, less entropy, and vowels; the documentation's own keys have EXAMPLE in them.
    let is_random = || match centibits(key) {
        ..260 => false,
        260..350 => key.iter().any(u8::is_ascii_digit) || !is_spoken(key, CONSONANTS_MAX),
        _ => true,
    };
    if is_longer
        || end < start + 20
        || !is_random()
        || key.windows(7).any(|part| part == b"EXAMPLE")
    {
        return Outcome::None;
    }
    context.settle(start..start + 20)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_ids() {
        check(
            "aws_access_key",
            "AWS_TOKEN=«AKIALALEMEL33243OLIB» (\"«ASIAOZW6VBVAZFJHJLQA»\") «AKIALAMXLOLQVHSAXLRV»",
        );
    }

    #[test]
    fn leaves_examples_and_words() {
        check(
            "aws_access_key",
            "AKIAIOSFODNN7EXAMPLE TODAYINASIAASACKOFRICEFELLOVER ASIALALEMEL33243OLIBX AKIALALEMEL33243OLI AKIAAAAAAAAAAAAAAAAA AKIA'000000000112:| ASIAPACIFICDEVELOPER",
        );
    }
}
