//! Texts of a request that stand beside its body: the parameters of its query, and the values of fields of its head and trailers that a client
//! made up.

use crate::TextSink;
use crate::edits::carry_out;
use crate::texts::{NestedIds, give_inner};
use portcullis_policy::{Place, Refusal, Role};

/// Names of fields that HTTP, proxies, tracers and the guarded APIs' own clients give a meaning: no text for a model, or a credential. Those of `n` bytes
/// stand one behind the other at `n`, so that a name is compared with few.
const PROTOCOL: [&str; 26] = [
    "",
    "",
    "b3te",
    "dntvia",
    "datehost",
    "range",
    "acceptcookieexpectoriginpragma",
    "api-keytrailerupgrade",
    "if-matchpriority",
    "forwardedx-api-keyx-real-ip",
    "connectionkeep-alivetracestateuser-agent",
    "traceparent",
    "content-typemax-forwardsx-request-id",
    "authorizationcache-controlif-none-match",
    "accept-charsetcontent-lengthhttp2-settings",
    "accept-encodingaccept-languageidempotency-key",
    "content-encodingproxy-connectionx-correlation-id",
    "if-modified-sincetransfer-encodingx-ot-span-context",
    "",
    "proxy-authorizationx-client-request-id",
    "",
    "",
    "",
    "",
    "x-claude-code-session-id",
    "upgrade-insecure-requests",
];

/// The same for families of names: pseudo-header fields, and what proxies, content delivery networks, meshes, tracers and SDKs write.
const FAMILIES: [&str; 10] = [
    ":",
    "akamai-",
    "anthropic-",
    "cdn-",
    "cf-",
    "fastly-",
    "fly-",
    "openai-",
    "sec-",
    "true-client-ip",
];

/// Those that begin with `x-`, without that.
const X_FAMILIES: [&str; 20] = [
    "akamai-",
    "amz",
    "appengine-",
    "arr-",
    "azure-",
    "b3-",
    "client-ip",
    "cloud-trace-",
    "cluster-client-ip",
    "datadog-",
    "envoy-",
    "forwarded-",
    "goog-",
    "http-",
    "istio-",
    "ms-",
    "original-",
    "portcullis-",
    "stainless-",
    "vercel-",
];

/// Whether a field's value may be a text of the client's: nobody else gives the name a meaning.
#[must_use]
pub fn may_hold_text(name: &str) -> bool {
    let begins = |text: &str, with: &[u8]| {
        let bytes = text.as_bytes();
        bytes.first() == with.first() && bytes.starts_with(with)
    };
    let same_length = PROTOCOL
        .get(name.len())
        .copied()
        .unwrap_or_default()
        .as_bytes();
    let (families, rest): (&[&str], _) = match name.strip_prefix("x-") {
        Some(rest) => (&X_FAMILIES, rest),
        None => (&FAMILIES, name),
    };
    !same_length
        .chunks(name.len().max(1))
        .any(|known| begins(name, known))
        && !families
            .iter()
            .any(|family| begins(rest, family.as_bytes()))
}

/// Hands the texts of a request's head, or of its trailers, to `sink`: names and values of the query's parameters as servers read them (percent signs decoded once,
/// `+` for a blank), and the values of fields that nothing but the client gives a meaning and that `passed` does not let by. Answers the fields that
/// are to be put in the place of those that came: with what was wished changed in a text, and all other bytes as they were.
///
/// # Errors
/// What the sink refuses.
pub fn read_fields(
    headers: &[(&str, &[u8])],
    passed: &dyn Fn(&str) -> bool,
    sink: &mut dyn TextSink,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut texts = FieldTexts {
        sink,
        ids: NestedIds::default(),
    };
    let mut changed = Vec::new();
    for (index, (name, value)) in headers.iter().enumerate() {
        let edited = if *name == ":path" {
            texts.path(value)?
        } else if !value.is_empty() && may_hold_text(name) && !passed(name) {
            texts.field(headers, index)?
        } else {
            None
        };
        if let Some(edited) = edited {
            changed.push(((*name).to_owned(), edited));
        }
    }
    Ok(changed)
}

/// Texts of fields, one after the other.
struct FieldTexts<'a> {
    sink: &'a mut dyn TextSink,
    ids: NestedIds,
}

