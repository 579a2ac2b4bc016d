//! Singapore identity numbers (NRIC, FIN): a letter, seven digits, a check letter (Immigration and Checkpoints Authority).

use super::checksum::sum;
use super::runs::Run;
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const SG_NRIC: Detector = Detector {
    name: "sg_nric",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(7), Before::Letter),
    find: Find::Run(find, &[Run::lettered(1, 7)]),
};

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let Some(start) = at.start.checked_sub(1) else {
        return Outcome::None;
    };
    let (offset, letters): (u32, &[u8; 11]) = match context.byte(start) {
        Some(b'S') => (0, b"JZIHGFEDCBA"),
        Some(b'T') => (4, b"JZIHGFEDCBA"),
        Some(b'F') => (0, b"XWUTRQPNMLK"),
        Some(b'G') => (4, b"XWUTRQPNMLK"),
        Some(b'M') => (3, b"XWUTRQPNJLK"),
        _ => return Outcome::None,
    };
    if !context.begins_word(start) {
        return Outcome::None;
    }
    let Some(letter) = context.byte(at.end) else {
        return context.lacking(at.end);
    };
    let rest = (sum(context.trigger(), &[2, 7, 6, 5, 4, 3, 2]) + offset) % 11;
    if letters.get(rest as usize) == Some(&letter) {
        context.settle(start..at.end + 1)
    } else {
        Outcome::None
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn proves_itself() {
        check("sg_nric", "NRIC «S1234567D» «T1234567J» «F1234567N»");
        check(
            "sg_nric",
            "S1234567A s1234567D XS1234567D S1234567DD A1234567Z",
        );
    }
}
