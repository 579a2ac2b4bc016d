//! Portuguese taxpayer numbers (NIF): nine digits, weights 9 to 2, modulo 11.

use super::checksum::{at, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const PT_NIF: Detector = Detector {
    name: "pt_nif",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(9).and(Lengths::one(3)), Before::Other),
    find,
};

const WORDS: &[&str] = &["nif", "contribuinte", "fiscal", "vat"];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[3, 3, 3], b" "), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    let rest = sum(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    check == at(digits, 8)
        && matches!(
            digits.first(),
            Some(b'1' | b'2' | b'3' | b'5' | b'6' | b'7' | b'8' | b'9')
        )
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("pt_nif", "NIF «123456789», contribuinte «501 964 843»");
        check("pt_nif", "NIF 123456788");
        check("pt_nif", "order 123456789");
    }
}
