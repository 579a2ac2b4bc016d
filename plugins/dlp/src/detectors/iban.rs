//! International bank account numbers (ISO 13616): country, two check digits, a body of the country's length
//! (<https://www.swift.com/standards/data-standards/iban-international-bank-account-number>).

use super::checksum::mod97;
use super::runs::{AnyBefore, AnyBehind, Run};
use super::turned::turn;
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const IBAN: Detector = Detector {
    name: "iban",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: true,
    opaque: true,
    trigger: Trigger::Digits(Lengths::range(2, 31), Before::Letter),
    find: Find::Run(
        find,
        &[
            Run::within(Lengths::range(2, 31), AnyBefore::word(2), AnyBehind::ANY),
            Run::dense(Lengths::range(2, 31), AnyBefore::CAPITAL),
        ],
    ),
};

/// Whole length by country, after the registry's release 99.
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// How many digits must follow letters that were moved.
const MOVED_DIGITS_MIN: usize = 12;

/// How long the numbers of a country are.
fn length_of(country: [u8; 2]) -> Option<usize> {
    let place = LENGTHS.binary_search_by_key(&country, |(code, _)| **code);
    let (_, length) = LENGTHS.get(place.ok()?)?;
    Some(*length)
}

fn find(context: &Context<'_>) -> Outcome {
    let Some(start) = context.at.start.checked_sub(2) else {
        return Outcome::None;
    };
    let [first, second] = *context.bytes(start..context.at.start) else {
        return Outcome::None;
    };
    let country = [first, second];
    if !country.iter().all(u8::is_ascii_alphabetic) || !context.begins_word(start) {
        return Outcome::None;
    }
    // Lines of hexadecimal digits run into each other where the text is put together.
    if context.dense && country.iter().any(u8::is_ascii_lowercase) {
        return Outcome::None;
    }
    let country = country.map(|byte| byte.to_ascii_uppercase());
    // Or its letters were moved by thirteen: only where many digits follow.
    let (length, is_moved) = match length_of(country) {
        Some(length) => (length, false),
        None if context.at.len() < MOVED_DIGITS_MIN => return Outcome::None,
        None => match length_of(country.map(turn)) {
            Some(length) => (length, true),
            None => return Outcome::None,
        },
    };
    let mut buffer = [0_u8; 34];
    let (mut count, mut position) = (0, start);
    let mut separator = None;
    let mut since: usize = 0;
    while count < length {
        let Some(byte) = context.byte(position) else {
            return context.lacking(position);
        };
        position += 1;
        if byte.is_ascii_alphanumeric() {
            if let Some(place) = buffer.get_mut(count) {
                *place = if is_moved { turn(byte) } else { byte };
            }
            count += 1;
            since += 1;
        } else if matches!(byte, b' ' | b'-')
            && separator.is_none_or(|known| known == byte)
            && (since == 4 || byte == b' ' && since >= 2)
        {
            separator = Some(byte);
            since = 0;
        } else {
            return Outcome::None;
        }
    }
    if context.is_open(position) {
        return Outcome::Undecided;
    }
    let (front, body) = buffer
        .get(..length)
        .unwrap_or_default()
        .split_at_checked(4)
        .unwrap_or_default();
    let is_check = front
        .get(2..)
        .unwrap_or_default()
        .iter()
        .all(u8::is_ascii_digit);
    // From 02 to 98: what the computation of the check digits can give.
    let check = front
        .get(2..)
        .map_or(0, |digits| super::checksum::number(digits, 0, 2));
    let is_valid =
        is_check && (2..=98).contains(&check) && mod97(body.iter().chain(front).copied()) == 1;
    // Printed with dashes, its last group is no longer than the others: a UUID's is.
    let is_grouped = separator.is_none() || since <= 4 || separator == Some(b' ');
    Outcome::match_if(
        is_valid && is_grouped && context.ends_word(position),
        start..position,
    )
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn countries_are_sorted() {
        assert!(super::LENGTHS.is_sorted());
    }

    #[test]
    fn finds_accounts_as_people_write_them() {
        check(
            "iban",
            "IBAN «DE89370400440532013000», «GB29 NWBK 6016 1331 9268 19», «fr1420041010050500013m02606».",
        );
        check(
            "iban",
            "«AL47-2121-1009-0000-0002-3569-8741» «NO9386011117947»",
        );
    }

    #[test]
    fn leaves_wrong_ones() {
        check(
            "iban",
            "DE89370400440532013001 DE00421774366875975104 XX89370400440532013000 XDE89370400440532013000",
        );
        check(
            "iban",
            "DE8937040044053201300 DE893704004405320130000 DE89 3704-0044 0532 0130 00",
        );
    }
}
