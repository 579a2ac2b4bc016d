//! Brazilian CNPJ numbers: fourteen digits, two check digits modulo 11 (Receita Federal).

use super::checksum::{at, is_uniform, value};
use super::number::{Number, grouped, judge, laid_out};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const BR_CNPJ: Detector = Detector {
    name: "br_cnpj",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(2).and(Lengths::one(14)), Before::Other),
    find,
};

const WORDS: &[&str] = &["cnpj"];

fn find(context: &Context<'_>) -> Outcome {
    match dotted(context) {
        // The dots, the slash and the dash say it themselves.
        Ok(number) if is_valid(number.digits()) => Outcome::Match(number.range),
        Ok(_) => Outcome::None,
        Err(Outcome::Undecided) => Outcome::Undecided,
        Err(_) => judge(context, grouped(context, &[14], b""), WORDS, is_valid),
    }
}

/// As it is printed.
fn dotted(context: &Context<'_>) -> Result<Number, Outcome> {
    laid_out(
        context,
        &[(2, b'.'), (3, b'.'), (3, b'/'), (4, b'-'), (2, b' ')],
    )
}

fn is_valid(digits: &[u8]) -> bool {
    let check = |length: usize| {
        let weights = (2..=9).cycle();
        let total: u32 = digits
            .get(..length)
            .unwrap_or_default()
            .iter()
            .rev()
            .zip(weights)
            .map(|(digit, weight)| value(*digit) * weight)
            .sum();
        match total % 11 {
            0 | 1 => 0,
            rest => 11 - rest,
        }
    };
    digits.len() == 14
        && check(12) == at(digits, 12)
        && check(13) == at(digits, 13)
        && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("br_cnpj", "CNPJ «11222333000181» or «11.222.333/0001-81»");
        check("br_cnpj", "CNPJ 11222333000182, 11.222.333/0001-82");
        check("br_cnpj", "order 11222333000181");
    }
}
