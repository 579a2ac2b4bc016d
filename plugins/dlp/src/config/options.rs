//! Reads where a rule applies, from how many matches on, and what it lets pass.

use crate::allow::{ALLOWED_MAX, Allow};
use crate::rules::Finder;
use crate::scope::Scope;
use portcullis_policy::config::{Document, Glob, Section};
use portcullis_policy::{Action, Role, Side};

/// The fields that are read here.
pub(super) const FIELDS: [&str; 8] = [
    "direction",
    "roles",
    "models",
    "teams",
    "threshold",
    "allow",
    "hold",
    "decoded",
];

/// Largest threshold: more matches than that are redacted in no message.
const THRESHOLD_MAX: u64 = 10_000;

/// Hex digits of a SHA-256 digest.
const DIGEST_HEX_DIGITS: usize = 64;

/// Which messages a rule with an action applies to; `None`: both. A mask is put back in the answer, so answers are not masked.
#[inline(never)]
pub(super) fn scope(section: &Section<'_>, action: Action, document: &Document) -> Option<Scope> {
    let direction = match section.field("direction") {
        None => (action == Action::Mask).then_some(Side::Request),
        Some(field) => {
            let direction = field.one_of(&[
                ("request", Some(Side::Request)),
                ("response", Some(Side::Response)),
                ("both", None),
            ])?;
            if action == Action::Mask && direction != Some(Side::Request) {
                field.mistake("what is masked in a request is put back in its response, so a rule with action mask has direction request");
                return None;
            }
            direction
        }
    };
    let roles = list(section, "roles", |item| {
        item.one_of(&[
            ("system", Role::System),
            ("user", Role::User),
            ("assistant", Role::Assistant),
            ("tool", Role::Tool),
        ])
    })?;
    let models = list(section, "models", |item| item.string().map(Glob::new))?;
    let known = document.teams();
    let teams = list(section, "teams", |item| {
        let id = item.string()?;
        if !known.is_empty() && !known.iter().any(|team| team.id == id) {
            item.mistake("no team has this id");
            return None;
        }
        Some(id.to_owned())
    })?;
    Some(Scope {
        direction,
        roles,
        models,
        teams,
    })
}

/// From which match of a message on a rule acts.
pub(super) fn threshold(section: &Section<'_>, action: Action) -> Option<u32> {
    let Some(field) = section.field("threshold") else {
        return Some(1);
    };
    let threshold = field.positive()?;
    if action == Action::Flag {
        field.mistake("a rule with action flag flags every match");
        return None;
    }
    match u32::try_from(threshold) {
        Ok(threshold) if u64::from(threshold) <= THRESHOLD_MAX => Some(threshold),
        Ok(_) | Err(_) => {
            field.mistake(format!("expected at most {THRESHOLD_MAX}"));
            None
        }
    }
}

/// What a rule lets pass.
#[inline(never)]
pub(super) fn allow(section: &Section<'_>) -> Option<Allow> {
    let mut allow = Allow::default();
    let Some(field) = section.field("allow") else {
        return Some(allow);
    };
    let items = field.items();
    if items.len() > ALLOWED_MAX {
        field.mistake(format!("expected at most {ALLOWED_MAX} entries"));
        return None;
    }
    let mut wrong = false;
    for item in &items {
        item.only(&["value", "sha256", "pattern"]);
        let entry = (
            item.field("value"),
            item.field("sha256"),
            item.field("pattern"),
        );
        let added = match entry {
            // What is let pass may still be nobody's business: no message repeats it.
            (Some(value), None, None) => value.secret().string().map(|value| allow.value(value)),
            (None, Some(digest), None) => read_digest(&digest).map(|digest| allow.digest(digest)),
            (None, None, Some(pattern)) => pattern.string().and_then(|text| {
                let added = allow.pattern(text);
                added.map_err(|reason| pattern.mistake(reason)).ok()
            }),
            _ => item.expected("one of value, sha256 (of a value) or pattern"),
        };
        wrong |= added.is_none();
    }
    (!wrong).then_some(allow)
}

fn read_digest(field: &Section<'_>) -> Option<[u8; 32]> {
    let field = field.clone().secret();
    let text = field.string()?;
    let mut digest = [0; 32];
    let digits = text.as_bytes();
    let mut valid = digits.len() == DIGEST_HEX_DIGITS;
    for (byte, pair) in digest.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).unwrap_or_default();
        match u8::from_str_radix(pair, 16) {
            Ok(value) => *byte = value,
            Err(_) => valid = false,
        }
    }
    if valid {
        return Some(digest);
    }
    field.expected("the SHA-256 digest of a value: 64 hex digits")
}

/// Whether words of a stream wait for what follows them, so that of an address nothing has left when its `@` comes.
pub(super) fn holds_words(section: &Section<'_>, action: Action, finder: &Finder) -> Option<bool> {
    let Some(field) = section.field("hold") else {
        return Some(false);
    };
    let holds = field.one_of(&[("candidate", false), ("word", true)])?;
    if holds && !finder.finds_addresses() {
        field
            .mistake("words are held back for addresses only, and this rule does not look for any");
        return None;
    }
    if holds && matches!(action, Action::Flag | Action::Mask) {
        field.mistake("only a rule that blocks or redacts holds anything back in an answer");
        return None;
    }
    Some(holds)
}

/// Whether a pattern is held against what is decoded, too; `Some(None)` when nothing is said.
pub(super) fn decoded(section: &Section<'_>, finder: &Finder) -> Option<Option<bool>> {
    let Some(field) = section.field("decoded") else {
        return Some(None);
    };
    if let Finder::Detectors(_) = finder {
        field.mistake("detectors always see what is decoded; this is for pattern and contains");
        return None;
    }
    field.boolean().map(Some)
}

/// A list of things; `Some(None)` when it is not there.
fn list<T>(
    section: &Section<'_>,
    name: &str,
    read: impl Fn(&Section<'_>) -> Option<T>,
) -> Option<Option<Vec<T>>> {
    let Some(field) = section.field(name) else {
        return Some(None);
    };
    let items = field.items();
    if items.is_empty() {
        field.mistake(
            "names nothing, so the rule would apply nowhere; leave it out to apply everywhere",
        );
        return None;
    }
    let (mut all, mut wrong) = (Vec::new(), false);
    for item in &items {
        match read(item) {
            Some(one) => all.push(one),
            None => wrong = true,
        }
    }
    (!wrong).then_some(Some(all))
}
