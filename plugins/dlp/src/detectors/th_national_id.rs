//! Thai national identity numbers: thirteen digits, weights 13 to 2, modulo 11.

use super::checksum::{at, is_uniform, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const TH_NATIONAL_ID: Detector = Detector {
    name: "th_national_id",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(13).and(Lengths::one(1)), Before::Other),
    find,
};

const WORDS: &[&str] = &[
    "thai",
    "thailand",
    "เลขประจำตัวประชาชน",
    "บัตรประชาชน",
    "tnin",
    "citizen id",
];

fn find(context: &Context<'_>) -> Outcome {
    judge(
        context,
        grouped(context, &[1, 4, 5, 2, 1], b"- "),
        WORDS,
        is_valid,
    )
}

fn is_valid(digits: &[u8]) -> bool {
    digits.first() != Some(&b'0')
        && (11 - sum(digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == at(digits, 12)
        && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "th_national_id",
            "Thai citizen id «3-4567-89012-34-7», thai id «3456789012347»",
        );
        check("th_national_id", "thai 3456789012348");
        check("th_national_id", "order 3456789012347");
    }
}
