//! Australian Medicare numbers: ten digits, weights 1, 3, 7, 9, modulo 10, then an issue number.

use super::checksum::{at, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const AU_MEDICARE: Detector = Detector {
    name: "au_medicare",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(10).and(Lengths::one(4)), Before::Other),
    find,
};

const WORDS: &[&str] = &["medicare"];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[4, 5, 1], b" "), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    matches!(digits.first(), Some(b'2'..=b'6'))
        && sum(digits, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == at(digits, 8)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "au_medicare",
            "Medicare «2123 45670 1», medicare card «2123456701»",
        );
        check("au_medicare", "Medicare 2123 45671 1");
        check("au_medicare", "order 2123456701");
    }
}
