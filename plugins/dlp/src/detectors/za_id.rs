//! South African identity numbers: birth date, serial, citizenship, Luhn (Department of Home Affairs).

use super::checksum::{is_day, luhn, number};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const ZA_ID: Detector = Detector {
    name: "za_id",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(13), Before::Other),
    find,
};

const WORDS: &[&str] = &[
    "id number",
    "identity",
    "south africa",
    "said",
    "rsa id",
    "id no",
    "resident number",
];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[13], b""), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    is_day(number(digits, 4, 6), number(digits, 2, 4))
        && matches!(digits.get(10), Some(b'0' | b'1' | b'2'))
        && luhn(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("za_id", "SA ID number: «8001015009087»");
        check("za_id", "ID number 8001015009088");
        check("za_id", "order 8001015009087");
    }
}
