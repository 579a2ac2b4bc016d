//! Croatian personal identification numbers (OIB): eleven digits, ISO 7064 MOD 11,10.

use super::checksum::{is_uniform, mod11_10};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const HR_OIB: Detector = Detector {
    name: "hr_oib",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(11), Before::Other),
    find,
};

const WORDS: &[&str] = &["oib"];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[11], b""), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    mod11_10(digits) && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("hr_oib", "OIB: «69435151530»");
        check("hr_oib", "OIB 69435151531");
        check("hr_oib", "order 69435151530");
    }
}
