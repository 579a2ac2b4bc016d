//! UK national insurance numbers: two letters, six digits, a letter from A to D
//! (<https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110>).

use super::runs::{AnyBefore, AnyBehind, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const UK_NINO: Detector = Detector {
    name: "uk_nino",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(2).and(Lengths::one(6)), Before::Any),
    find: Find::Run(
        find,
        &[
            Run {
                before: AnyBefore::word(2).or(AnyBefore::SIGN),
                ..Run::group(2, b" ", Lengths::one(2)).and(b" ", Lengths::one(2))
            },
            Run::within(
                Lengths::one(6),
                AnyBefore::word(2).or(AnyBefore::START),
                AnyBehind::LETTER.or(AnyBehind::byte(b' ')),
            ),
        ],
    ),
};

/// Prefixes that are not given out.
const UNUSED: [&[u8; 2]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
const WORDS: &[&str] = &[
    "nino",
    "national insurance",
    "ni number",
    "ni no",
    "insurance number",
];

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let spaced = context.before(at.start) == Some(b' ');
    let Some(start) = at.start.checked_sub(2 + usize::from(spaced)) else {
        return Outcome::None;
    };
    let prefix = context.bytes(start..start + 2);
    if !is_prefix(prefix) || !context.begins_word(start) {
        return Outcome::None;
    }
    let mut position = at.end;
    if at.len() == 2 {
        for _ in 0..2 {
            let end = context.digits(position + 1, 3);
            if context.is_open(end) {
                return Outcome::Undecided;
            }
            if context.byte(position) != Some(b' ') || end - position != 3 {
                return Outcome::None;
            }
            position = end;
        }
    }
    if context.byte(position) == Some(b' ') {
        position += 1;
    }
    match context.byte(position) {
        None => context.lacking(position),
        Some(b'A'..=b'D') if prefix.iter().all(u8::is_ascii_uppercase) => {
            context.settle(start..position + 1)
        }
        Some(b'A'..=b'D' | b'a'..=b'd') if context.mentions(start, WORDS) => {
            context.settle(start..position + 1)
        }
        Some(_) => Outcome::None,
    }
}

fn is_prefix(letters: &[u8]) -> bool {
    let upper = letters.to_ascii_uppercase();
    let [first, second] = upper.as_slice() else {
        return false;
    };
    first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && !b"DFIQUV".contains(first)
        && !b"DFIQUVO".contains(second)
        && !UNUSED.iter().any(|unused| *unused == upper.as_slice())
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn proves_itself() {
        check("uk_nino", "«AA 12 34 56 B», «AB123456C», nino: «tw987654a»");
        check(
            "uk_nino",
            "AA 12 34 56 H, DA123456C, ZZ123456A, tw987654a, AB1234567, XAB123456C",
        );
    }
}
