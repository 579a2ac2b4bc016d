//! Chinese resident identity numbers (GB 11643): region, birth date, serial, a check character modulo 11, which may be `X`.

use super::checksum::{is_day, number, sum};
use super::number::begins;
use super::runs::{AnyBehind, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const CN_RESIDENT_ID: Detector = Detector {
    name: "cn_resident_id",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(17).and(Lengths::one(18)), Before::Other),
    find: Find::Run(
        find,
        &[
            Run {
                behind: AnyBehind::LETTER,
                ..Run::bare(Lengths::one(17))
            },
            Run {
                behind: AnyBehind::WORD_END,
                ..Run::bare(Lengths::one(18))
            },
        ],
    ),
};

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    if !begins(context, at.start) {
        return Outcome::None;
    }
    if context.is_open(at.end) {
        return Outcome::Undecided;
    }
    let end = at.start + 18;
    let text = context.bytes(at.start..end);
    let (digits, last) = text.split_at_checked(17).unwrap_or_default();
    let rest = sum(
        digits,
        &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2],
    ) % 11;
    let check = b"10X98765432".get(rest as usize);
    let is_check = last
        .first()
        .is_some_and(|byte| Some(&byte.to_ascii_uppercase()) == check);
    let is_dated = matches!(number(digits, 6, 10), 1900..=2100)
        && is_day(number(digits, 12, 14), number(digits, 10, 12));
    if is_check && is_dated && (11..=82).contains(&number(digits, 0, 2)) {
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
            "cn_resident_id",
            "id: «11010519491231002X», 身份证«440308199901101512»",
        );
        check(
            "cn_resident_id",
            "11010519491231002Y 440308199901101513 x11010519491231002X 11010519491331002X",
        );
    }
}
