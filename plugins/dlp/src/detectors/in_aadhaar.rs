//! Indian Aadhaar numbers: twelve digits, the first from 2 on, Verhoeff's check (<https://uidai.gov.in>).

use super::checksum::{is_uniform, verhoeff};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const IN_AADHAAR: Detector = Detector {
    name: "in_aadhaar",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(4).and(Lengths::one(12)), Before::Other),
    find,
};

const WORDS: &[&str] = &["aadhaar", "aadhar", "uid", "uidai", "adhaar"];

fn find(context: &Context<'_>) -> Outcome {
    judge(
        context,
        grouped(context, &[4, 4, 4], b" -:"),
        WORDS,
        is_valid,
    )
}

fn is_valid(digits: &[u8]) -> bool {
    matches!(digits.first(), Some(b'2'..=b'9')) && verhoeff(digits) && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "in_aadhaar",
            "Aadhaar «4001 2345 6787», aadhaar: «400123456787»",
        );
        check("in_aadhaar", "Aadhaar 400123456788");
        check("in_aadhaar", "order 4001 2345 6787");
    }
}
