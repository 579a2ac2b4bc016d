//! Walking a value with a path, collecting every mistake instead of stopping at the first.

use super::Value;
use crate::{Mode, Timestamp};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::Duration;

/// Most mistakes that are collected: a document of ten thousand wrong keys must not fill the log.
pub const MISTAKES_MAX: usize = 50;

/// Something wrong at one place of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where: `limits.user.rpm`, `auth.keys[3].sha256`.
    pub path: String,
    /// What: `expected a positive integer, found "many"`.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            out.write_str(&self.message)
        } else {
            write!(out, "{}: {}", self.path, self.message)
        }
    }
}

/// All mistakes of a document, in its order.
#[derive(Debug, Default)]
pub struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    /// Notes a mistake.
    pub fn add(&self, path: impl Into<String>, message: impl Into<String>) {
        self.note(path.into(), message.into());
    }

    #[inline(never)]
    fn note(&self, path: String, message: String) {
        let mut mistakes = self.0.borrow_mut();
        if mistakes.len() < MISTAKES_MAX {
            mistakes.push(Mistake { path, message });
        }
    }

    /// What was noted.
    #[must_use]
    pub fn take(&self) -> Vec<Mistake> {
        self.0.take()
    }
}

/// One value at a place of the document. Every reading method notes a mistake and answers `None` when the value is not of its kind.
#[derive(Debug, Clone)]
pub struct Section<'a> {
    path: String,
    value: &'a Value,
    mistakes: &'a Mistakes,
    secret: Cell<bool>,
}

/// Reading is done once, in hundreds of places: none of it is inlined.
impl<'a> Section<'a> {
    /// The value at `path`.
    #[must_use]
    pub fn new(path: impl Into<String>, value: &'a Value, mistakes: &'a Mistakes) -> Self {
        Self {
            path: path.into(),
            value,
            mistakes,
            secret: Cell::new(false),
        }
    }

