//! US social security numbers: area, group, serial (<https://www.ssa.gov/employer/randomization.html>).
//!
//! Never issued are the areas 000, 666 and from 900 on, the group 00 and the serial 0000. With one separator the shape says enough; nine bare
//! digits are one only where a word before them says so.

use super::checksum::{is_uniform, number};
use super::number::grouped;
use super::runs::{AnyBefore, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const SSN: Detector = Detector {
    name: "ssn",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: true,
    opaque: true,
    trigger: Trigger::Digits(Lengths::one(3).and(Lengths::one(9)), Before::Other),
    find: Find::Run(
        find,
        &[
            Run::group(3, b" -./", Lengths::one(2)).and(b" -./", Lengths::one(4)),
            Run::bare(Lengths::one(9)).announced(),
            Run::dense(
                Lengths::one(3).and(Lengths::one(9)),
                AnyBefore::START.or(AnyBefore::JOINED),
            ),
        ],
    ),
};

pub(super) const WORDS: &[&str] = &[
    "ssn",
    "ssns",
    "social security",
    "socialsecurity",
    "social_security",
    "social-security",
    "ss#",
    "ssid",
    "soc sec",
];

/// What a number of an address stands behind.
const ADDRESS: [&[u8]; 10] = [
    b"suite", b"apt", b"unit", b"room", b"box", b"floor", b"ste", b"flat", b"no.", b"#",
];
/// How far before.
const ADDRESS_BYTES: usize = 7;

fn find(context: &Context<'_>) -> Outcome {
    let found = match grouped(context, &[3, 2, 4], b"- ") {
        Ok(found) => found,
        // A dot separates versions and amounts too, so it takes a word.
        Err(Outcome::None) => match grouped(context, &[3, 2, 4], b"./") {
            Ok(found) if context.mentions(found.range.start, WORDS) => found,
            Ok(_) => return Outcome::None,
            Err(outcome) => return outcome,
        },
        Err(outcome) => return outcome,
    };
    if !is_issued(found.digits()) {
        return Outcome::None;
    }
    let is_plain = found.separator != Some(b'-');
    if is_plain
        && (context.dense || found.separator.is_none())
        && !context.mentions(found.range.start, WORDS)
    {
        return Outcome::None;
    }
    // `Suite 680 36 4022 Oakridge Street`: an address.
    let before = context.bytes(found.range.start.saturating_sub(ADDRESS_BYTES)..found.range.start);
    if found.separator == Some(b' ')
        && ADDRESS.iter().any(|word| {
            before
                .windows(word.len())
                .any(|part| part.eq_ignore_ascii_case(word))
        })
    {
        return Outcome::None;
    }
    Outcome::Match(found.range)
}

fn is_issued(digits: &[u8]) -> bool {
    let area = number(digits, 0, 3);
    area != 0
        && area != 666
        && area < 900
        && number(digits, 3, 5) != 0
        && number(digits, 5, 9) != 0
        && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_numbers_with_one_separator() {
        check(
            "ssn",
            "My SSN is «536-90-4399». «536 90 4399»; (\"«219-09-9999»\")",
        );
        check(
            "ssn",
            "SSN: «536904399», social security number «536.90.4399»",
        );
    }

    #[test]
    fn leaves_what_is_never_issued() {
        check(
            "ssn",
            "ref 901-09-0976, 000-64-5747, 666-41-3625, 445-00-6666, 445-12-0000, 111-11-1111",
        );
        check(
            "ssn",
            "order 536904399, 536-90 4399, 1-536-90-4399, 536-90-4399-1, 536-90-43991, 2024.536-90-4399, 536.90.4399",
        );
    }
}
