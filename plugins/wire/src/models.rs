//! Lists of models: showing a part of one.
//!
//! | API | list | a model's name |
//! |---|---|---|
//! | OpenAI, Anthropic | `data` | `id` |
//! | Gemini | `models` | `name`, behind `models/` |
//!
//! What stays, stays as it was written. `first_id` and `last_id` of Anthropic's list stay too: they are where the next page begins, whether
//! the caller may use those models or not.

use crate::json::{Token, Tokenizer};
use crate::response::unreadable;
use portcullis_policy::Refusal;
use std::ops::Range;

/// Which member names a model in which list.
const LISTS: [(&str, &str); 2] = [("data", "id"), ("models", "name")];

/// What Gemini puts before a model's name.
const NAME_PREFIX: &str = "models/";

/// The list with those models only that `may_see` says; `None` when that is all of them. A model whose name cannot be read is not shown.
///
/// # Errors
/// `unreadable_response` for what is no list of models.
pub fn shown(body: &[u8], may_see: &dyn Fn(&str) -> bool) -> Result<Option<Vec<u8>>, Refusal> {
    let text = simdutf8::basic::from_utf8(body).map_err(|_| unreadable())?;
    let list = List::find(text).ok_or_else(unreadable)?;
    let visible = list.models.iter().filter(|model| {
        let name = model.name.as_deref();
        name.is_some_and(may_see)
    });
    let visible: Vec<&str> = visible
        .filter_map(|model| text.get(model.range.clone()))
        .collect();
    if visible.len() == list.models.len() {
        return Ok(None);
    }
    let (before, behind) = (text.get(..list.inside.start), text.get(list.inside.end..));
    let parts = [
        before.unwrap_or_default(),
        &visible.join(","),
        behind.unwrap_or_default(),
    ];
    Ok(Some(parts.concat().into_bytes()))
}

/// The list of models in a document.
struct List {
    /// What stands between its brackets.
    inside: Range<usize>,
    models: Vec<Model>,
}

/// A model of the list.
struct Model {
    range: Range<usize>,
    /// `None` when it has none that can be read, or two.
    name: Option<String>,
}

impl List {
    /// `None` when the document is no object with one list.
    fn find(text: &str) -> Option<Self> {
        let mut tokenizer = Tokenizer::new();
        let mut found: Option<(Self, &str)> = None;
        let (mut depth, mut open, mut names) = (0_usize, false, 0);
        // The member at hand, of the document and of a model: what names models in the list that it is, and whether it is that name.
        let (mut named_by, mut is_name) = (None, false);
        while let Some(token) = tokenizer.next(text, true).ok()? {
            let end = tokenizer.position();
            let start = match token {
                Token::Piece { raw, .. } => raw.at.checked_sub(1)?,
                Token::Number(_) | Token::Bool(_) | Token::Null => tokenizer.last_word().start,
                Token::Open { .. } | Token::Close { .. } | Token::Key(_) => end.checked_sub(1)?,
            };
            match (token, depth) {
                (Token::Key(raw), 1) => {
                    let key = tokenizer.meaning(raw);
                    named_by = LISTS.iter().find(|(list, _)| *list == key);
                    if named_by.is_some() && found.is_some() {
                        return None;
                    }
                }
                (Token::Key(raw), 3) if open => {
                    let name = found.as_ref().map(|(_, name)| *name);
                    is_name = name == Some(tokenizer.meaning(raw));
                    names += u32::from(is_name);
                }
                (Token::Open { object: true }, 0) => {}
                (_, 0) => return None,
                (Token::Open { object: false }, 1) if let Some((_, by)) = named_by => {
                    let list = Self {
                        inside: end..end,
                        models: Vec::new(),
                    };
                    (found, open) = (Some((list, *by)), true);
                }
                (Token::Close { .. }, 2) if open => {
                    open = false;
                    found.as_mut()?.0.inside.end = start;
                }
                (Token::Close { .. }, 1) => {}
                (_, 1) if named_by.is_some() => return None,
                (Token::Close { .. }, 3) if open => {
                    let model = found.as_mut()?.0.models.last_mut()?;
                    model.range.end = end;
                    model.name = model.name.take().filter(|_| names == 1);
                }
                (_, 2) if open => {
                    (names, is_name) = (0, false);
                    let model = Model {
                        range: start..end,
                        name: None,
                    };
                    found.as_mut()?.0.models.push(model);
                }
                (Token::Piece { raw, .. }, 3) if open && is_name => {
                    let (list, by) = found.as_mut()?;
                    let name = name_of(tokenizer.meaning(raw), by);
                    list.models.last_mut()?.name = Some(name.to_owned());
                }
                _ => {}
            }
            depth += usize::from(matches!(token, Token::Open { .. }));
            depth -= usize::from(matches!(token, Token::Close { .. }));
        }
        found.map(|(list, _)| list)
    }
}
/// A model's name as it is called by in a list.
fn name_of<'a>(name: &'a str, named_by: &str) -> &'a str {
    match name.strip_prefix(NAME_PREFIX) {
        Some(bare) if named_by == "name" => bare,
        Some(_) | None => name,
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
                r#"{"object": "list", "data": [{"owned_by":"y", "id":"claude-3"}]}"#.into()
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
            r#"["claude-3"]"#,
            r#"{"of":{"id":"claude-3"}}"#,
            r#"{"id":"claude-3","id":null}"#,
            r#"{"id":{"id":"claude-3"}}"#,
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
