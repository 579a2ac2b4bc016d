//! Mexican population registry codes (CURP): four letters, birth date, sex, state, three consonants, two characters more (RENAPO).

use super::checksum::{is_day, number};
use super::class::ALNUM;
use super::runs::Run;
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const MX_CURP: Detector = Detector {
    name: "mx_curp",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(6), Before::Letter),
    find: Find::Run(find, &[Run::lettered(4, 6)]),
};

fn find(context: &Context<'_>) -> Outcome {
    let Some(start) = context.at.start.checked_sub(4) else {
        return Outcome::None;
    };
    if !context
        .bytes(start..context.at.start)
        .iter()
        .all(u8::is_ascii_uppercase)
        || !context.begins_word(start)
    {
        return Outcome::None;
    }
    let end = context.run_of(start, 19, &ALNUM);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let digits = context.trigger();
    let is_dated = is_day(number(digits, 4, 6), number(digits, 2, 4));
    let [sex, state @ .., _, last] = context.bytes(context.at.end..end) else {
        return Outcome::None;
    };
    let is_code = end - start == 18
        && b"HMX".contains(sex)
        && state.iter().all(u8::is_ascii_uppercase)
        && !state.iter().skip(2).any(|byte| b"AEIOU".contains(byte))
        && last.is_ascii_digit();
    Outcome::match_if(is_dated && is_code, start..end)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn proves_itself() {
        check(
            "mx_curp",
            "CURP: «HEGG560427MVZRRL04», «BOXW310820HNERXN09»",
        );
        check(
            "mx_curp",
            "HEGG561327MVZRRL04 hegg560427mvzrrl04 HEGG560427MVZRRL0A HEGG560427QVZRRL04 AHEGG560427MVZRRL04",
        );
    }
}
