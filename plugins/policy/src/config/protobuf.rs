//! The policy as Envoy hands it over when it is written inline: the serialized `google.protobuf.Struct`, although Envoy's API
//! documentation says JSON.

use super::{DEPTH_MAX, Value};
use crate::sort::sort_by;
use prost::encoding::{WireType, decode_key, decode_varint};

/// Decodes a serialized `google.protobuf.Struct`; `None` when the bytes are not one, or a name stands twice in one of its mappings.
///
/// Field after field, since the messages of `prost-types` would be another tree that is only there to be made this one, and 5 KiB of a module.
pub fn from_struct_bytes(bytes: &[u8]) -> Option<Value> {
    struct_value(bytes, DEPTH_MAX).filter(|value| value.name_that_stands_twice().is_none())
}

/// `message Struct { map<string, Value> fields = 1; }`, sorted by name: a map has no order on the wire.
fn struct_value(bytes: &[u8], depth_left: usize) -> Option<Value> {
    let depth_left = depth_left.checked_sub(1)?;
    let mut entries = repeated(bytes, |entry| map_entry(entry, depth_left))?;
    sort_by(&mut entries, |(one, _), (other, _)| one.cmp(other));
    Some(Value::Map(entries))
}

/// An entry of such a map: `string key = 1; Value value = 2;`.
fn map_entry(mut bytes: &[u8], depth_left: usize) -> Option<(String, Value)> {
    let (mut name, mut value) = (String::new(), None);
    while !bytes.is_empty() {
        match field(&mut bytes)? {
            (1, content) => name = content.text()?,
            (2, Content::Bytes(inner)) => value = Some(plain_value(inner, depth_left)?),
            (2, _) => return None,
            _ => {}
        }
    }
    Some((name, value?))
}

/// `message Value { oneof kind { NullValue null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4;
/// Struct struct_value = 5; ListValue list_value = 6; } }`.
fn plain_value(mut bytes: &[u8], depth_left: usize) -> Option<Value> {
    let mut value = None;
    while !bytes.is_empty() {
        value = Some(match field(&mut bytes)? {
            (1, Content::Varint(_)) => Value::Null,
            (2, Content::Double(number)) => Value::Number(number),
            (3, content) => Value::String(content.text()?),
            (4, Content::Varint(flag)) => Value::Bool(flag != 0),
            (5, Content::Bytes(inner)) => struct_value(inner, depth_left)?,
            (6, Content::Bytes(inner)) => list_value(inner, depth_left)?,
            (1..=6, _) => return None,
            _ => continue,
        });
    }
    value
}

/// `message ListValue { repeated Value values = 1; }`.
fn list_value(bytes: &[u8], depth_left: usize) -> Option<Value> {
    let depth_left = depth_left.checked_sub(1)?;
    repeated(bytes, |item| plain_value(item, depth_left)).map(Value::List)
}

/// A message that is nothing but messages, all of them as field 1.
fn repeated<T>(mut bytes: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Option<Vec<T>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        match field(&mut bytes)? {
            (1, Content::Bytes(one)) => all.push(read(one)?),
            (1, _) => return None,
            _ => {}
        }
    }
    Some(all)
}

/// What a field of a message holds on the wire.
enum Content<'a> {
    Varint(u64),
    Double(f64),
    Bytes(&'a [u8]),
    /// Of a kind that none of these messages has.
    Other,
}

impl Content<'_> {
    fn text(&self) -> Option<String> {
        if let Self::Bytes(bytes) = self {
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        } else {
            None
        }
    }
}

