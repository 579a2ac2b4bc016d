//! Telephone numbers: `+` and a country code (ITU-T E.164), the North American plan, and, behind a word that announces one, national forms.
//!
//! The least precise of all: dates, versions and order numbers are written alike. Through a group it only flags.

use super::number::{Number, begins, ends};
use super::runs::{AnyBefore, AnyBehind, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const PHONE: Detector = Detector {
    name: "phone",
    group: Group::Pii,
    grade: Grade::Likely,
    dense: true,
    opaque: false,
    trigger: Trigger::Digits(Lengths::range(1, 15), Before::Other),
    find: Find::Run(
        find,
        &[
            Run::within(
                Lengths::range(1, 15),
                AnyBefore::PLUS.or(AnyBefore::BRACKET),
                MORE.or(END),
            ),
            // Of the North American plan, and behind a word.
            Run {
                next: Lengths::one(3),
                then: MORE,
                third: Lengths::range(3, 4),
                ..Run::within(FIRST, AnyBefore::START, MORE)
            },
            Run::within(Lengths::range(1, 15), AnyBefore::START, MORE).announced(),
            Run::within(Lengths::range(9, 15), AnyBefore::START, END).announced(),
            // Put together, it begins with `+`.
            Run::dense(Lengths::range(1, 15), AnyBefore::PLUS.or(AnyBefore::GAP)),
        ],
    ),
};

pub(super) const WORDS: &[&str] = &[
    "phone",
    "telephone",
    "tel",
    "mobile",
    "cell",
    "cellphone",
    "fax",
    "whatsapp",
    "call",
    "call me",
    "dial",
    "text me",
    "telefon",
    "handy",
    "numero",
    "téléphone",
    "móvil",
    "telefono",
    "hotline",
    "sms",
    "contact number",
    "phone number",
    "my number",
    "reach me",
    "answering",
    "messages to",
];

/// Digits that a number of any plan has (E.164, section 6.2.1: up to 15).
pub(super) const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The longest extension: ` ext. 123456`.
const EXTENSION_BYTES_MAX: usize = 12;

/// What stands behind a group when another follows…
const MORE: AnyBehind = AnyBehind::joins(b" -./()")
    .or(AnyBehind::signs(b"()"))
    .or(AnyBehind::BRACKET);

/// How long a number's first group is in the North American plan.
const FIRST: Lengths = Lengths::one(1).and(Lengths::one(3));

/// …and behind the last one: an extension's `x` too.
const END: AnyBehind = AnyBehind::END.or(AnyBehind::LETTER);

/// How the digits from the trigger on are written, as far as they can belong to one number.
pub(super) struct Written {
    number: Number,
    pub(super) end: usize,
    pub(super) digits: usize,
    groups: [usize; 8],
    group_count: usize,
    /// What stands directly before each group.
    separators: [u8; 8],
    /// An area code stands in brackets.
    has_bracket: bool,
}

fn find(context: &Context<'_>) -> Outcome {
    let mut start = context.at.start;
    let plus = context.before(start) == Some(b'+');
    let bracket = context.before(start) == Some(b'(');
    if bracket {
        start -= 1;
        // `+1 (212)` and `1-(212)` begin before the bracket, and were tried there.
        let before = context.run_back(start, 2, |byte| matches!(byte, b' ' | b'-' | b'.'));
        if context
            .before(before)
            .is_some_and(|byte| byte.is_ascii_digit())
        {
            return Outcome::None;
        }
    } else if !plus && !begins(context, start) {
        return Outcome::None;
    }
    if plus
        && context
            .before(start - 1)
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
        && !context.dense
    {
        return Outcome::None;
    }
    // `9.4E+230565093`: an exponent, also where the text is put together.
    let exponent = context.bytes(start.saturating_sub(3)..start);
    if plus && matches!(exponent, [b'0'..=b'9' | b'.', b'e' | b'E', b'+']) {
        return Outcome::None;
    }
    // `<199710221710.JAA1@host>`, `CVE-2026-9358`: no number stands there.
    if context.before(start) == Some(b'<') || exponent == b"VE-" {
        return Outcome::None;
    }
    // Other numbers need a word that announces them, which takes long to see.
    let has_word =
        || !is_date(context) && context.has_words(start) && context.mentions(start, WORDS);
    if !plus && !begins_north_american(context) && !has_word() {
        return Outcome::None;
    }
    let written = match read(context, start) {
        Ok(written) => written,
        Err(outcome) => return outcome,
    };
    if !DIGITS.contains(&written.digits) {
        return Outcome::None;
    }
    let first = context.byte(context.at.start).unwrap_or(b'0');
    let is_number = if plus {
        first != b'0' && written.digits >= 8
    } else {
        !context.dense
            && (is_north_american(&written, bracket)
                || is_announced(context, start, &written, bracket))
    };
    if !is_number {
        return Outcome::None;
    }
    // `SET_CALL: u32 = 1074310945;`: a statement. `+255959.999`: an amount.
    let is_statement = context.byte(written.end) == Some(b';')
        || context.bytes(start.saturating_sub(2)..start) == b"= ";
    let is_amount = written.separators.get(1) == Some(&b'.');
    if written.group_count == 1 && is_statement && !plus
        || written.group_count == 2 && is_amount && plus
    {
        return Outcome::None;
    }
    let start = if plus { start - 1 } else { start };
    if context.is_open(written.end + EXTENSION_BYTES_MAX) {
        return Outcome::Undecided;
    }
    let end = extension(context, written.end);
    Outcome::match_if(
        end > written.end || ends(context, end) == Some(true),
        start..end,
    )
}

/// Whether three digits follow the first group, or that is not known yet: other numbers need a word that announces them.
fn begins_north_american(context: &Context<'_>) -> bool {
    let from = context.run(context.at.end, 3, |byte| !byte.is_ascii_digit());
    let end = context.digits(from, 4);
    end - from == 3 || context.is_open(end)
}

/// `2026-08-13`, and nothing behind it that a number could go on with.
fn is_date(context: &Context<'_>) -> bool {
    let from = context.at.end;
    context.at.len() == 4
        && matches!(
            context.bytes(from..from + 7),
            [
                b' ' | b'-' | b'.' | b'/',
                b'0'..=b'9',
                b'0'..=b'9',
                b' ' | b'-' | b'.' | b'/',
                b'0'..=b'9',
                b'0'..=b'9',
                behind
            ] if !behind.is_ascii_digit() && !b" -./()".contains(behind)
        )
}

/// Reads groups of digits with at most two characters between them.
pub(super) fn read(context: &Context<'_>, start: usize) -> Result<Written, Outcome> {
    let mut written = Written {
        number: Number::new(start),
        end: start,
        digits: 0,
        groups: [0; 8],
        group_count: 0,
        separators: [0; 8],
        has_bracket: false,
    };
    let mut position = start;
    loop {
        let opened = context.run(position, 3, |byte| {
            matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')')
        });
        if context.is_open(opened) {
            return Err(Outcome::Undecided);
        }
        let separator = context.bytes(position..opened);
        let fits = match (written.group_count, separator) {
            (0, b"" | b"(") => true,
            (0, _) => false,
            (
                _,
                b" " | b"-" | b"." | b"/" | b" (" | b"-(" | b"(" | b") " | b")-" | b")" | b") - ",
            ) => true,
            (_, _) => false,
        };
        if !fits || written.group_count >= written.groups.len() {
            return Ok(written);
        }
        let end = context.digits(opened, 16);
        if context.is_open(end) {
            return Err(Outcome::Undecided);
        }
        let length = end - opened;
        if length == 0 || written.digits + length > *DIGITS.end() {
            return Ok(written);
        }
        if let (Some(group), Some(place)) = (
            written.groups.get_mut(written.group_count),
            written.separators.get_mut(written.group_count),
        ) {
            (*group, *place) = (length, separator.last().copied().unwrap_or(0));
        }
        written.number.push(context.bytes(opened..end));
        written.has_bracket |= separator.contains(&b')');
        written.group_count += 1;
        written.digits += length;
        (written.end, position) = (end, end);
    }
}

