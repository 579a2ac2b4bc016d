//! US individual taxpayer identification numbers: as a social security number, area 9xx, group 50–65, 70–88, 90–92 or 94–99
//! (<https://www.irs.gov/tin/itin/individual-taxpayer-identification-number-itin>).

use super::checksum::number;
use super::number::grouped;
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const ITIN: Detector = Detector {
    name: "itin",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(3).and(Lengths::one(9)), Before::Other),
    find,
};

const WORDS: &[&str] = &[
    "itin",
    "tin",
    "taxpayer",
    "tax id",
    "tax identification",
    "tax_id",
];

fn find(context: &Context<'_>) -> Outcome {
    let found = match grouped(context, &[3, 2, 4], b"- ") {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let digits = found.digits();
    let group = number(digits, 3, 5);
    let is_itin =
        digits.first() == Some(&b'9') && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99);
    if is_itin && context.mentions(found.range.start, WORDS) {
        Outcome::Match(found.range)
    } else {
        Outcome::None
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_range_and_word() {
        check("itin", "ITIN: «911-70-1234», my tax id is «911531234»");
        check(
            "itin",
            "part 911-70-1234; tax id 911-89-1234; taxpayer 811-70-1234",
        );
    }
}
