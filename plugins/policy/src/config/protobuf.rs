//! The policy as Envoy hands it over when it is written inline: the serialized `google.protobuf.Struct`, although Envoy's API
//! documentation says JSON.

use super::{DEPTH_MAX, Value};
use prost::Message as _;
use prost_types::value::Kind;

/// Decodes a serialized `google.protobuf.Struct`; `None` when the bytes are not one.
pub fn from_struct_bytes(bytes: &[u8]) -> Option<Value> {
    let decoded = prost_types::Struct::decode(bytes).ok()?;
    struct_value(decoded, DEPTH_MAX)
}

fn struct_value(decoded: prost_types::Struct, depth_left: usize) -> Option<Value> {
    let depth_left = depth_left.checked_sub(1)?;
    let entries = decoded
        .fields
        .into_iter()
        .map(|(name, value)| Some((name, plain_value(value, depth_left)?)));
    Some(Value::Map(entries.collect::<Option<_>>()?))
}

fn plain_value(decoded: prost_types::Value, depth_left: usize) -> Option<Value> {
    Some(match decoded.kind? {
        Kind::NullValue(_) => Value::Null,
        Kind::NumberValue(number) => Value::Number(number),
        Kind::StringValue(text) => Value::String(text),
        Kind::BoolValue(flag) => Value::Bool(flag),
        Kind::StructValue(inner) => struct_value(inner, depth_left)?,
        Kind::ListValue(list) => {
            let depth_left = depth_left.checked_sub(1)?;
            Value::List(
                list.values
                    .into_iter()
                    .map(|item| plain_value(item, depth_left))
                    .collect::<Option<_>>()?,
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = from_struct_bytes(&bytes);
        }
    }
}
