//! Swiss AHV numbers: thirteen digits from 756 on, EAN-13's check digit
//! (<https://www.bsv.admin.ch/bsv/en/home/social-insurance/ahv/grundlagen-gesetze/ahv-nummer.html>).

use super::checksum::sum;
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const CH_AHV: Detector = Detector {
    name: "ch_ahv",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(3).and(Lengths::one(13)), Before::Other),
    find,
};

const WORDS: &[&str] = &["ahv", "avs", "versichertennummer", "sozialversicherung"];

fn find(context: &Context<'_>) -> Outcome {
    match grouped(context, &[3, 4, 4, 2], b".") {
        // The dots say it themselves.
        Ok(number) if number.separator.is_some() && is_valid(number.digits()) => {
            Outcome::Match(number.range)
        }
        number => judge(context, number, WORDS, is_valid),
    }
}

fn is_valid(digits: &[u8]) -> bool {
    digits.starts_with(b"756")
        && sum(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check(
            "ch_ahv",
            "AHV «756.9217.0769.85», «756.9217.0769.85», AHV «7569217076985»",
        );
        check("ch_ahv", "756.9217.0769.84");
        check("ch_ahv", "order 7569217076985");
    }
}
