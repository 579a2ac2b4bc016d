//! French social security numbers (NIR): sex, year, month, department, commune, serial, and a key, 97 less the rest modulo 97
//! (<https://www.insee.fr/fr/metadonnees/definition/c1409>).

use super::checksum::number;
use super::number::{begins, ends};
use super::runs::{AnyBehind, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const FR_NIR: Detector = Detector {
    name: "fr_nir",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::range(1, 15), Before::Other),
    find: Find::Run(
        find,
        &[
            // Single digits throughout would need more spaces than people write.
            Run::group(1, b" ", Lengths::range(2, 31)).first(FIRST),
            Run {
                behind: AnyBehind::byte(b' '),
                ..Run::bare(Lengths::range(2, 14)).first(FIRST)
            },
            // Corsica's letter.
            Run {
                behind: AnyBehind::LETTER,
                ..Run::bare(Lengths::one(6)).first(FIRST)
            },
            Run::bare(Lengths::one(15)).first(FIRST),
        ],
    ),
};

/// The sex.
const FIRST: &[u8] = b"12";

const WORDS: &[&str] = &[
    "sécurité sociale",
    "securite sociale",
    "nir",
    "insee",
    "sécu",
    "secu",
    "numéro de sécurité",
    "assuré",
];

fn find(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    if !begins(context, start) || !matches!(context.byte(start), Some(b'1' | b'2')) {
        return Outcome::None;
    }
    let mut digits = [0_u8; 15];
    let (mut count, mut position) = (0, start);
    let mut spaces = 0;
    let mut correction = 0;
    while count < digits.len() {
        let Some(byte) = context.byte(position) else {
            return context.lacking(position);
        };
        let digit = match byte {
            b'0'..=b'9' => byte,
            // Corsica's departments count as 19 and 18.
            b'A' | b'a' if count == 6 => {
                correction = 1_000_000;
                b'0'
            }
            b'B' | b'b' if count == 6 => {
                correction = 2_000_000;
                b'0'
            }
            // The year has two digits where the sex stands alone.
            b' ' if (count, spaces) == (2, 1) => return Outcome::None,
            b' ' if count > 0 && spaces < 6 && context.before(position) != Some(b' ') => {
                spaces += 1;
                position += 1;
                continue;
            }
            _ => return Outcome::None,
        };
        if let Some(place) = digits.get_mut(count) {
            *place = digit;
        }
        count += 1;
        position += 1;
    }
    let base = u64::from(number(&digits, 0, 7)) * 1_000_000 + u64::from(number(&digits, 7, 13));
    let key = 97 - base.saturating_sub(correction) % 97;
    let month = number(&digits, 3, 5);
    let is_month = (1..=12).contains(&month) || (20..=42).contains(&month);
    let is_written = spaces >= 4 || context.mentions(start, WORDS);
    if !is_month || key != u64::from(number(&digits, 13, 15)) || !is_written {
        return Outcome::None;
    }
    match ends(context, position) {
        Some(true) => Outcome::Match(start..position),
        Some(false) => Outcome::None,
        None => Outcome::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn proves_itself() {
        check(
            "fr_nir",
            "«2 55 08 14 168 025 38», numéro de sécurité sociale: «255081416802538», NIR «1 84 12 76 451 089 46»",
        );
        check(
            "fr_nir",
            "2 55 08 14 168 025 39, 255081416802538, 3 55 08 14 168 025 38",
        );
    }
}
