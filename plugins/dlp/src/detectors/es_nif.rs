//! Spanish tax numbers: DNI (eight digits and a letter) and NIE (X, Y or Z, seven digits and a letter), the letter modulo 23
//! (<https://www.interior.gob.es/opencms/es/servicios-al-ciudadano/tramites-y-gestiones/dni/calculo-del-digito-de-control-del-nif-nie/>).

use super::checksum::number;
use super::number::begins;
use super::runs::{AnyBefore, AnyBehind, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const ES_NIF: Detector = Detector {
    name: "es_nif",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(7).and(Lengths::one(8)), Before::Any),
    find: Find::Run(
        find,
        &[
            Run::within(
                Lengths::one(7),
                AnyBefore::word(1).or(AnyBefore::SIGN),
                AnyBehind::LETTER.or(AnyBehind::byte(b'-')),
            ),
            Run::within(
                Lengths::one(8),
                AnyBefore::SIGN,
                AnyBehind::LETTER.or(AnyBehind::byte(b'-')),
            ),
        ],
    ),
};

const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
const WORDS: &[&str] = &[
    "dni",
    "nif",
    "nie",
    "documento",
    "identificación",
    "identidad",
    "extranjero",
];

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let digits = context.trigger();
    let (start, value) = if digits.len() == 8 {
        (at.start, number(digits, 0, 8))
    } else {
        // The NIE's letter stands for the digit 0, 1 or 2.
        let dashed = usize::from(context.before(at.start) == Some(b'-'));
        let Some(start) = at.start.checked_sub(1 + dashed) else {
            return Outcome::None;
        };
        let first = match context.byte(start).map(|byte| byte.to_ascii_uppercase()) {
            Some(letter @ b'X'..=b'Z') => u32::from(letter - b'X'),
            _ => return Outcome::None,
        };
        (start, first * 10_000_000 + number(digits, 0, 7))
    };
    if !context.begins_word(start) || !begins(context, start) {
        return Outcome::None;
    }
    let dashed = usize::from(matches!(context.byte(at.end), Some(b'-')));
    let Some(letter) = context.byte(at.end + dashed) else {
        return context.lacking(at.end + dashed);
    };
    // `80616885E-77`: an exponent.
    let behind = at.end + dashed + 1;
    if context.is_open(behind) {
        return Outcome::Undecided;
    }
    if letter.eq_ignore_ascii_case(&b'E') && matches!(context.byte(behind), Some(b'+' | b'-')) {
        return Outcome::None;
    }
    let is_letter = LETTERS.get((value % 23) as usize) == Some(&letter.to_ascii_uppercase());
    if is_letter && (letter.is_ascii_uppercase() || context.mentions(start, WORDS)) {
        context.settle(start..at.end + dashed + 1)
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
            "es_nif",
            "DNI «12345678Z», «55555555-K», NIE «X9613851N», «Y8063915-Z», dni «55555555k»",
        );
        check(
            "es_nif",
            "12345678A, W8063915Q, 55555555k, x12345678Z, 12345678ZA",
        );
    }
}
