//! US Medicare beneficiary identifiers: eleven characters, letters and digits on fixed places
//! (<https://www.cms.gov/medicare/new-medicare-card/understanding-the-mbi.pdf>).

use super::class::Class;
use super::runs::{AnyBefore, AnyBehind, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const US_MBI: Detector = Detector {
    name: "us_mbi",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(1), Before::Any),
    find: Find::Run(
        find,
        &[Run::within(Lengths::one(1), AnyBefore::SIGN, AnyBehind::UPPER).first(b"123456789")],
    ),
};

const WORDS: &[&str] = &["medicare", "mbi", "beneficiary"];
/// No S, L, O, I, B, Z.
const LETTER: Class = Class::of("AC-HJKMNP-RT-Y");

fn find(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    if !context.begins_word(start) || !matches!(context.byte(start), Some(b'1'..=b'9')) {
        return Outcome::None;
    }
    let mut position = start;
    let mut dashes = 0;
    // C letter, N digit, M either one.
    for (index, kind) in b"NCMNCMNCCNN".iter().enumerate() {
        if matches!(index, 4 | 7) && context.byte(position) == Some(b'-') {
            dashes += 1;
            position += 1;
        }
        let Some(byte) = context.byte(position) else {
            return context.lacking(position);
        };
        let fits = match kind {
            b'N' => byte.is_ascii_digit(),
            b'C' => LETTER.has(byte),
            _ => byte.is_ascii_digit() || LETTER.has(byte),
        };
        if !fits {
            return Outcome::None;
        }
        position += 1;
    }
    if dashes == 2 || context.mentions(start, WORDS) {
        context.settle(start..position)
    } else {
        Outcome::None
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn proves_itself() {
        check("us_mbi", "«1EG4-TE5-MK73», Medicare ID: «1EG4TE5MK73»");
        check("us_mbi", "1BG4-TE5-MK73 AEG4-TE5-MK73 1EG4TE5MK73");
    }
}