/// `212-555-0187`, `(212) 555-0187`, `1-212-555-0187`, `001-212-555-0187`: area and exchange begin with 2 to 9 (NANP).
fn is_north_american(written: &Written, bracket: bool) -> bool {
    let groups = written
        .groups
        .get(..written.group_count)
        .unwrap_or_default();
    let leading = match groups {
        [3, 3, 4] => 0,
        [1, 3, 3, 4] => 1,
        [3, 3, 3, 4] => 3,
        _ => return false,
    };
    let from = usize::from(leading > 0) + 1;
    let is_uniform = match written.separators.get(from..from + 2) {
        Some([b'-', b'-'] | [b'.', b'.']) => true,
        Some([b' ' | b')', b'-' | b'.' | b' ']) => bracket || written.has_bracket,
        _ => false,
    };
    let digits = written.number.digits();
    let is_country = matches!(digits.get(..leading), Some(b"" | b"1" | b"001"));
    let is_first = |index: usize| {
        digits
            .get(index)
            .is_some_and(|digit| (b'2'..=b'9').contains(digit))
    };
    is_uniform && is_country && is_first(leading) && is_first(leading + 3)
}

/// Behind `phone:` and the like: two groups or more, or bare digits as long as numbers are.
fn is_announced(context: &Context<'_>, start: usize, written: &Written, bracket: bool) -> bool {
    let is_shaped = bracket || written.group_count > 1 || written.digits >= 9;
    is_shaped && !is_time(written) && context.mentions(start, WORDS)
}

