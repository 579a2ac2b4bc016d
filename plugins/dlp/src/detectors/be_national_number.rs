//! Belgian national register numbers: birth date, serial, modulo 97, with 2 before the number for those born from 2000 on.

use super::checksum::number;
use super::number::{Number, grouped, judge, laid_out};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const BE_NATIONAL_NUMBER: Detector = Detector {
    name: "be_national_number",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(
        Lengths::one(11).and(Lengths::one(2).and(Lengths::one(6))),
        Before::Other,
    ),
    find,
};

const WORDS: &[&str] = &[
    "rijksregisternummer",
    "numéro national",
    "numero national",
    "insz",
    "niss",
    "national register",
    "nrn",
];

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
    laid_out(
        context,
        &[(2, b'.'), (2, b'.'), (2, b'-'), (3, b'.'), (2, b' ')],
    )
}

fn is_valid(digits: &[u8]) -> bool {
    let (base, check) = (number(digits, 0, 9), number(digits, 9, 11));
    // 2,000,000,000 modulo 97 is 25.
    check == 97 - base % 97 || check == 97 - (base % 97 + 25) % 97
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "be_national_number",
            "Rijksregisternummer «85.07.30-033.28», NISS «85073003328»",
        );
        check("be_national_number", "NISS 85073003329");
        check("be_national_number", "order 85073003328");
    }
}
