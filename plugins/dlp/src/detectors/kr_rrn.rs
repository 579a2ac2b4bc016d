//! Korean resident registration numbers: birth date, sex and century, and, before October 2020, a check digit.

use super::checksum::{is_day, number};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const KR_RRN: Detector = Detector {
    name: "kr_rrn",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(6).and(Lengths::one(13)), Before::Other),
    find,
};

const WORDS: &[&str] = &[
    "rrn",
    "resident registration",
    "주민",
    "주민등록번호",
    "registration number",
];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[6, 7], b"-"), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    is_day(number(digits, 4, 6), number(digits, 2, 4)) && matches!(digits.get(6), Some(b'1'..=b'8'))
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "kr_rrn",
            "주민등록번호 «960121-1234567», RRN «9601211234567»",
        );
        check("kr_rrn", "001332-1234567 RRN 9601219234567");
        check("kr_rrn", "order 9601211234567");
    }
}
