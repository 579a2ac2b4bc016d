//! One JSON object as text, member after member: what is written for every request. `serde_json` takes three times as long for it, looking at
//! each byte of each name; it still spells what needs escapes.

use portcullis_policy::json::push_text;
use std::fmt::Write as _;
use std::net::IpAddr;

/// A member's name as it stands in an object, behind another member.
macro_rules! member {
    ($name:literal) => {
        concat!(",\"", $name, "\":")
    };
}
pub(crate) use member;

/// Room for most records, so that they are written without moving.
const ROOM_BYTES: usize = 768;

/// An object that is being written.
pub(crate) struct Object {
    text: String,
    /// Where values of persons will stand, and how many there are.
    persons: [usize; 3],
    named: usize,
}

impl Object {
    /// With its first member, a text; `name` as [`member`] makes it.
    pub fn begin(name: &'static str, text: &str) -> Self {
        let mut object = Self {
            text: String::with_capacity(ROOM_BYTES),
            persons: [0; 3],
            named: 0,
        };
        object.text.push('{');
        object.text(name.trim_start_matches(','), text);
        object
    }

    /// A member that names a person: `null` until the record is sealed.
    pub fn person(&mut self, name: &'static str) {
        if let Some(place) = self.persons.get_mut(self.named) {
            *place = self.text.len() + name.len();
        }
        self.named += 1;
        self.null(name);
    }

    pub fn null(&mut self, name: &'static str) {
        self.text.push_str(name);
        self.text.push_str("null");
    }

    pub fn text(&mut self, name: &'static str, text: &str) {
        self.text.push_str(name);
        push_text(text, &mut self.text);
    }

    pub fn text_or_null(&mut self, name: &'static str, text: Option<&str>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.null(name),
        }
    }

    pub fn number(&mut self, name: &'static str, number: u64) {
        self.text.push_str(name);
        self.text.push_str(itoa::Buffer::new().format(number));
    }

    pub fn number_or_null(&mut self, name: &'static str, number: Option<u64>) {
        match number {
            Some(number) => self.number(name, number),
            None => self.null(name),
        }
    }

    pub fn flag(&mut self, name: &'static str, flag: bool) {
        self.text.push_str(name);
        self.text.push_str(if flag { "true" } else { "false" });
    }

    pub fn texts<'t>(&mut self, name: &'static str, texts: impl Iterator<Item = &'t str>) {
        self.list(name, texts, push_text);
    }

    /// A list, each of whose items `push` appends as JSON.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        items: impl Iterator<Item = T>,
        push: impl Fn(T, &mut String),
    ) {
        self.text.push_str(name);
        self.text.push('[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            push(item, &mut self.text);
        }
        self.text.push(']');
    }

    /// The object, and where the members that name persons have their `null`.
    pub fn end(mut self) -> (String, [usize; 3]) {
        self.text.push('}');
        (self.text, self.persons)
    }
}

/// A text as a JSON string; `null` for none.
pub(crate) fn text_or_null(text: Option<&str>) -> String {
    let Some(text) = text else {
        return "null".to_owned();
    };
    let mut json = String::with_capacity(text.len() + 2);
    push_text(text, &mut json);
    json
}

/// An address, as a JSON string.
pub(crate) fn address(address: IpAddr) -> String {
    let mut json = "\"".to_owned();
    match address {
        IpAddr::V4(address) => {
            // By hand: it stands in every record, and formatting takes ten times as long.
            for (index, part) in address.octets().into_iter().enumerate() {
                if index > 0 {
                    json.push('.');
                }
                json.push_str(itoa::Buffer::new().format(part));
            }
        }
        IpAddr::V6(address) => {
            // Writing to a string does not fail.
            let _ = write!(json, "{address}");
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    proptest! {
        #[test]
        fn what_is_written_is_what_was_meant(
            text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}",
            number: u64,
            flag: bool,
            list in proptest::collection::vec("\\PC{0,5}", 0..4),
            addresses: (std::net::Ipv4Addr, std::net::Ipv6Addr),
        ) {
            let mut object = Object::begin(member!("first"), &text);
            object.null(member!("nothing"));
            object.person(member!("who"));
            object.text_or_null(member!("some"), Some(&text));
            object.text_or_null(member!("none"), None);
            object.number(member!("number"), number);
            object.number_or_null(member!("unknown"), None);
            object.flag(member!("flag"), flag);
            object.texts(member!("list"), list.iter().map(String::as_str));
            let written: Value = serde_json::from_str(&object.end().0).unwrap();
            let meant = json!({ "first": text, "nothing": null, "who": null, "some": text, "none": null, "number": number, "unknown": null,
                                "flag": flag, "list": list });
            prop_assert_eq!(written, meant);
            prop_assert_eq!(text_or_null(Some(&text)), serde_json::to_string(&text).unwrap());
            for one in [IpAddr::V4(addresses.0), IpAddr::V6(addresses.1)] {
                prop_assert_eq!(address(one), format!("\"{one}\""));
            }
        }
    }
}
