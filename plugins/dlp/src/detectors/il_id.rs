//! Israeli identity numbers (Teudat Zehut): nine digits, Luhn.

use super::checksum::{is_uniform, luhn};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const IL_ID: Detector = Detector {
    name: "il_id",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(9), Before::Other),
    find,
};

const WORDS: &[&str] = &["teudat", "israeli id", "ת.ז", "תעודת זהות"];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[9], b""), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    luhn(digits) && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("il_id", "Teudat Zehut «123456782»");
        check("il_id", "teudat 123456783");
        check("il_id", "order 123456782");
    }
}
