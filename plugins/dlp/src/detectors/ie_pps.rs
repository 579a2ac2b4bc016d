//! Irish personal public service numbers: seven digits, a check letter modulo 23, perhaps one more letter
//! (<https://www.gov.ie/en/department-of-social-protection/services/get-a-personal-public-service-pps-number/>).

use super::checksum::sum;
use super::number::begins;
use super::runs::{AnyBehind, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const IE_PPS: Detector = Detector {
    name: "ie_pps",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(7), Before::Other),
    find: Find::Run(
        find,
        &[Run {
            behind: AnyBehind::LETTER,
            ..Run::bare(Lengths::one(7))
        }],
    ),
};

const WORDS: &[&str] = &["pps", "ppsn", "pps number", "personal public service"];

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    if !begins(context, at.start) {
        return Outcome::None;
    }
    let end = context.run(at.end, 3, |byte| byte.is_ascii_alphabetic());
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let letters = context.bytes(at.end..end).to_ascii_uppercase();
    let (check, second) = match letters.as_slice() {
        [check] => (*check, 0),
        [check, second @ b'A'..=b'I'] => (*check, u32::from(second - b'A' + 1)),
        [check, b'W'] => (*check, 0),
        _ => return Outcome::None,
    };
    let rest = (sum(context.trigger(), &[8, 7, 6, 5, 4, 3, 2]) + second * 9) % 23;
    let is_check = b"WABCDEFGHIJKLMNOPQRSTUV".get(rest as usize) == Some(&check);
    if is_check && context.mentions(at.start, WORDS) {
        context.settle(at.start..end)
    } else {
        Outcome::None
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_check_letter_and_word() {
        check("ie_pps", "PPS number «1234567T», PPSN: «1234567FA»");
        check("ie_pps", "PPS 1234567A");
        check("ie_pps", "order 1234567T");
    }
}
