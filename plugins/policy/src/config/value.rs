//! A configuration value, from JSON text or from a protobuf `Struct`.

use crate::sort::sort_by;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Deepest nesting of a policy document. Protects the stack; serde_json's own limit is 128.
pub const DEPTH_MAX: usize = 64;

/// A value of the policy document. Keys keep their order and stand once.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number; a protobuf `Struct` knows doubles only.
    Number(f64),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Value>),
    /// Names and values.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Parses JSON text (RFC 8259). A key that stands twice is an error: serde_json's own value would silently take the last.
    ///
    /// # Errors
    /// A sentence with line and column, or with the name that stands twice.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let value: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match value.name_that_stands_twice() {
            Some(path) => Err(format!("{path:?} stands twice")),
            None => Ok(value),
        }
    }

    /// The path of one that does. It is looked for when all has been read: an error out of the midst of reading has serde_json bring the search for
    /// texts in texts into a module, 4 KiB.
    pub(super) fn name_that_stands_twice(&self) -> Option<String> {
        match self {
            Self::Map(entries) => {
                // Sorted, since a set of names would be the only one that some modules have: 10 KiB of them.
                let mut names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
                sort_by(&mut names, Ord::cmp);
                let twice = names.iter().zip(names.iter().skip(1));
                if let Some((name, _)) = twice.into_iter().find(|(one, other)| one == other) {
                    return Some((*name).to_owned());
                }
                entries.iter().find_map(|(name, value)| {
                    Some([name, ".", &value.name_that_stands_twice()?].concat())
                })
            }
            Self::List(items) => items.iter().find_map(Self::name_that_stands_twice),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => None,
        }
    }

    /// A member of a mapping.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(members) = self else {
            return None;
        };
        let mut members = members.iter();
        members
            .find(|(have, _)| have == name)
            .map(|(_, value)| value)
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// A whole number, where it is none below zero and exact.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        match self {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole and in range
            Self::Number(number) if number.fract() == 0.0 && (0.0..=EXACT_MAX).contains(number) => {
                Some(*number as u64)
            }
            Self::Number(_)
            | Self::String(_)
            | Self::Null
            | Self::Bool(_)
            | Self::List(_)
            | Self::Map(_) => None,
        }
    }

    /// How a mistake names what it found. Long strings are not repeated: they might be a key in the wrong place.
    #[must_use]
    pub fn describe(&self) -> String {
        const SHOWN_BYTES_MAX: usize = 16;
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            // Not by the standard library's formatting of floating point, which is 15 KiB of a module.
            Self::Number(value) => {
                let json = serde_json::to_string(value).unwrap_or_default();
                json.strip_suffix(".0").unwrap_or(&json).to_owned()
            }
            Self::String(text) if text.len() <= SHOWN_BYTES_MAX => format!("{text:?}"),
            Self::String(text) => format!("a string of {} bytes", text.len()),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    // Whole numbers beyond 2^53 lose digits here as they do in a protobuf `Struct`; no field of the policy goes so far.
    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_stand_twice_are_told_with_their_path() {
        for (text, path) in [
            (r#"{"a": 1, "b": 2, "a": 1}"#, "a"),
            (
                r#"{"auth": {"keys": [{"id": 1}, {"id": 1, "user": 2, "id": 1}]}}"#,
                "auth.keys.id",
            ),
            (r#"[{"a": {"": 1, "": 2}}]"#, "a."),
        ] {
            assert_eq!(
                Value::from_json(text),
                Err(format!("{path:?} stands twice"))
            );
        }
    }

    #[test]
    fn a_long_string_is_not_repeated() {
        assert_eq!(Value::String("many".into()).describe(), "\"many\"");
        assert_eq!(
            Value::String("sk-ant-api03-abcdefghij".into()).describe(),
            "a string of 23 bytes"
        );
    }
}
