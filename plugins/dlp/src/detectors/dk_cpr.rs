//! Danish CPR numbers: birth date and four digits, which since 2007 carry no check digit, so a word must announce them
//! (<https://cpr.dk/cpr-systemet/opbygning-af-cpr-nummeret>).

use super::checksum::{is_day, is_uniform, number};
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const DK_CPR: Detector = Detector {
    name: "dk_cpr",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(10).and(Lengths::one(6)), Before::Other),
    find,
};

const WORDS: &[&str] = &["cpr", "cpr-nummer", "personnummer", "cpr-nr", "danish"];

fn find(context: &Context<'_>) -> Outcome {
    judge(context, grouped(context, &[6, 4], b"- "), WORDS, is_valid)
}

fn is_valid(digits: &[u8]) -> bool {
    is_day(number(digits, 0, 2), number(digits, 2, 4)) && !is_uniform(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("dk_cpr", "CPR: «070761-4285», cpr-nr «0707614285»");
        check("dk_cpr", "CPR 470761-4285");
        check("dk_cpr", "order 070761-4285");
    }
}
