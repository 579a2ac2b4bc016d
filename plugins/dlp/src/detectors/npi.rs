//! US national provider identifiers: ten digits, Luhn over them with 80840 before
//! (45 CFR 162.406; <https://www.cms.gov/Regulations-and-Guidance/Administrative-Simplification/NationalProvIdentStand>).

use super::checksum::luhn;
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const NPI: Detector = Detector {
    name: "npi",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(10).and(Lengths::one(4)), Before::Other),
    find,
};

const WORDS: &[&str] = &["npi", "provider", "national provider"];

fn find(context: &Context<'_>) -> Outcome {
    judge(
        context,
        grouped(context, &[4, 3, 3], b"- "),
        WORDS,
        is_valid,
    )
}

fn is_valid(digits: &[u8]) -> bool {
    // 80840 in front adds 24 to the sum, which a final digit of 4 less would take back.
    let mut whole = *b"80840..........";
    for (place, digit) in whole.iter_mut().skip(5).zip(digits) {
        *place = *digit;
    }
    matches!(digits.first(), Some(b'1' | b'2')) && luhn(&whole)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("npi", "NPI: «1234567893», provider «1003000126»");
        check("npi", "NPI 1234567890, npi 3234567893");
        check("npi", "order 1234567893");
    }
}
