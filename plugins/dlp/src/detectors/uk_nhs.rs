//! UK NHS numbers: ten digits, weights 10 to 2, modulo 11
//! (<https://www.datadictionary.nhs.uk/attributes/nhs_number.html>).

use super::checksum::{at, is_uniform, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const UK_NHS: Detector = Detector {
    name: "uk_nhs",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(10).and(Lengths::one(3)), Before::Other),
    find,
};

const WORDS: &[&str] = &["nhs", "national health", "patient", "health number"];

fn find(context: &Context<'_>) -> Outcome {
    judge(
        context,
        grouped(context, &[3, 3, 4], b"- "),
        WORDS,
        is_valid,
    )
}

fn is_valid(digits: &[u8]) -> bool {
    let check = (11 - sum(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    check < 10 && check == at(digits, 9) && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("uk_nhs", "NHS number: «943 476 5919», nhs «401-023-2137»");
        check("uk_nhs", "nhs 401-023-2138");
        check("uk_nhs", "order 9434765919");
    }
}