    /// Where this is.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value as it stands.
    #[must_use]
    pub const fn value(&self) -> &'a Value {
        self.value
    }

    /// Marks the value as one that no message may repeat; of a mapping, the names that are no words.
    #[must_use]
    pub fn secret(self) -> Self {
        self.secret.set(true);
        self
    }

    /// Notes a mistake at this place.
    #[inline(never)]
    pub fn mistake(&self, message: impl Into<String>) {
        self.note(message.into());
    }

    #[inline(never)]
    fn note(&self, message: String) {
        self.mistakes.note(self.path.clone(), message);
    }

    /// Notes that something else was expected here; answers `None`.
    pub fn expected<T>(&self, what: &str) -> Option<T> {
        self.unexpected(what);
        None
    }

    #[inline(never)]
    fn unexpected(&self, what: &str) {
        if self.secret.get() {
            self.note(format!("expected {what}"));
        } else {
            self.note(format!("expected {what}, found {}", self.value.describe()));
        }
    }

    /// A field of a mapping; `None` when it is absent (or this is no mapping: [`Self::only`] says so).
    #[must_use]
    #[inline(never)]
    pub fn field(&self, name: &str) -> Option<Section<'a>> {
        let Value::Map(entries) = self.value else {
            return None;
        };
        let (_, value) = entries.iter().find(|(have, _)| have == name)?;
        Some(self.child(name, value))
    }

    /// A field that must be there.
    #[must_use]
    #[inline(never)]
    pub fn required(&self, name: &str) -> Option<Section<'a>> {
        let field = self.field(name);
        if field.is_none() && matches!(self.value, Value::Map(_)) {
            self.mistakes.add(self.child_path(name), "is required");
        }
        field
    }

    /// Notes every field that is not one of `names`, and that this must be a mapping. Call once for each mapping.
    #[inline(never)]
    pub fn only(&self, names: &[&str]) {
        let Value::Map(entries) = self.value else {
            self.expected::<()>("a mapping");
            return;
        };
        for (name, _) in entries {
            if names.contains(&name.as_str()) {
                continue;
            }
            let known = names.join(", ");
            if self.secret.get() && !is_word(name) {
                self.mistake(format!("an unknown field, not repeated here because it might be a key; known here: {known}"));
            } else {
                self.mistakes.add(
                    self.child_path(name),
                    format!("unknown field; known here: {known}"),
                );
            }
        }
    }

    /// The entries of a mapping whose names are data, not fields.
    #[must_use]
    #[inline(never)]
    pub fn entries(&self) -> Vec<(&'a str, Section<'a>)> {
        if let Value::Map(entries) = self.value {
            entries
                .iter()
                .map(|(name, value)| (name.as_str(), self.child(name, value)))
                .collect()
        } else {
            self.expected::<()>("a mapping");
            Vec::new()
        }
    }

    /// The items of a list.
    #[must_use]
    #[inline(never)]
    pub fn items(&self) -> Vec<Section<'a>> {
        if let Value::List(items) = self.value {
            let item = |(index, value)| {
                Section::new(format!("{}[{index}]", self.path), value, self.mistakes)
            };
            items.iter().enumerate().map(item).collect()
        } else {
            self.expected::<()>("a list");
            Vec::new()
        }
    }

    /// A string that is not empty.
    #[must_use]
    #[inline(never)]
    pub fn string(&self) -> Option<&'a str> {
        match self.value {
            Value::String(text) if !text.is_empty() => Some(text),
            Value::String(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::List(_)
            | Value::Map(_) => self.expected("a string that is not empty"),
        }
    }

    /// `true` or `false`.
    #[must_use]
    #[inline(never)]
    pub fn boolean(&self) -> Option<bool> {
        if let Value::Bool(flag) = self.value {
            Some(*flag)
        } else {
            self.expected("true or false")
        }
    }

    /// A whole number from 1 to 2^53.
    ///
    /// Envoy turns whole numbers beyond 32 bits into strings when it reads YAML, so such a string of digits is a number too.
    #[must_use]
    #[inline(never)]
    pub fn positive(&self) -> Option<u64> {
        const EXACT_MAX: u64 = 1 << 53;
        let number = match self.value {
            Value::Number(_) => self.value.as_u64().filter(|number| *number >= 1),
            Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().ok().filter(|number| *number > i32::MAX as u64)
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
                None
            }
        };
        number
            .filter(|number| *number <= EXACT_MAX)
            .or_else(|| self.expected("a positive integer"))
    }

    /// One of a few words.
    #[must_use]
    pub fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let place = self.place_among(&mut words.iter().map(|(word, _)| *word))?;
        words.get(place).map(|(_, value)| *value)
    }

    #[inline(never)]
    fn place_among(&self, words: &mut dyn Iterator<Item = &str>) -> Option<usize> {
        let words: Vec<&str> = words.collect();
        if let Value::String(text) = self.value
            && let Some(place) = words.iter().position(|word| word == text)
        {
            return Some(place);
        }
        self.expected(&format!("one of {}", words.join(", ")))
    }

    /// The field `mode` of a section: `enforce`, unless it says `shadow`.
    #[must_use]
    #[inline(never)]
    pub fn mode(&self) -> Mode {
        let words = &[("enforce", Mode::Enforce), ("shadow", Mode::Shadow)];
        self.field("mode")
            .and_then(|field| field.one_of(words))
            .unwrap_or_default()
    }

    /// A length of time: a whole number and one of `ms`, `s`, `m`, `min`, `h`, `d`.
    #[must_use]
    #[inline(never)]
    pub fn duration(&self) -> Option<Duration> {
        let what = "a time above zero, such as 500ms, 30s, 10m, 1h or 90d";
        let Value::String(text) = self.value else {
            return self.expected(what);
        };
        parse_duration(text).map_or_else(|| self.expected(what), Some)
    }

    /// A point in time, RFC 3339.
    #[must_use]
    #[inline(never)]
    pub fn timestamp(&self) -> Option<Timestamp> {
        let what = "a time such as 2026-01-01T00:00:00Z";
        let Value::String(text) = self.value else {
            return self.expected(what);
        };
        Timestamp::parse_rfc3339(text).map_or_else(|| self.expected(what), Some)
    }

    fn child(&self, name: &str, value: &'a Value) -> Section<'a> {
        Section::new(self.child_path(name), value, self.mistakes)
    }

    fn child_path(&self, name: &str) -> String {
        path_of_field(&self.path, name)
    }
}

