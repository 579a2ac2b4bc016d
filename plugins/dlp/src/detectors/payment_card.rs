//! Payment card numbers (ISO/IEC 7812-1): 12 to 19 digits, bare or in groups, of a range that an issuer has, with Luhn's check digit.
//!
//! Luhn alone passes one run of digits in ten; issuer range and length together are what makes a card of it. A dot never separates groups, and bare
//! digits of a length that hardly any card has take a word that announces them.

use super::checksum::{luhn, number};
use super::class::Class;
use super::number::{Number, begins, ends};
use super::runs::{AnyBefore, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};
use std::ops::Range;

pub(super) const PAYMENT_CARD: Detector = Detector {
    name: "payment_card",
    group: Group::Pci,
    grade: Grade::Precise,
    dense: true,
    opaque: true,
    trigger: Trigger::Digits(
        Lengths::range(4, 4).and(Lengths::range(12, 19)),
        Before::Other,
    ),
    find: Find::Run(
        find,
        &[
            Run::group(4, b" -", Lengths::one(4).and(Lengths::one(6)))
                .and(b" -", Lengths::range(4, 5))
                .first(FIRST),
            Run::bare(WORDLESS).first(FIRST),
            Run::bare(Lengths::range(12, 19)).first(FIRST).announced(),
            Run::dense(
                Lengths::one(4).and(Lengths::range(12, 19)),
                AnyBefore::START.or(AnyBefore::JOINED),
            )
            .first(FIRST),
        ],
    ),
};

/// What cards begin with.
const FIRST: &[u8] = b"012345689";

/// Lengths that many cards have; the others are those of many another number.
const WORDLESS: Lengths = Lengths::range(14, 16);

/// First and last of a range of issuer numbers, by their first four digits (six where four are not enough), and the lengths of its cards.
const ISSUERS: &[(u32, u32, usize, usize)] = &[
    (604, 604, 12, 12),   // Maestro
    (1000, 1999, 15, 15), // UATP
    (2014, 2014, 15, 15), // enRoute
    (2149, 2149, 15, 15), // enRoute
    (2131, 2131, 15, 15), // JCB
    (1800, 1800, 15, 15), // JCB
    (2200, 2204, 16, 19), // Mir
    (2221, 2720, 16, 16), // Mastercard
    (3000, 3059, 14, 19), // Diners Club
    (3095, 3095, 14, 19), // Diners Club
    (3400, 3499, 15, 15), // American Express
    (3500, 3599, 16, 19), // JCB (3528 to 3589 so far)
    (3600, 3699, 14, 19), // Diners Club
    (3700, 3799, 15, 15), // American Express
    (3800, 3999, 14, 19), // Diners Club
    (4000, 4999, 13, 13), // Visa
    (4000, 4999, 16, 16), // Visa
    (4000, 4999, 19, 19), // Visa
    (5018, 5018, 12, 19), // Maestro
    (5019, 5019, 16, 16), // Dankort
    (5020, 5020, 12, 19), // Maestro
    (5038, 5038, 12, 19), // Maestro
    (5061, 5066, 16, 19), // Verve, Elo
    (5078, 5079, 16, 19), // Verve
    (5100, 5599, 16, 16), // Mastercard
    (5612, 5612, 12, 19), // Maestro
    (5800, 5899, 12, 19), // Maestro
    (6011, 6011, 16, 19), // Discover
    (6062, 6062, 16, 16), // Hipercard
    (6200, 6299, 16, 19), // UnionPay, Discover
    (6304, 6304, 12, 19), // Maestro
    (6362, 6363, 16, 16), // Elo
    (6390, 6390, 12, 19), // Maestro
    (6440, 6599, 16, 19), // Discover, RuPay, Elo
    (6703, 6703, 12, 19), // Bancontact, Maestro
    (6759, 6763, 12, 19), // Maestro
    (6771, 6771, 16, 19), // Laser
    (8100, 8199, 16, 19), // UnionPay, RuPay
    (9792, 9792, 16, 16), // Troy
];

/// Whether the groups of four before are hexadecimal, one of them with a letter: a table of code points.
fn is_in_table(context: &Context<'_>, start: usize) -> bool {
    let mut end = start;
    for _ in 0..TABLE_GROUPS_MAX {
        if context.before(end) != Some(b' ') {
            return false;
        }
        let begin = context.run_back_of(end - 1, 5, &UPPER_HEX);
        let group = context.bytes(begin..end - 1);
        if group.len() != 4 {
            return false;
        }
        if !group.iter().all(u8::is_ascii_digit) {
            return group.iter().any(u8::is_ascii_digit);
        }
        end = begin;
    }
    false
}

/// How many groups are looked at.
const TABLE_GROUPS_MAX: usize = 12;
const UPPER_HEX: Class = Class::of("0-9A-F");

/// How cards are grouped, the longest first.
const GROUPINGS: [&[usize]; 6] = [
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 4],
    &[4, 4, 4, 3],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 5],
];
/// The most digits of a group.
const GROUP_DIGITS_MAX: usize = 6;

