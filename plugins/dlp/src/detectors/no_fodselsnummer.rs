//! Norwegian birth numbers: date, individual number, two check digits modulo 11
//! (<https://www.skatteetaten.no/person/folkeregister/fodsel-og-navnevalg/barn-fodt-i-norge/fodselsnummer>).

use super::checksum::{at, is_day, number, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const NO_FODSELSNUMMER: Detector = Detector {
    name: "no_fodselsnummer",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(11).and(Lengths::one(6)), Before::Other),
    find,
};

const WORDS: &[&str] = &[
    "fødselsnummer",
    "fodselsnummer",
    "fnr",
    "personnummer",
    "national id",
    "norwegian",
];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[6, 5], b" -"), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    let (day, month) = (number(digits, 0, 2), number(digits, 2, 4));
    let first = (11 - sum(digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
    let second = (11 - sum(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    // D numbers have 40 added to the day.
    is_day(day % 40, month % 40) && first == at(digits, 9) && second == at(digits, 10)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("no_fodselsnummer", "fødselsnummer «29029600013»");
        check("no_fodselsnummer", "fødselsnummer 29029600014");
        check("no_fodselsnummer", "order 29029600013");
    }
}
