//! Indian permanent account numbers: five letters, the fourth a kind of holder, four digits, a letter. There is no check digit, so that a word
//! must announce it (<https://incometaxindia.gov.in>).

use super::runs::Run;
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const IN_PAN: Detector = Detector {
    name: "in_pan",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::one(4), Before::Letter),
    find: Find::Run(find, &[Run::lettered(5, 4)]),
};

const WORDS: &[&str] = &[
    "pan",
    "permanent account",
    "income tax",
    "pan card",
    "pan number",
];

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let Some(start) = at.start.checked_sub(5) else {
        return Outcome::None;
    };
    let letters = context.bytes(start..at.start);
    let is_kind = letters
        .get(3)
        .is_some_and(|byte| b"ABCFGHLJPTK".contains(&byte.to_ascii_uppercase()));
    if !letters.iter().all(u8::is_ascii_alphabetic)
        || !is_kind
        || !context.begins_word(start)
        || !context.mentions(start, WORDS)
    {
        return Outcome::None;
    }
    match context.byte(at.end) {
        None => context.lacking(at.end),
        Some(byte) if byte.is_ascii_alphabetic() => context.settle(start..at.end + 1),
        Some(_) => Outcome::None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn needs_a_word() {
        check("in_pan", "My PAN number is «ABBPM4567S»");
        check("in_pan", "ABBPM4567S, PAN ABBDM4567S");
        check("in_pan", "order PAN ABBPM45678");
    }
}
