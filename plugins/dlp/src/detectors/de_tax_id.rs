//! German tax identification numbers (Steuer-ID): eleven digits, ISO 7064 MOD 11,10 (§ 139b AO).

use super::checksum::mod11_10;
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const DE_TAX_ID: Detector = Detector {
    name: "de_tax_id",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(11).and(Lengths::one(2)), Before::Other),
    find,
};

const WORDS: &[&str] = &[
    "steuer",
    "steuer-id",
    "steuerid",
    "steueridentifikationsnummer",
    "idnr",
    "identifikationsnummer",
    "tax id",
    "tax_id",
    "tin",
];

fn find(context: &Context<'_>) -> Outcome {
    judge(
        context,
        grouped(context, &[2, 3, 3, 3], b" "),
        WORDS,
        is_valid,
    )
}

fn is_valid(digits: &[u8]) -> bool {
    digits.first() != Some(&b'0') && mod11_10(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "de_tax_id",
            "Steuer-ID: «86095742719», IdNr. «12 345 678 903»",
        );
        check("de_tax_id", "Steuer-ID 86095742718");
        check("de_tax_id", "order 86095742719");
    }
}
