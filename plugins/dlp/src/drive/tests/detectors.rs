//! Detectors of made-up shapes, one for each kind of trigger: small enough for a reference to say the same in another way.

use crate::detectors::{
    Before, Class, Context, Detector, Find, Grade, Group, Latch, Lengths, Outcome, Trigger,
};

const fn detector(
    name: &'static str,
    dense: bool,
    trigger: Trigger,
    find: fn(&Context<'_>) -> Outcome,
) -> Detector {
    Detector {
        name,
        group: Group::Secrets,
        grade: Grade::Precise,
        dense,
        opaque: true,
        trigger,
        find: Find::Code(find),
    }
}

/// `key-` and ten letters or digits, alone.
pub(super) static KEY: Detector = detector("key", true, Trigger::Keywords(&["key-"]), |context| {
    let word = |at: usize| context.text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    if !context.dense && context.at.start > 0 && word(context.at.start - 1) {
        return Outcome::None;
    }
    let end = context.at.end + 10;
    if !(context.at.end..end.min(context.text.len())).all(word) {
        return Outcome::None;
    }
    if context.text.len() <= end && !context.end {
        return Outcome::Undecided;
    }
    if context.text.len() < end || word(end) && !context.dense {
        return Outcome::None;
    }
    Outcome::Match(context.at.start..end)
});

/// `token` in any case, `=`, and letters up to the first other character.
pub(super) static TOKEN: Detector = detector(
    "token",
    false,
    Trigger::KeywordsAnyCase(&["token", "access_token"]),
    |context| match context.text.get(context.at.end) {
        None if context.end => Outcome::None,
        None => Outcome::Undecided,
        Some(b'=') => {
            let value = context.at.end + 1;
            let body = context.text.get(value..).unwrap_or_default();
            let len = body
                .iter()
                .take_while(|byte| byte.is_ascii_lowercase())
                .count();
            match len {
                _ if len == body.len() && !context.end => Outcome::Undecided,
                0..4 => Outcome::None,
                _ => Outcome::Match(value..value + len),
            }
        }
        Some(_) => Outcome::None,
    },
);

/// Three, two and four digits with dashes between them.
pub(super) static NUMBER: Detector = detector(
    "number",
    true,
    Trigger::Digits(Lengths::one(3), Before::Any),
    |context| {
        let shape = b"ddd-dd-dddd";
        let text = context.text.get(context.at.start..).unwrap_or_default();
        for (byte, shape) in text.iter().zip(shape) {
            let fits = match shape {
                b'd' => byte.is_ascii_digit(),
                _ => byte == shape,
            };
            if !fits {
                return Outcome::None;
            }
        }
        let next = text.get(shape.len());
        if next.is_none() && !context.end {
            return Outcome::Undecided;
        }
        if text.len() < shape.len() || next.is_some_and(u8::is_ascii_digit) {
            return Outcome::None;
        }
        Outcome::Match(context.at.start..context.at.start + shape.len())
    },
);

/// Letters, `@`, letters.
pub(super) static ADDRESS: Detector = detector("address", false, Trigger::At, |context| {
    let letters = |byte: &&u8| byte.is_ascii_lowercase();
    let before = context.text.get(..context.at.start).unwrap_or_default();
    let behind = context.text.get(context.at.end..).unwrap_or_default();
    let local = before.iter().rev().take_while(letters).count();
    let domain = behind.iter().take_while(letters).count();
    if local == 0 {
        Outcome::None
    } else if domain == behind.len() && !context.end {
        Outcome::Undecided
    } else if domain < 2 {
        Outcome::None
    } else {
        Outcome::Match(context.at.start - local..context.at.end + domain)
    }
});

/// `--BEGIN--` up to `--END--` or the first character that cannot stand between them.
pub(super) static BLOCK: Detector = detector(
    "block",
    false,
    Trigger::Keywords(&["--BEGIN--"]),
    |context| {
        Outcome::Latch(Latch {
            range: context.at.clone(),
            until: "--END--",
            body: Class::of("A-Z0-9\n\\-"),
        })
    },
);

pub(super) static ALL: [&Detector; 5] = [&ADDRESS, &BLOCK, &KEY, &NUMBER, &TOKEN];
