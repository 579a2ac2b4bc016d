//! Finnish personal identity codes: birth date, a sign for the century, serial, a check character modulo 31
//! (<https://dvv.fi/en/personal-identity-code>).

use super::checksum::{is_day, number};
use super::number::begins;
use super::runs::{AnyBehind, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const FI_HETU: Detector = Detector {
    name: "fi_hetu",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(6), Before::Other),
    find: Find::Run(
        find,
        &[Run {
            behind: AnyBehind::LETTER.or(AnyBehind::joins(b"+-")),
            next: Lengths::range(3, 4),
            ..Run::bare(Lengths::one(6))
        }],
    ),
};

const CHECK: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    if !begins(context, at.start) {
        return Outcome::None;
    }
    let end = at.end + 5;
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let date = context.trigger();
    let tail = context.bytes(at.end..end);
    let [century, serial @ .., check] = tail else {
        return Outcome::None;
    };
    // The signs of 2023's reform stand beside `+`, `-` and `A`.
    if !b"+-ABCDEFUVWXY".contains(century)
        || !serial.iter().all(u8::is_ascii_digit)
        || !is_day(number(date, 0, 2), number(date, 2, 4))
    {
        return Outcome::None;
    }
    let rest = (number(date, 0, 6) * 1000 + number(serial, 0, 3)) % 31;
    if CHECK.get(rest as usize) == Some(check) && number(serial, 0, 3) >= 2 {
        context.settle(at.start..end)
    } else {
        Outcome::None
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn proves_itself() {
        check(
            "fi_hetu",
            "«131052-308T» «010594Y9021», «020594X903P» is my hetu",
        );
        check(
            "fi_hetu",
            "131052-308U 111111+110G 311390-1111 x131052-308T 131052-308TX",
        );
    }
}
