//! US bank routing numbers (ABA): nine digits, the first two a Federal Reserve district, weights 3, 7, 1
//! (<https://www.aba.com/about-us/routing-number>).

use super::checksum::{is_uniform, number, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const ABA_ROUTING: Detector = Detector {
    name: "aba_routing",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(9).and(Lengths::one(4)), Before::Other),
    find,
};

const WORDS: &[&str] = &["routing", "aba", "rtn", "transit", "aba_routing", "bank"];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[4, 4, 1], b"-"), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    let district = number(digits, 0, 2);
    matches!(district, 0..=12 | 21..=32 | 61..=72 | 80)
        && !is_uniform(digits)
        && sum(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "aba_routing",
            "routing number «121042882», ABA: «3222-7162-7»",
        );
        check("aba_routing", "routing 121042883, aba 990000005");
        check("aba_routing", "order 121042882");
    }
}
