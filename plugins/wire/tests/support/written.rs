//! JSON values written in many ways: white space, escapes, and strings that are documents.

use proptest::prelude::*;
use serde_json::{Map, Value};

/// What strings are made of: the needle and what is near to it, characters of every length, what must be escaped.
pub const NEEDLE: &str = "KEY-1";

pub fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[a-z ]{0,12}",
        3 => Just(NEEDLE.to_owned()),
        1 => Just("KEY-".to_owned()),
        1 => Just("KKEY-".to_owned()),
        2 => "[é€😀\u{fffd}\u{7f}]{1,3}",
        2 => "[\"\\\\/\n\r\t\u{0}\u{1f}]{1,3}",
        1 => "[{}\\[\\]:,]{1,3}",
    ];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

/// A key that says nothing to any table, and is not edited.
fn key() -> impl Strategy<Value = String> {
    "[a-d\\n\"é]{1,4}".prop_map(|key| format!("x{key}"))
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => text().prop_map(Value::String),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
        1 => any::<i64>().prop_map(|number| Value::Number(number.into())),
        1 => any::<i32>().prop_map(|number| serde_json::Number::from_f64(f64::from(number) / 4.0).map_or(Value::Null, Value::Number)),
    ]
}

/// Any value.
pub fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map(key(), inner, 0..4)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

/// A value some of whose strings are documents, written in any way.
pub fn nesting_value() -> impl Strategy<Value = Value> {
    let document = (value(), style()).prop_map(|(value, style)| {
        let document = if value.is_object() || value.is_array() {
            value
        } else {
            Value::Array(vec![value])
        };
        Value::String(write(&document, &style))
    });
    let twice = (
        proptest::collection::vec(prop_oneof![document, scalar()], 0..3),
        style(),
    )
        .prop_map(|(items, style)| Value::String(write(&Value::Array(items), &style)));
    proptest::collection::vec(prop_oneof![2 => twice, 1 => value()], 1..3).prop_map(Value::Array)
}

/// How to write: one number for each choice, over and over.
pub fn style() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 1..16)
}

/// Writes a value in a style.
pub fn write(value: &Value, style: &[u8]) -> String {
    let mut writer = Writer {
        out: String::new(),
        style: style.iter().copied().cycle(),
    };
    writer.value(value);
    writer.out
}

struct Writer<I> {
    out: String,
    style: I,
}

impl<I: Iterator<Item = u8>> Writer<I> {
    fn choose(&mut self) -> u8 {
        self.style.next().unwrap_or_default()
    }

    fn white(&mut self) {
        let white = match self.choose() {
            0..=31 => " ",
            32..=47 => "\n\t",
            48..=55 => "\r\n  ",
            _ => "",
        };
        self.out.push_str(white);
    }

    fn value(&mut self, value: &Value) {
        self.white();
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.out.push_str(&value.to_string())
            }
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.value(item);
                }
                self.white();
                self.out.push(']');
            }
            Value::Object(map) => {
                self.out.push('{');
                for (index, (key, value)) in map.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.white();
                    self.string(key);
                    self.white();
                    self.out.push(':');
                    self.value(value);
                }
                self.white();
                self.out.push('}');
            }
        }
        self.white();
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            let must = c < ' ' || c == '"' || c == '\\';
            let style = self.choose();
            if !must && style >= 48 {
                self.out.push(c);
                continue;
            }
            let short = match c {
                '"' => Some('"'),
                '\\' => Some('\\'),
                '/' => Some('/'),
                '\n' => Some('n'),
                '\r' => Some('r'),
                '\t' => Some('t'),
                '\u{8}' => Some('b'),
                '\u{c}' => Some('f'),
                _ => None,
            };
            if let (Some(short), true) = (short, style.is_multiple_of(2)) {
                self.out.push('\\');
                self.out.push(short);
                continue;
            }
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let hex = if style.is_multiple_of(3) {
                    format!("\\u{unit:04X}")
                } else {
                    format!("\\u{unit:04x}")
                };
                self.out.push_str(&hex);
            }
        }
        self.out.push('"');
    }
}

/// All strings and keys.
pub fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, into)),
        Value::Object(map) => {
            for (key, value) in map {
                into.push(key.clone());
                strings(value, into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value with the needle replaced in every string; in strings that are documents, in their strings.
pub fn redacted(value: &Value, mark: &str) -> Value {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner) if inner.is_array() || inner.is_object() => {
                Value::String(redacted(&inner, mark).to_string())
            }
            _ => Value::String(text.replace(NEEDLE, mark)),
        },
        Value::Array(items) => items.iter().map(|item| redacted(item, mark)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), redacted(value, mark)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Documents in strings in one way of writing, so that values can be compared.
pub fn normal(value: &Value) -> Value {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner) if inner.is_array() || inner.is_object() => {
                Value::String(normal(&inner).to_string())
            }
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), normal(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
