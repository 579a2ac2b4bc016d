//! Dutch citizen service numbers (BSN): nine digits, the eleven test (<https://www.rvig.nl/bsn>).

use super::checksum::{at, is_uniform, sum};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const NL_BSN: Detector = Detector {
    name: "nl_bsn",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(9).and(Lengths::one(4)), Before::Other),
    find,
};

const WORDS: &[&str] = &[
    "bsn",
    "burgerservicenummer",
    "sofi",
    "sofinummer",
    "citizen service",
];

fn find(context: &Context<'_>) -> Outcome {
    judge(
        context,
        grouped(context, &[4, 2, 3], b". "),
        WORDS,
        is_valid,
    )
}

fn is_valid(digits: &[u8]) -> bool {
    let total = sum(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) + 10 * at(digits, 8);
    // The last digit counts -1, which is 10 modulo 11.
    total.is_multiple_of(11) && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "nl_bsn",
            "BSN: «111222333», burgerservicenummer «1234.56.782»",
        );
        check("nl_bsn", "bsn 111222334");
        check("nl_bsn", "order 111222333");
    }
}
