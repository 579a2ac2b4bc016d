//! Romanian personal numeric codes (CNP): sex, birth date, county, weights 2 7 9 1 4 6 3 5 8 2 7 9, modulo 11.

use super::checksum::{at, is_day, number, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const RO_CNP: Detector = Detector {
    name: "ro_cnp",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(13), Before::Other),
    find,
};

const WORDS: &[&str] = &["cnp", "cod numeric"];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[13], b""), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    let check = sum(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 % 10;
    let is_ten = sum(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 == 10;
    is_day(number(digits, 5, 7), number(digits, 3, 5))
        && at(digits, 12) == if is_ten { 1 } else { check }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("ro_cnp", "CNP: «1960525421081»");
        check("ro_cnp", "CNP 1960525421082");
        check("ro_cnp", "order 1960525421081");
    }
}
