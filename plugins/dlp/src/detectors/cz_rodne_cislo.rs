//! Czech and Slovak birth numbers: birth date (the month with 50 or 20 more), a slash, a serial; the whole is a multiple of 11.

use super::checksum::{is_day, number};
use super::number::laid_out;
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const CZ_RODNE_CISLO: Detector = Detector {
    name: "cz_rodne_cislo",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(6), Before::Other),
    find,
};

fn find(context: &Context<'_>) -> Outcome {
    match laid_out(context, &[(6, b'/'), (4, b' ')]) {
        Ok(found) => {
            let digits = found.digits();
            let value =
                u64::from(number(digits, 0, 5)) * 100_000 + u64::from(number(digits, 5, 10));
            let is_dated = is_day(number(digits, 4, 6), number(digits, 2, 4) % 50 % 20);
            // Until 1985 a rest of 10 was written as 0.
            let is_valid = value % 11 == 0 || value / 10 % 11 == 10 && value % 10 == 0;
            if is_dated && is_valid {
                Outcome::Match(found.range)
            } else {
                Outcome::None
            }
        }
        Err(outcome) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn proves_itself() {
        check("cz_rodne_cislo", "rodné číslo «736028/5163», «780123/3540»");
        check("cz_rodne_cislo", "736028/5164, 7360285163, 739928/5167");
    }
}
