//! JSON merge patch (RFC 7396), and asking whether one document is part of another.

use serde_json::Value;

/// A document with a patch applied: objects are merged, `null` takes a member away, all else replaces. A patch that is `null`
/// as a whole changes nothing: a case that says nothing means no change.
#[must_use]
pub fn merged(document: Value, patch: &Value) -> Value {
    if patch.is_null() {
        return document;
    }
    apply(document, patch)
}

fn apply(document: Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else {
        return patch.clone();
    };
    let mut members = match document {
        Value::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    for (name, change) in changes {
        let old = members.remove(name);
        if !change.is_null() {
            members.insert(name.clone(), apply(old.unwrap_or_default(), change));
        }
    }
    Value::Object(members)
}

/// Where `part` is not part of `whole`: members of objects must be there (`null`: must not), everything else must be equal. Each
/// difference as `path: expected …, found …`.
pub fn missing(part: &Value, whole: &Value, path: &str, out: &mut Vec<String>) {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            for (name, expected) in part {
                let path = format!("{path}.{name}");
                match whole.get(name) {
                    None if expected.is_null() => {}
                    None => out.push(format!("{path}: expected {expected}, found nothing")),
                    Some(found) => missing(expected, found, &path, out),
                }
            }
        }
        (Value::Array(part), Value::Array(whole)) if part.len() == whole.len() => {
            for (index, (expected, found)) in part.iter().zip(whole).enumerate() {
                missing(expected, found, &format!("{path}[{index}]"), out);
            }
        }
        _ if part == whole => {}
        _ => out.push(format!("{path}: expected {part}, found {whole}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patches() {
        assert_eq!(
            merged(
                json!({"a": {"b": 1, "c": 2}, "d": [1]}),
                &json!({"a": {"b": null, "e": 3}, "d": []})
            ),
            json!({"a": {"c": 2, "e": 3}, "d": []})
        );
        assert_eq!(merged(json!({"a": 1}), &Value::Null), json!({"a": 1}));
    }

    #[test]
    fn parts() {
        let differences = |part: Value| {
            let mut out = Vec::new();
            missing(
                &part,
                &json!({"a": {"b": 1}, "c": [1, {"d": 2, "e": 3}]}),
                "$",
                &mut out,
            );
            out
        };
        assert_eq!(
            differences(json!({"a": {"x": null}, "c": [1, {"d": 2}]})),
            Vec::<String>::new()
        );
        assert_eq!(
            differences(json!({"a": {"b": 2}})),
            ["$.a.b: expected 2, found 1"]
        );
        assert_eq!(
            differences(json!({"a": {"b": null}})),
            ["$.a.b: expected null, found 1"]
        );
        assert_eq!(differences(json!({"c": [1]})).len(), 1);
    }
}