/// Takes the next field of a message: its number, and what it holds. Groups, which nobody writes any more, are refused.
#[inline(never)]
fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Content<'a>)> {
    let (number, wire_type) = decode_key(bytes).ok()?;
    let content = match wire_type {
        WireType::Varint => Content::Varint(decode_varint(bytes).ok()?),
        WireType::SixtyFourBit => {
            let (double, behind) = bytes.split_first_chunk()?;
            *bytes = behind;
            Content::Double(f64::from_le_bytes(*double))
        }
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
            let (part, behind) = bytes.split_at_checked(length)?;
            *bytes = behind;
            Content::Bytes(part)
        }
        WireType::ThirtyTwoBit => {
            *bytes = bytes.get(4..)?;
            Content::Other
        }
        WireType::StartGroup | WireType::EndGroup => return None,
    };
    Some((number, content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::Message as _;
    use prost_types::value::Kind;

    fn encode(value: &Value) -> prost_types::Value {
        let kind = match value {
            Value::Null => Kind::NullValue(0),
            Value::Bool(flag) => Kind::BoolValue(*flag),
            Value::Number(number) => Kind::NumberValue(*number),
            Value::String(text) => Kind::StringValue(text.clone()),
            Value::List(items) => Kind::ListValue(prost_types::ListValue {
                values: items.iter().map(encode).collect(),
            }),
            Value::Map(entries) => Kind::StructValue(encode_struct(entries)),
        };
        prost_types::Value { kind: Some(kind) }
    }

    fn encode_struct(entries: &[(String, Value)]) -> prost_types::Struct {
        prost_types::Struct {
            fields: entries
                .iter()
                .map(|(name, value)| (name.clone(), encode(value)))
                .collect(),
        }
    }

    #[test]
    fn a_struct_reads_as_the_same_document() {
        let Value::Map(entries) =
            Value::from_json(r#"{"auth":{"keys":[{"id":"a","revoked":false}]},"limits":{"user":{"rpm":100}},"version":1}"#).unwrap()
        else {
            unreachable!()
        };
        let bytes = encode_struct(&entries).encode_to_vec();
        assert_eq!(from_struct_bytes(&bytes), Some(Value::Map(entries)));
    }

    #[test]
    fn what_no_document_is_is_refused() {
        let deep = (0..=DEPTH_MAX).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        for (what, bytes) in [
            (
                "deep",
                encode_struct(&[("a".to_owned(), deep)]).encode_to_vec(),
            ),
            ("a name without a value", b"\x0a\x03\x0a\x01a".to_vec()),
            (
                "a value without a kind",
                b"\x0a\x05\x0a\x01a\x12\x00".to_vec(),
            ),
            (
                "a name twice",
                b"\x0a\x07\x0a\x01a\x12\x02\x20\x01".repeat(2),
            ),
            (
                "a name that is no UTF-8",
                b"\x0a\x07\x0a\x01\xff\x12\x02\x20\x01".to_vec(),
            ),
            ("cut off", b"\x0a\x07\x0a\x01a\x12\x02\x20".to_vec()),
            (
                "a group",
                b"\x0a\x07\x0a\x01a\x12\x02\x20\x01\x13\x14".to_vec(),
            ),
        ] {
            assert_eq!(from_struct_bytes(&bytes), None, "{what}");
        }
        let known = b"\x0a\x07\x0a\x01a\x12\x02\x20\x01";
        let later = b"\x10\x01\x1d\x00\x00\x00\x00\x21\x00\x00\x00\x00\x00\x00\x00\x00\x2a\x01x";
        let expected = Value::Map(vec![("a".to_owned(), Value::Bool(true))]);
        assert_eq!(from_struct_bytes(known), Some(expected.clone()));
        // Fields of a later version.
        assert_eq!(
            from_struct_bytes(&[&known[..], later].concat()),
            Some(expected)
        );
    }

    fn documents() -> impl Strategy<Value = Vec<(String, Value)>> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (-1e9..1e9).prop_map(Value::Number),
            ".{0,200}".prop_map(Value::String),
        ];
        let map = |value: BoxedStrategy<Value>| {
            proptest::collection::btree_map("[a-z]{0,3}", value, 0..5)
        };
        let value = leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                map(inner).prop_map(|entries| Value::Map(entries.into_iter().collect())),
            ]
        });
        map(value.boxed()).prop_map(|entries| entries.into_iter().collect())
    }

    proptest! {
        #[test]
        fn every_document_is_read_as_it_was(entries in documents(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = encode_struct(&entries).encode_to_vec();
            prop_assert_eq!(from_struct_bytes(&bytes), Some(Value::Map(entries)));
            // With a byte changed: refused, or one that prost reads, too.
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
                if from_struct_bytes(&bytes).is_some() {
                    prop_assert!(prost_types::Struct::decode(&bytes[..]).is_ok());
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = from_struct_bytes(&bytes);
        }
    }
}
