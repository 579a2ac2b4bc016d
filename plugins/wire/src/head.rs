//! Texts of a request that stand before its body: the parameters of its query, and the values of header fields that a client made up.

use crate::TextSink;
use crate::edits::{Change, carry_out};
use crate::texts::give;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use portcullis_policy::{Part, Place, Refusal, Role, Text, TextId};
use std::borrow::Cow;

/// Field names that HTTP, proxies and the guarded APIs' own clients give a meaning, sorted: no text for a model, or a credential.
const PROTOCOL: [&str; 47] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "api-key",
    "authorization",
    "b3",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "dnt",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "priority",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "x-api-key",
    "x-claude-code-session-id",
    "x-client-request-id",
    "x-correlation-id",
    "x-ot-span-context",
    "x-real-ip",
    "x-request-id",
];

/// The same for families of names: pseudo-header fields, then what proxies, meshes, tracers and SDKs write.
const PROTOCOL_PREFIXES: [&str; 14] = [
    ":",
    "anthropic-",
    "openai-",
    "sec-",
    "x-amz",
    "x-b3-",
    "x-cloud-trace-",
    "x-datadog-",
    "x-envoy-",
    "x-forwarded-",
    "x-goog-",
    "x-istio-",
    "x-portcullis-",
    "x-stainless-",
];

/// Ids of these texts, which no text of a body has.
const HEAD: u64 = 1 << 62;

/// Whether a field's value may be a text of the client's.
fn may_hold_text(name: &str) -> bool {
    PROTOCOL.binary_search(&name).is_err()
        && !PROTOCOL_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Hands the texts of a request's head to `sink`: names and values of the query's parameters as servers read them (percent signs decoded once,
/// `+` for a blank), and the values of fields that nothing but the client gives a meaning and that `passed` does not let by. Answers the fields that
/// are to be put in the place of those that came: with what was wished changed in a text, and all other bytes as they were.
///
/// # Errors
/// What the sink refuses.
pub fn read_head(
    headers: &[(&str, &[u8])],
    passed: &dyn Fn(&str) -> bool,
    sink: &mut dyn TextSink,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut texts = HeadTexts { sink, ids: HEAD };
    let mut changed = Vec::new();
    for (index, (name, value)) in headers.iter().enumerate() {
        if *name == ":path" {
            if let Some(at) = value.iter().position(|byte| matches!(byte, b'?' | b'#'))
                && let Some((path, query)) = value.split_at_checked(at + 1)
                && let Some(edited) = texts.query(&String::from_utf8_lossy(query))?
            {
                let path = String::from_utf8_lossy(path);
                changed.push(((*name).to_owned(), format!("{path}{edited}")));
            }
            continue;
        }
        if value.is_empty() || !may_hold_text(name) || passed(name) {
            continue;
        }
        let (before, after) = headers.split_at(index);
        if before.iter().any(|(other, _)| other == name) {
            continue;
        }
        // A field that stands twice is one whose values are a list (RFC 9110, section 5.3).
        let mut whole = String::from_utf8_lossy(value);
        for (_, more) in after.iter().skip(1).filter(|(other, _)| other == name) {
            whole.to_mut().push_str(", ");
            whole.to_mut().push_str(&String::from_utf8_lossy(more));
        }
        if let Some(edited) = texts.text(&whole, name, Place::Prose)? {
            let edited = edited.replace(|c: char| c.is_ascii_control(), " ");
            changed.push(((*name).to_owned(), edited));
        }
    }
    Ok(changed)
}

/// Texts of a head, one after the other.
struct HeadTexts<'a> {
    sink: &'a mut dyn TextSink,
    ids: u64,
}

impl HeadTexts<'_> {
    /// The query with all that was wished changed in it.
    fn query(&mut self, query: &str) -> Result<Option<String>, Refusal> {
        let (mut edited, mut any) = (String::new(), false);
        for parameter in query.split_inclusive('&') {
            let (bare, end) = match parameter.strip_suffix('&') {
                Some(bare) => (bare, "&"),
                None => (parameter, ""),
            };
            let (name, value) = match bare.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (bare, None),
            };
            let key = decoded(name);
            let other_name = self.text(&key, "", Place::Key)?;
            let other_value = match value {
                Some(value) => self.text(&decoded(value), &key, Place::Prose)?,
                None => None,
            };
            any |= other_name.is_some() || other_value.is_some();
            push(&mut edited, name, other_name);
            if let Some(value) = value {
                edited.push('=');
                push(&mut edited, value, other_value);
            }
            edited.push_str(end);
        }
        Ok(any.then_some(edited))
    }

    /// What a text is to become; `None` when nothing was wished.
    fn text(&mut self, piece: &str, key: &str, place: Place) -> Result<Option<String>, Refusal> {
        if piece.is_empty() {
            return Ok(None);
        }
        self.ids += 1;
        let text = Text {
            id: TextId(self.ids),
            piece,
            last: true,
            role: Role::Unknown,
            place,
            part: Part::Alone,
            key,
        };
        let mut changes: Vec<Change> = Vec::new();
        give(text, self.sink, &mut Vec::new(), &mut |change| {
            changes.push(change)
        })?;
        if changes.is_empty() {
            return Ok(None);
        }
        let mut edited = Vec::with_capacity(piece.len());
        carry_out(piece, changes, &mut edited);
        Ok(Some(String::from_utf8_lossy(&edited).into_owned()))
    }
}

