//! Lists of models: showing a part of one.
//!
//! | API | list | a model's name |
//! |---|---|---|
//! | OpenAI, Anthropic | `data` | `id` |
//! | Gemini | `models` | `name`, behind `models/` |
//!
//! What stays, stays as it was written. `first_id` and `last_id` of Anthropic's list stay too: they are where the next page begins, whether
//! the caller may use those models or not.

use crate::response::unreadable;
use portcullis_policy::Refusal;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Which member names a model in which list.
const LISTS: [(&str, &str); 2] = [("data", "id"), ("models", "name")];

/// What Gemini puts before a model's name.
const NAME_PREFIX: &str = "models/";

/// The list with those models only that `may_see` says; `None` when that is all of them. A model whose name cannot be read is not shown.
///
/// # Errors
/// `unreadable_response` for what is no list of models.
pub fn shown(body: &[u8], may_see: &dyn Fn(&str) -> bool) -> Result<Option<Vec<u8>>, Refusal> {
    let members: Members<'_> = serde_json::from_slice(body).map_err(|_| unreadable())?;
    let lists = |name: &str| LISTS.iter().find(|(list, _)| *list == name);
    if members
        .0
        .iter()
        .filter(|(name, _)| lists(name).is_some())
        .count()
        != 1
    {
        return Err(unreadable());
    }
    let mut hidden = false;
    let mut out = Vec::with_capacity(body.len());
    for (index, (name, value)) in members.0.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"{" } else { b"," });
        serde_json::to_writer(&mut out, name).map_err(|_| unreadable())?;
        out.push(b':');
        let Some((_, named_by)) = lists(name) else {
            out.extend_from_slice(value.get().as_bytes());
            continue;
        };
        let models: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(|_| unreadable())?;
        let visible = models
            .iter()
            .filter(|model| model_name(model, named_by).is_some_and(|name| may_see(&name)));
        let visible: Vec<&str> = visible.map(|model| model.get()).collect();
        hidden |= visible.len() < models.len();
        out.push(b'[');
        out.extend_from_slice(visible.join(",").as_bytes());
        out.push(b']');
    }
    out.push(b'}');
    Ok(hidden.then_some(out))
}

/// The name of a model in a list; `None` when it has none, or two.
fn model_name<'a>(model: &'a RawValue, named_by: &str) -> Option<Cow<'a, str>> {
    let members: Members<'a> = serde_json::from_str(model.get()).ok()?;
    let mut names = members.0.into_iter().filter(|(name, _)| name == named_by);
    let (_, value) = names.next()?;
    if names.next().is_some() {
        return None;
    }
    let name: String = serde_json::from_str(value.get()).ok()?;
    Some(match name.strip_prefix(NAME_PREFIX) {
        Some(name) if named_by == "name" => Cow::Owned(name.to_owned()),
        Some(_) | None => Cow::Owned(name),
    })
}

/// The members of an object in order, those that stand twice included.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
            members.push((Cow::Owned(member.0), member.1));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claude(body: &str) -> Result<Option<String>, &'static str> {
        shown(body.as_bytes(), &|name| name.starts_with("claude-"))
            .map(|body| body.map(|body| String::from_utf8(body).unwrap()))
            .map_err(|refusal| refusal.reason.code())
    }

    #[test]
    fn what_stays_stays_as_it_was_written() {
        let openai = r#"{"object": "list", "data": [ {"id":"gpt-4o", "owned_by":"x"} , {"owned_by":"y", "id":"claude-3"}]}"#;
        assert_eq!(
            claude(openai),
            Ok(Some(
                r#"{"object":"list","data":[{"owned_by":"y", "id":"claude-3"}]}"#.into()
            ))
        );
        let anthropic = r#"{"data":[{"type":"model","id":"claude-3"}],"has_more":true,"first_id":"claude-3","last_id":"claude-3"}"#;
        assert_eq!(claude(anthropic), Ok(None));
        let gemini = r#"{"models":[{"name":"models/gemini-2.0"},{"name":"models/claude-3"}],"nextPageToken":"t"}"#;
        assert_eq!(
            claude(gemini),
            Ok(Some(
                r#"{"models":[{"name":"models/claude-3"}],"nextPageToken":"t"}"#.into()
            ))
        );
        assert_eq!(
            claude(r#"{"data":[{"id":"gpt-4o"}]}"#),
            Ok(Some(r#"{"data":[]}"#.into()))
        );
        assert_eq!(claude(r#"{"data":[]}"#), Ok(None));
    }

    #[test]
    fn a_model_whose_name_is_in_doubt_is_not_shown() {
        for model in [
            r#"{"id":"claude-3","id":"gpt-4o"}"#,
            r#"{"id":"gpt-4o","\u0069d":"claude-3"}"#,
            r#"{"name":"claude-3"}"#,
            r#"{"id":["claude-3"]}"#,
            r#""claude-3""#,
            "null",
        ] {
            let body = format!(r#"{{"data":[{model},{{"id":"claude-4"}}]}}"#);
            assert_eq!(
                claude(&body),
                Ok(Some(r#"{"data":[{"id":"claude-4"}]}"#.into())),
                "{model}"
            );
        }
        let escaped = r#"{"data":[{"\u0069d":"\u0063laude-3"}]}"#;
        assert_eq!(claude(escaped), Ok(None));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"data":{}}"#,
            r#"{"data":[],"data":[{"id":"gpt-4o"}]}"#,
            r#"{"data":[],"models":[{"name":"gpt-4o"}]}"#,
            r#"{"data":[{"id":"claude-3"}]"#,
            r#"{"data":[]} {"data":[]}"#,
        ] {
            assert_eq!(claude(body), Err("unreadable_response"), "{body}");
        }
    }
}