/// Whether these groups are as well a day, or years.
pub(super) fn is_time(written: &Written) -> bool {
    let is_day = matches!(written.groups, [4, 2, 2, ..] | [2, 2, 4, ..]);
    is_day && written.group_count == 3 || is_years(written)
}

/// `1998-2018`.
fn is_years(written: &Written) -> bool {
    let digits = written.number.digits();
    let is_year = |from: usize| matches!(digits.get(from..from + 2), Some(b"19" | b"20"));
    matches!(written.groups, [4, 4, ..]) && written.group_count == 2 && is_year(0) && is_year(4)
}

/// Takes `x123` and `ext. 123` in.
fn extension(context: &Context<'_>, end: usize) -> usize {
    for mark in [b"x".as_slice(), b" x", b" ext. ", b" ext "] {
        if context.bytes(end..end + mark.len()) == mark {
            let digits = context.digits(end + mark.len(), 6);
            if digits > end + mark.len() {
                return digits;
            }
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_numbers_of_plans() {
        check(
            "phone",
            "«+1 212-555-0187», «(415) 555-0132», «212-555-0187», «212.555.0187x123», «1-212-555-0187»",
        );
        check(
            "phone",
            "«+49 30 901820», «+44 7700 900123», «+12125550187», «001-432-815-4117»",
        );
        check(
            "phone",
            "tel: «0431 19 97 94», phone number is «3732695155», call me at «(021) 0025-967»",
        );
    }

    #[test]
    fn leaves_other_numbers() {
        check(
            "phone",
            "2029-11-16 08:57, 5827 and 3704-1682-4786, 1745913793997483, ISBN 978-8-88-539832-9, 10.40.1.6, 1,234,567",
        );
        check("phone", "they call it Copyright 1998-2018 by all");
        check(
            "phone",
            "ref 012-345-6789, 212-055-0187, 212 555 0187, a+1234567890, v212.555.0187.1",
        );
    }

    /// What is looked at before a number may begin within a word.
    #[test]
    fn the_end_of_a_word_announces_nothing() {
        for signs in 0..80 {
            let signs = ";".repeat(signs);
            check("phone", &format!("saxophone{signs} 0431 19 97 94"));
        }
    }
}
