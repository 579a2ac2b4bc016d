//! Canadian social insurance numbers: nine digits, Luhn (<https://www.canada.ca/en/employment-social-development/services/sin.html>).

use super::checksum::{is_uniform, luhn};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const CA_SIN: Detector = Detector {
    name: "ca_sin",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(9).and(Lengths::one(3)), Before::Other),
    find,
};

const WORDS: &[&str] = &["sin", "nas", "social insurance", "assurance sociale"];

fn find(context: &Context<'_>) -> Outcome {
    judge(
        context,
        grouped(context, &[3, 3, 3], b" -"),
        WORDS,
        is_valid,
    )
}

fn is_valid(digits: &[u8]) -> bool {
    !matches!(digits.first(), Some(b'0' | b'8')) && luhn(digits) && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("ca_sin", "my SIN is «130-692-544», NAS: «258 933 688»");
        check("ca_sin", "SIN 130-692-545");
        check("ca_sin", "order 130-692-544");
    }
}
