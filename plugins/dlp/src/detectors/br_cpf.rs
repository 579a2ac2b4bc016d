//! Brazilian CPF numbers: eleven digits, two check digits modulo 11 (Receita Federal).

use super::checksum::{at, is_uniform, value};
use super::number::{Number, grouped, judge, laid_out};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const BR_CPF: Detector = Detector {
    name: "br_cpf",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(3).and(Lengths::one(11)), Before::Other),
    find,
};

const WORDS: &[&str] = &["cpf"];

fn find(context: &Context<'_>) -> Outcome {
    match dotted(context) {
        // The dots and the dash say it themselves.
        Ok(number) if is_valid(number.digits()) => Outcome::Match(number.range),
        Ok(_) => Outcome::None,
        Err(Outcome::Undecided) => Outcome::Undecided,
        Err(_) => judge(context, grouped(context, &[11], b""), WORDS, is_valid),
    }
}

/// As it is printed.
fn dotted(context: &Context<'_>) -> Result<Number, Outcome> {
    laid_out(context, &[(3, b'.'), (3, b'.'), (3, b'-'), (2, b' ')])
}

fn is_valid(digits: &[u8]) -> bool {
    let check = |length: u32| {
        let total: u32 = digits
            .iter()
            .take(length as usize)
            .zip((2..=length + 1).rev())
            .map(|(digit, weight)| value(*digit) * weight)
            .sum();
        total * 10 % 11 % 10
    };
    check(9) == at(digits, 9) && check(10) == at(digits, 10) && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("br_cpf", "CPF «52998224725» or «529.982.247-25»");
        check("br_cpf", "CPF 52998224724, 529.982.247-24");
        check("br_cpf", "order 52998224725");
    }
}
