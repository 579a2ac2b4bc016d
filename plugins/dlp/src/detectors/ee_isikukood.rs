//! Estonian and Lithuanian personal codes: century and sex, birth date, serial, a check digit modulo 11 in two rounds.

use super::checksum::{at, is_day, number, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const EE_ISIKUKOOD: Detector = Detector {
    name: "ee_isikukood",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(11), Before::Other),
    find,
};

const WORDS: &[&str] = &[
    "isikukood",
    "asmens kodas",
    "personal code",
    "estonian",
    "lithuanian",
];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[11], b""), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    let first = sum(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let check = if first < 10 {
        first
    } else {
        sum(digits, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10
    };
    is_day(number(digits, 5, 7), number(digits, 3, 5)) && check == at(digits, 10)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("ee_isikukood", "isikukood «37605030299»");
        check("ee_isikukood", "isikukood 37605030298");
        check("ee_isikukood", "order 37605030299");
    }
}