impl FieldTexts<'_> {
    /// Reads the query behind a path; the path with all that was wished changed in it.
    fn path(&mut self, path: &[u8]) -> Result<Option<String>, Refusal> {
        let Some(at) = path.iter().position(|byte| matches!(byte, b'?' | b'#')) else {
            return Ok(None);
        };
        let (before, query) = path.split_at_checked(at + 1).unwrap_or_default();
        let (mut edited, mut any) = (before.to_vec(), false);
        for (index, parameter) in query.split(|byte| *byte == b'&').enumerate() {
            if index > 0 {
                edited.push(b'&');
            }
            let mut key = String::new();
            for (index, raw) in parameter.splitn(2, |byte| *byte == b'=').enumerate() {
                let text = decoded(raw);
                let place = if index == 0 {
                    Place::Key
                } else {
                    edited.push(b'=');
                    Place::Prose
                };
                match self.text(&text, &key, place)? {
                    None => edited.extend_from_slice(raw),
                    Some(text) => {
                        any = true;
                        encode(&text, &mut edited);
                    }
                }
                key = text;
            }
        }
        Ok(any.then(|| text_of(edited)))
    }

    /// Reads a field where it stands first. Values of one that stands more than once are a list (RFC 9110, section 5.3).
    fn field(
        &mut self,
        headers: &[(&str, &[u8])],
        index: usize,
    ) -> Result<Option<String>, Refusal> {
        let (before, from_here) = headers.split_at_checked(index).unwrap_or_default();
        let Some((name, _)) = from_here.first() else {
            return Ok(None);
        };
        if before
            .iter()
            .any(|(other, value)| other == name && !value.is_empty())
        {
            return Ok(None);
        }
        let mut whole = Vec::new();
        for (_, value) in from_here.iter().filter(|(other, _)| other == name) {
            if !whole.is_empty() {
                whole.extend_from_slice(b", ");
            }
            whole.extend_from_slice(value);
        }
        let edited = self.text(&text_of(whole), name, Place::Prose)?;
        // A field's value has no line breaks.
        Ok(edited.map(|mut edited| {
            for byte in edited.iter_mut().filter(|byte| byte.is_ascii_control()) {
                *byte = b' ';
            }
            text_of(edited)
        }))
    }

    /// What a text is to become; `None` when nothing was wished.
    fn text(&mut self, piece: &str, key: &str, place: Place) -> Result<Option<Vec<u8>>, Refusal> {
        if piece.is_empty() {
            return Ok(None);
        }
        let of = (Role::Unknown, place);
        let changes = give_inner(piece, key, of, &mut self.ids, self.sink, &mut Vec::new())?;
        if changes.is_empty() {
            return Ok(None);
        }
        let mut edited = Vec::new();
        carry_out(piece, changes, &mut edited);
        Ok(Some(edited))
    }
}

/// Bytes as a text: what is not UTF-8 is taken for Latin-1, so that it does not hide what stands beside it.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        error
            .as_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect()
    })
}

/// A parameter's name or value as servers read it. A percent sign without two digits is one.
fn decoded(raw: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match (first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, behind @ ..])
                if let (Some(high), Some(low)) = (digit(*high), digit(*low)) =>
            {
                rest = behind;
                high * 16 + low
            }
            _ => *first,
        });
    }
    text_of(bytes)
}

/// The value of a hexadecimal digit.
fn digit(byte: u8) -> Option<u8> {
    let value = char::from(byte).to_digit(16)?;
    u8::try_from(value).ok()
}

/// Writes a text so that [`decoded`] gives it back (RFC 3986, section 2.1).
fn encode(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(*byte);
        } else {
            let digit = |value: u8| b"0123456789ABCDEF".get(usize::from(value)).copied();
            out.push(b'%');
            out.extend(digit(byte >> 4));
            out.extend(digit(byte & 15));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::{Edit, Text};

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
        let changed = read_fields(headers, &|name| name == "x-mine", &mut sink).unwrap();
        (sink.0, changed)
    }

    fn query(path: &str) -> (Vec<String>, Option<String>) {
        let (texts, changed) = read(&[(":method", b"POST"), (":path", path.as_bytes())]);
        (texts, changed.into_iter().next().map(|(_, value)| value))
    }

    #[test]
    fn names_stand_at_their_length() {
        for (length, names) in PROTOCOL.iter().enumerate() {
            assert_eq!(names.len() % length.max(1), 0, "{names}");
        }
        for name in [
            "te",
            "user-agent",
            "x-forwarded-for",
            ":path",
            "openai-beta",
            "x-request-id",
        ] {
            assert!(!may_hold_text(name), "{name}");
        }
        for name in [
            "x-note",
            "note",
            "tx",
            "x-",
            "user-agenx",
            "x-forwarde",
            "openai",
        ] {
            assert!(may_hold_text(name), "{name}");
        }
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
            ("/?a=%ff1", vec![":a", "a:\u{ff}1"]),
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
        assert_eq!(texts, ["x-note:my SECRET, caf\u{e9}"]);
        let expected = "my [gone & ], caf\u{e9}".to_owned();
        assert_eq!(changed, [("x-note".to_owned(), expected)]);
    }

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let all: String = (0..0x250).filter_map(char::from_u32).collect();
        let mut encoded = Vec::new();
        encode(all.as_bytes(), &mut encoded);
        assert_eq!(decoded(&encoded), all);
    }
}
