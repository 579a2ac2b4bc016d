//! Italian tax codes: six letters, year, month letter, day, place and a check letter (D.M. 23 December 1976).

use super::class::ALNUM;
use super::runs::Run;
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const IT_CODICE_FISCALE: Detector = Detector {
    name: "it_codice_fiscale",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(2), Before::Letter),
    find: Find::Run(find, &[Run::lettered(6, 2)]),
};

fn find(context: &Context<'_>) -> Outcome {
    let Some(start) = context.at.start.checked_sub(6) else {
        return Outcome::None;
    };
    if !context
        .bytes(start..context.at.start)
        .iter()
        .all(u8::is_ascii_alphabetic)
        || !context.begins_word(start)
    {
        return Outcome::None;
    }
    let end = context.run_of(start, 17, &ALNUM);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    Outcome::match_if(
        is_code(&context.bytes(start..end).to_ascii_uppercase()),
        start..end,
    )
}

fn is_code(code: &[u8]) -> bool {
    const LAYOUT: &[u8; 16] = b"aaaaaa00a00a000a";
    /// Values of 0 … 9 (and of A … J, which has the same) and of K … Z on odd places.
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let is_laid_out = code.len() == LAYOUT.len()
        && code.iter().zip(LAYOUT).all(|(byte, kind)| {
            if *kind == b'a' {
                byte.is_ascii_uppercase()
            } else {
                byte.is_ascii_digit()
            }
        })
        && code
            .get(8)
            .is_some_and(|month| b"ABCDEHLMPRST".contains(month));
    let total: u32 = code
        .iter()
        .take(15)
        .enumerate()
        .map(|(index, byte)| {
            let value = u32::from(if byte.is_ascii_digit() {
                byte - b'0'
            } else {
                byte.wrapping_sub(b'A')
            });
            if index % 2 == 0 {
                ODD.get(value as usize).copied().unwrap_or(0)
            } else {
                value
            }
        })
        .sum();
    is_laid_out
        && code
            .last()
            .is_some_and(|check| u32::from(check.wrapping_sub(b'A')) == total % 26)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn proves_itself() {
        check(
            "it_codice_fiscale",
            "CF: «RSSMRA85T10A562S», «mrtmtt91d08f205j»",
        );
        check(
            "it_codice_fiscale",
            "RSSMRA85T10A562T, RSSMRA85X10A562S, XRSSMRA85T10A562S",
        );
    }
}