/// How mistakes name the field `name` of the mapping at `parent`. Who has a mistake's path finds its place by naming fields the same way.
#[must_use]
pub fn path_of_field(parent: &str, name: &str) -> String {
    // A name from the document can be anything, a key in the wrong place among them.
    const NAME_BYTES_MAX: usize = 64;
    let plain = name.len() <= NAME_BYTES_MAX
        && name
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'.' && b != b'"');
    let name = if plain {
        name.to_owned()
    } else {
        format!("{:?}", name.chars().take(16).collect::<String>())
    };
    if parent.is_empty() {
        name
    } else {
        format!("{parent}.{name}")
    }
}

/// Whether a name looks like a misspelt field rather than like a secret: short, letters and underscores only.
fn is_word(name: &str) -> bool {
    const WORD_BYTES_MAX: usize = 24;
    name.len() <= WORD_BYTES_MAX && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let millis_each: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let millis = number.checked_mul(millis_each)?;
    (millis > 0).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, read: impl Fn(&Section<'_>), expected: &[&str]) {
        let value = Value::from_json(json).unwrap();
        let mistakes = Mistakes::default();
        read(&Section::new("", &value, &mistakes));
        let found: Vec<String> = mistakes.take().iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn mistakes_name_the_path() {
        let positive = |s: &Section<'_>| {
            s.only(&["limits"]);
            if let Some(user) = s.field("limits").and_then(|l| l.field("user")) {
                let _ = user.required("rpm").and_then(|f| f.positive());
            }
        };
        check(r#"{"limits":{"user":{"rpm":100}}}"#, positive, &[]);
        check(
            r#"{"limits":{"user":{"rpm":"many"}}}"#,
            positive,
            &[r#"limits.user.rpm: expected a positive integer, found "many""#],
        );
        check(
            r#"{"limits":{"user":{"rpm":0}}}"#,
            positive,
            &["limits.user.rpm: expected a positive integer, found 0"],
        );
        check(
            r#"{"limits":{"user":{"rpm":1.5}}}"#,
            positive,
            &["limits.user.rpm: expected a positive integer, found 1.5"],
        );
        check(
            r#"{"limits":{"user":{}}}"#,
            positive,
            &["limits.user.rpm: is required"],
        );
        check(
            r#"{"limit":{}}"#,
            positive,
            &["limit: unknown field; known here: limits"],
        );
    }

    #[test]
    fn large_numbers_come_as_strings_from_yaml() {
        let read = |s: &Section<'_>| {
            let numbers: Vec<_> = s.items().iter().map(Section::positive).collect();
            assert_eq!(
                numbers,
                [Some(5_000_000_000), Some(5_000_000_000), None, None]
            );
        };
        check(
            r#"["5000000000", 5000000000, "5", "99999999999999999999"]"#,
            read,
            &[
                r#"[2]: expected a positive integer, found "5""#,
                "[3]: expected a positive integer, found a string of 20 bytes",
            ],
        );
    }

    #[test]
    fn a_secret_is_never_repeated() {
        let read = |s: &Section<'_>| {
            let _ = s.field("k").map(Section::secret).and_then(|f| f.positive());
        };
        check(r#"{"k":"sk-1"}"#, read, &["k: expected a positive integer"]);
        let read = |s: &Section<'_>| s.clone().secret().only(&["sha256"]);
        check(
            r#"{"sha_256":1}"#,
            read,
            &["an unknown field, not repeated here because it might be a key; known here: sha256"],
        );
        check(
            r#"{"digest":1}"#,
            read,
            &["digest: unknown field; known here: sha256"],
        );
    }

    #[test]
    fn durations() {
        for (text, millis) in [
            ("500ms", Some(500)),
            ("5m", Some(300_000)),
            ("5min", Some(300_000)),
            ("90d", Some(7_776_000_000)),
        ] {
            assert_eq!(parse_duration(text), millis.map(Duration::from_millis));
        }
        for text in ["", "5", "m", "0s", "5 m", "5w", "99999999999999999999d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
