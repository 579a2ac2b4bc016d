//! Turkish identity numbers (T.C. Kimlik No): eleven digits, two check digits.

use super::checksum::at;
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const TR_NATIONAL_ID: Detector = Detector {
    name: "tr_national_id",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(11), Before::Other),
    find,
};

const WORDS: &[&str] = &[
    "tc",
    "tckn",
    "kimlik",
    "t.c.",
    "tc no",
    "vatandaşlık",
    "turkish",
];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[11], b""), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    let every_second = |from: usize, to: usize| -> u32 {
        (from..to).step_by(2).map(|index| at(digits, index)).sum()
    };
    let (odd, even) = (every_second(0, 9), every_second(1, 8));
    let total: u32 = (0..10).map(|index| at(digits, index)).sum();
    digits.first() != Some(&b'0')
        && (odd * 7 + 90 - even) % 10 == at(digits, 9)
        && total % 10 == at(digits, 10)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "tr_national_id",
            "TC Kimlik No: «10000000146», tckn «53857632436»",
        );
        check("tr_national_id", "TC 10000000147");
        check("tr_national_id", "order 10000000146");
    }
}
