//! Polish PESEL numbers: birth date, serial, weights 1, 3, 7, 9 (<https://www.gov.pl/web/gov/czym-jest-numer-pesel>).

use super::checksum::{at, is_day, number, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const PL_PESEL: Detector = Detector {
    name: "pl_pesel",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(11), Before::Other),
    find,
};

const WORDS: &[&str] = &["pesel"];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[11], b""), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    let (month, day) = (number(digits, 2, 4) % 20, number(digits, 4, 6));
    is_day(day, month)
        && (sum(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) + at(digits, 10)).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("pl_pesel", "PESEL: «44051401359»");
        check("pl_pesel", "PESEL 44051401358");
        check("pl_pesel", "order 44051401359");
    }
}
