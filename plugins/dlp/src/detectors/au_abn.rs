//! Australian business numbers: eleven digits, the first less one, modulo 89
//! (<https://abr.business.gov.au/Help/AbnFormat>).

use super::checksum::sum;
use super::number::{grouped, judge};
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const AU_ABN: Detector = Detector {
    name: "au_abn",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(11).and(Lengths::one(2)), Before::Other),
    find,
};

const WORDS: &[&str] = &["abn", "business number"];

fn find(context: &Context<'_>) -> Outcome {
    judge(
        context,
        grouped(context, &[2, 3, 3, 3], b" "),
        WORDS,
        is_valid,
    )
}

fn is_valid(digits: &[u8]) -> bool {
    let total = sum(digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    total >= 10 && (total - 10).is_multiple_of(89)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_digit_and_word() {
        check("au_abn", "ABN «51 824 753 556», abn: «51824753556»");
        check("au_abn", "ABN 51 824 753 557");
        check("au_abn", "order 51824753556");
    }
}
