//! From what a case says to the bytes on the wire.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::case::{Body, BodyForm};

/// A header field as it stands on the wire; names in lower case.
pub type Field = (String, Vec<u8>);

/// The bytes of a body.
///
/// # Errors
/// When a form contradicts itself.
pub fn body(body: &Body) -> Result<Vec<u8>> {
    Ok(match body {
        Body::Text(text) => text.clone().into_bytes(),
        Body::Other(BodyForm::Json(value)) => value.to_string().into_bytes(),
        Body::Other(BodyForm::Base64(text)) => STANDARD.decode(text).context("base64")?,
        Body::Other(BodyForm::Filled { text, bytes }) => filled(text, *bytes)?.into_bytes(),
        Body::Other(BodyForm::Nested {
            open,
            middle,
            close,
            depth,
            before,
            after,
        }) => [
            before,
            open.repeat(*depth).as_str(),
            middle,
            close.repeat(*depth).as_str(),
            after,
        ]
        .concat()
        .into_bytes(),
    })
}

fn filled(text: &str, bytes: usize) -> Result<String> {
    let (before, after) = text
        .split_once("{}")
        .context("`filled` needs a placeholder {}")?;
    let room = bytes
        .checked_sub(before.len() + after.len())
        .context("`filled` is shorter than its text")?;
    let filler: String = "lorem ipsum ".chars().cycle().take(room).collect();
    Ok([before, &filler, after].concat())
}

/// A header from `name: value`; each character of the value is a byte (ISO 8859-1), so that a case can write any byte.
///
/// # Errors
/// Without a colon, and with a character that is no byte.
pub fn field(line: &str) -> Result<Field> {
    // The first colon of a pseudo-header belongs to its name.
    let colon = line
        .char_indices()
        .skip(1)
        .find(|(_, c)| *c == ':')
        .map(|(at, _)| at)
        .with_context(|| format!("not a header: {line}"))?;
    let (name, value) = line.split_at(colon);
    let value: Result<Vec<u8>, _> = value
        .chars()
        .skip(1)
        .skip_while(|c| *c == ' ')
        .map(|c| u8::try_from(u32::from(c)))
        .collect();
    let value = value.with_context(|| format!("a character that is no byte in {line}"))?;
    Ok((name.to_ascii_lowercase(), value))
}

/// Puts headers in the place of those of the same name; an empty value takes the header away.
///
/// # Errors
/// As [`field`].
pub fn apply(headers: &mut Vec<Field>, lines: &[String]) -> Result<()> {
    let fields: Vec<Field> = lines
        .iter()
        .map(|line| field(line))
        .collect::<Result<_>>()?;
    headers.retain(|(name, _)| !fields.iter().any(|(new, _)| new == name));
    headers.extend(fields.into_iter().filter(|(_, value)| !value.is_empty()));
    Ok(())
}

/// A body in pieces of these sizes, the last for the rest.
///
/// # Errors
/// When the sizes are more than there is.
pub fn pieces(body: &[u8], sizes: &[usize]) -> Result<Vec<Vec<u8>>> {
    let mut rest = body;
    let mut pieces = Vec::new();
    for size in sizes {
        ensure!(*size <= rest.len(), "pieces are longer than the body");
        let (piece, after) = rest.split_at(*size);
        pieces.push(piece.to_vec());
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(rest.to_vec());
    }
    Ok(pieces)
}

/// Every value of a header.
pub fn values<'a>(headers: &'a [Field], name: &str) -> Vec<&'a [u8]> {
    headers
        .iter()
        .filter(|(have, _)| have == name)
        .map(|(_, value)| value.as_slice())
        .collect()
}

/// The first value of a header as text.
pub fn text(headers: &[Field], name: &str) -> Option<String> {
    values(headers, name)
        .first()
        .map(|value| String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_carry_any_byte() {
        assert_eq!(
            field("X-A: \u{ff}b: c").unwrap(),
            ("x-a".to_owned(), b"\xffb: c".to_vec())
        );
        assert_eq!(
            field(":path: /a").unwrap(),
            (":path".to_owned(), b"/a".to_vec())
        );
        assert!(field("no colon").is_err());
        assert!(field("x: \u{100}").is_err());
    }

    #[test]
    fn a_header_given_twice_stands_twice() {
        let mut headers = vec![
            ("a".to_owned(), b"0".to_vec()),
            ("b".to_owned(), b"1".to_vec()),
        ];
        apply(&mut headers, &["a: 1".into(), "a: 2".into(), "b:".into()]).unwrap();
        assert_eq!(values(&headers, "a"), [b"1", b"2"]);
        assert_eq!(values(&headers, "b"), Vec::<&[u8]>::new());
    }

    #[test]
    fn bodies_have_the_size_that_was_asked_for() {
        let form = Body::Other(BodyForm::Filled {
            text: "<{}>".into(),
            bytes: 20,
        });
        assert_eq!(body(&form).unwrap(), b"<lorem ipsum lorem >");
        assert_eq!(
            pieces(b"abcde", &[2]).unwrap(),
            [b"ab".to_vec(), b"cde".to_vec()]
        );
        assert!(pieces(b"a", &[2]).is_err());
    }
}