/// A parameter's name or value as servers read it.
fn decoded(raw: &str) -> Cow<'_, str> {
    if !raw.contains(['%', '+']) {
        return Cow::Borrowed(raw);
    }
    let blanks = raw.replace('+', " ");
    let decoded = percent_decode_str(&blanks).decode_utf8_lossy().into_owned();
    Cow::Owned(decoded)
}

/// Writes a name or value as it came, or the text in its place.
fn push(query: &mut String, raw: &str, edited: Option<String>) {
    match edited {
        None => query.push_str(raw),
        Some(text) => query.extend(utf8_percent_encode(&text, NON_ALPHANUMERIC)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::Edit;

    /// Writes texts down, and has `SECRET` redacted.
    #[derive(Default)]
    struct Sink(Vec<String>);

    impl TextSink for Sink {
        fn text(
            &mut self,
            text: Text<'_>,
            edits: &mut Vec<Edit>,
        ) -> Result<Option<usize>, Refusal> {
            assert!(text.last);
            self.0.push(format!("{}:{}", text.key, text.piece));
            edits.extend(text.piece.match_indices("SECRET").map(|(at, it)| Edit {
                text: text.id,
                range: at..at + it.len(),
                replacement: "[gone &\n]".to_owned(),
            }));
            Ok(None)
        }
    }

    fn read(headers: &[(&str, &[u8])]) -> (Vec<String>, Vec<(String, String)>) {
        let mut sink = Sink::default();
        let changed = read_head(headers, &|name| name == "x-mine", &mut sink).unwrap();
        (sink.0, changed)
    }

    fn query(path: &str) -> (Vec<String>, Option<String>) {
        let (texts, changed) = read(&[(":method", b"POST"), (":path", path.as_bytes())]);
        (texts, changed.into_iter().next().map(|(_, value)| value))
    }

    #[test]
    fn the_names_are_sorted() {
        assert!(PROTOCOL.is_sorted() && PROTOCOL_PREFIXES.is_sorted());
    }

    #[test]
    fn a_query_is_read_as_servers_read_it() {
        for (path, expected) in [
            ("/v1/messages", vec![]),
            ("/v1/messages?", vec![]),
            ("/v1/messages?beta=true", vec![":beta", "beta:true"]),
            ("/?a=1&&b&=c&d=", vec![":a", "a:1", ":b", ":c", ":d"]),
            ("/?n%6Fte=a+b%2bc%26d=e", vec![":note", "note:a b+c&d=e"]),
            ("/?a=%2531%zz%", vec![":a", "a:%31%zz%"]),
            ("/?a=%ff1", vec![":a", "a:\u{fffd}1"]),
            ("/#a?b", vec![":a?b"]),
        ] {
            assert_eq!(
                query(path),
                (expected.iter().map(|it| (*it).to_owned()).collect(), None),
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_redacted_goes_and_all_else_stays() {
        let (_, edited) = query("/v1/messages?b=%74rue&note=my+S%45CRET%21&&x=a+%2b");
        let expected = "/v1/messages?b=%74rue&note=my%20%5Bgone%20%26%0A%5D%21&&x=a+%2b";
        assert_eq!(edited.as_deref(), Some(expected));
        let (_, edited) = query("/?SECRET");
        assert_eq!(edited.as_deref(), Some("/?%5Bgone%20%26%0A%5D"));
    }

    #[test]
    fn fields_that_nobody_knows_are_texts() {
        let (texts, changed) = read(&[
            (":path", b"/"),
            ("authorization", b"SECRET"),
            ("x-note", b"my SECRET"),
            ("anthropic-beta", b"SECRET"),
            ("x-note", b"caf\xe9"),
            ("x-mine", b"SECRET"),
            ("x-empty", b""),
        ]);
        assert_eq!(texts, ["x-note:my SECRET, caf\u{fffd}"]);
        let expected = "my [gone & ], caf\u{fffd}".to_owned();
        assert_eq!(changed, [("x-note".to_owned(), expected)]);
    }
}
