//! Telephone numbers that a word behind them names, as in signatures and on cards: `0431 19 97 94 office`, `089 72 63 41-Fax`.

use super::class::Class;
use super::phone::{DIGITS, PHONE, is_time, read};
use super::{Context, Detector, Find, Outcome, Trigger};

pub(super) const PHONE_LABELLED: Detector = Detector {
    dense: false,
    trigger: Trigger::KeywordsAnyCase(&["office", "mobile", "fax"]),
    find: Find::Code(find),
    ..PHONE
};

/// Fifteen digits, each with a sign between them.
const BYTES_MAX: usize = 32;
const NUMBER: Class = Class::of(" 0-9()./\\-");
/// What stands before the first digit, and what does between the last one and the word.
const BLANKS: Class = Class::of(" ");
const JOINTS: Class = Class::of(" (\\-");

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let end = context.run_back_of(at.start, 2, &JOINTS);
    if end == at.start
        || !context
            .before(end)
            .is_some_and(|byte| byte.is_ascii_digit())
    {
        return Outcome::None;
    }
    // It must be all that the line, or this part of it, says: `10 000 000 mobile phones` goes on.
    if context.is_open(at.end) {
        return Outcome::Undecided;
    }
    if context
        .byte(at.end)
        .is_some_and(|byte| byte == b' ' || byte.is_ascii_alphanumeric())
    {
        return Outcome::None;
    }
    let begin = context.run_back_of(end, BYTES_MAX, &NUMBER);
    let start = context.run_of(begin, end - begin, &BLANKS);
    if !context.begins_word(begin) || context.before(begin) == Some(b'+') {
        return Outcome::None;
    }
    match read(context, start) {
        Ok(written) => Outcome::match_if(
            written.end == end && DIGITS.contains(&written.digits) && !is_time(&written),
            start..end,
        ),
        Err(outcome) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_what_is_labelled_behind() {
        check(
            "phone",
            "AO 61487\n«416 60 039» office\n«28-64-66-98»-Office\\,«(85) 5986-8343»-Fax",
        );
        check("phone", "«0319 3649187» (mobile)");
        check("phone", "«781 1704» FAX");
    }

    #[test]
    fn leaves_other_numbers() {
        check(
            "phone",
            "10 000 000 mobile phones, 2024-05-06 office\n1998-2018 office, 12 Office\nv1234567 fax, 123456789012345678 fax",
        );
    }
}
