//! Swedish personal identity numbers: birth date and four digits, Luhn over the last ten digits
//! (<https://www.skatteverket.se/privat/folkbokforing/personnummer.4.3810a01c150939e893f18c29.html>).

use super::checksum::{is_day, luhn, number};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const SE_PERSONNUMMER: Detector = Detector {
    name: "se_personnummer",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(
        Lengths::one(6).and(Lengths::one(8).and(Lengths::one(10).and(Lengths::one(12)))),
        Before::Other,
    ),
    find,
};

const WORDS: &[&str] = &[
    "personnummer",
    "pnr",
    "personal identity",
    "svensk",
    "swedish",
    "ssn",
    "samordningsnummer",
];

fn find(context: &Context<'_>) -> Outcome {
    let number = match context.at.len() {
        6 | 10 => grouped(context, &[6, 4], b"-+"),
        _ => grouped(context, &[8, 4], b"-+"),
    };
    judge(context, number, WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    let short = digits
        .get(digits.len().saturating_sub(10)..)
        .unwrap_or_default();
    let (month, day) = (number(short, 2, 4), number(short, 4, 6));
    // Coordination numbers have 60 added to the day.
    is_day(day % 60, month) && luhn(short)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "se_personnummer",
            "personnummer «811218-9876», pnr: «198112189876», personnummer «19811218-9876»",
        );
        check("se_personnummer", "personnummer 811218-9875");
        check("se_personnummer", "order 811218-9876");
    }
}
