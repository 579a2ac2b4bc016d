//! Bulgarian civil numbers (EGN): birth date, region, weights 2 4 8 5 10 9 7 3 6, modulo 11.

use super::checksum::{at, is_day, number, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const BG_EGN: Detector = Detector {
    name: "bg_egn",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(10), Before::Other),
    find,
};

const WORDS: &[&str] = &["egn", "егн"];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[10], b""), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    let (month, day) = (number(digits, 2, 4) % 20, number(digits, 4, 6));
    is_day(day, month) && sum(digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == at(digits, 9)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("bg_egn", "EGN «7523169263»");
        check("bg_egn", "EGN 7523169264");
        check("bg_egn", "order 7523169263");
    }
}