/// What announces a card.
pub(super) const WORDS: &[&str] = &[
    "card",
    "credit",
    "debit",
    "visa",
    "mastercard",
    "maestro",
    "amex",
    "unionpay",
    "discover",
    "payment",
    "pan",
    "cc",
    "karte",
    "kreditkarte",
    "carte",
    "carta",
    "tarjeta",
    "cartão",
    "kort",
    "kaart",
    "karta",
    "кар",
    "卡",
];

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    if context.is_open(at.end) {
        return Outcome::Undecided;
    }
    if !begins(context, at.start) {
        return Outcome::None;
    }
    if at.len() >= 12 {
        return match ends(context, at.end) {
            None => Outcome::Undecided,
            // Numbers of 64 bits, sums and products are as long: these lengths take a word.
            Some(true) if takes_word(&at) && !context.mentions(at.start, WORDS) => Outcome::None,
            Some(true) if context.byte(at.end) == Some(b'*') && context.is_open(at.end + 1) => {
                Outcome::Undecided
            }
            Some(true) if is_factor(context, &at) => Outcome::None,
            Some(true) if is_card(context.trigger()) => Outcome::Match(at),
            Some(_) => Outcome::None,
        };
    }
    // The groups that stand here, however many; then whether they begin with a grouping of cards.
    let mut card = Number::new(at.start);
    let mut groups = [(0, 0); 5];
    let mut position = at.start;
    for (index, group) in groups.iter_mut().enumerate() {
        if index > 0 {
            let separator = context.byte(position);
            if context.is_open(position) {
                return Outcome::Undecided;
            }
            let known = card
                .separator
                .or(separator.filter(|byte| matches!(byte, b' ' | b'-')));
            if known.is_none() || separator != known {
                break;
            }
            card.separator = known;
            position += 1;
        }
        let end = context.digits(position, GROUP_DIGITS_MAX + 1);
        if context.is_open(end) {
            return Outcome::Undecided;
        }
        *group = (end - position, end);
        if end == position || end - position > GROUP_DIGITS_MAX {
            break;
        }
        card.push(context.bytes(position..end));
        position = end;
    }
    for grouping in GROUPINGS {
        let fits = grouping
            .iter()
            .zip(groups)
            .all(|(length, (have, _))| *length == have);
        let end = groups.get(grouping.len() - 1).map_or(0, |(_, end)| *end);
        let digits = card
            .digits()
            .get(..grouping.iter().sum())
            .unwrap_or_default();
        if fits && is_card(digits) && !is_in_table(context, at.start) {
            match ends(context, end) {
                None => return Outcome::Undecided,
                Some(true) if context.is_open(end + 1) => return Outcome::Undecided,
                Some(true) if is_in_list(context, at.start..end, digits) => {}
                Some(true) => return Outcome::Match(at.start..end),
                Some(false) => {}
            }
        }
    }
    Outcome::None
}

/// Whether groups go on before or behind, and all begin alike, as a list's do: `4001 4002 4003 4004 4005`.
fn is_in_list(context: &Context<'_>, groups: Range<usize>, digits: &[u8]) -> bool {
    let goes_on = |sign: Option<u8>, digit: Option<u8>| {
        sign == Some(b' ') && digit.is_some_and(|byte| byte.is_ascii_digit())
    };
    let before = groups.start.wrapping_sub(1);
    let goes_on = goes_on(context.byte(groups.end), context.byte(groups.end + 1))
        || goes_on(context.byte(before), context.before(before));
    goes_on
        && digits
            .iter()
            .step_by(4)
            .all(|digit| Some(digit) == digits.first())
        && digits.get(..4) != digits.get(4..8)
}

/// Hardly any card has this length today.
fn takes_word(bare: &Range<usize>) -> bool {
    !WORDLESS.has(bare.len())
}

/// `106179944855977*x`: a factor.
fn is_factor(context: &Context<'_>, bare: &Range<usize>) -> bool {
    let is_sign = |byte: Option<u8>| byte == Some(b'*');
    let is_operand = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    is_sign(context.byte(bare.end)) && is_operand(context.byte(bare.end + 1))
        || is_sign(context.before(bare.start))
            && is_operand(
                bare.start
                    .checked_sub(1)
                    .and_then(|sign| context.before(sign)),
            )
}

fn is_card(digits: &[u8]) -> bool {
    let issuer = number(digits, 0, 4);
    ISSUERS.iter().any(|(first, last, min, max)| {
        (*first..=*last).contains(&issuer) && (*min..=*max).contains(&digits.len())
    }) && luhn(digits)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn leaves_lists_of_numbers() {
        check(
            "payment_card",
            "5400 5401 5402 5403 5404 5405, 5352 5354 5353 5351 5366, «4242 4242 4242 4242» 4242, «5555 5555 5555 4444» 4242",
        );
    }
    use super::*;

    #[test]
    fn finds_cards_as_people_write_them() {
        check(
            "payment_card",
            "my card: «4012888888881881» «4012-8888-8888-1881» «4012 8888 8888 1881».",
        );
        check(
            "payment_card",
            "«378282246310005» «3782 822463 10005» «30569309025904» «6011000990139424»",
        );
        check(
            "payment_card",
            "2024 «4012 8888 8888 1881» «4012 8888 8888 1881», visa «4222222222222», maestro «6759649826438453», mir «2200000000000004»",
        );
    }

    #[test]
    fn all_issuers_numbers_begin_as_cards_do() {
        for (first, last, _, _) in ISSUERS {
            for issuer in *first..=*last {
                let digits = format!("{issuer:04}");
                assert!(FIRST.contains(&digits.as_bytes()[0]), "{digits}");
            }
        }
    }

    #[test]
    fn leaves_other_numbers_alone() {
        check(
            "payment_card",
            "52DD 5443 5433 5448 5442 541B 4012 8888 8888 1881",
        );
        // A wrong check digit; no issuer; dots; part of a longer number; arithmetic; a timestamp.
        check(
            "payment_card",
            "4012888888881882 9012888888881889 4012.8888.8888.1881 40128888888818810 x4012888888881881",
        );
        check(
            "payment_card",
            "The sum of 5827 and 3704-1682-4786 over 6070 trials at 1745913793997483",
        );
        check(
            "payment_card",
            "4951948911778577463 4031078400000 + 4012888888881881*x",
        );
        check(
            "payment_card",
            "4012 8888-8888 1881, 4012-8888-8888-1881-1, 0.4012888888881881",
        );
    }
}
