//! Australian tax file numbers: nine digits, weights 1, 4, 3, 7, 5, 8, 6, 9, 10, modulo 11 (Australian Taxation Office).

use super::checksum::{is_uniform, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const AU_TFN: Detector = Detector {
    name: "au_tfn",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(9).and(Lengths::one(3)), Before::Other),
    find,
};

const WORDS: &[&str] = &["tfn", "tax file", "tax file number"];

fn find(context: &Context<'_>) -> Outcome {
    judge(
        context,
        grouped(context, &[3, 3, 3], b" -"),
        WORDS,
        is_valid,
    )
}

fn is_valid(digits: &[u8]) -> bool {
    sum(digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("au_tfn", "TFN «876 543 210», tax file number: «123456782»");
        check("au_tfn", "TFN 876 543 211");
        check("au_tfn", "order 876 543 210");
    }
}
