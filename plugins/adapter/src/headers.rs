//! Header fields as the ABI passes them: a count, then the sizes of each name and value, then each followed by NUL; all numbers 32 bits,
//! little endian.

#![allow(unsafe_code)]

/// A field's name and value.
pub(crate) type Field<'a> = (&'a str, &'a [u8]);

/// The fields of a serialized map; `None` when it is not one. Names that are not UTF-8 read as empty: HTTP has none.
pub(crate) fn parse(bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let number = |at: usize| -> Option<usize> {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(four)).ok()
    };
    let count = number(0)?;
    let mut at = count.checked_mul(8)?.checked_add(4)?;
    // The sizes of all fields must be there before memory is taken for as many.
    bytes.get(..at)?;
    let mut fields = Vec::with_capacity(count);
    for index in 0..count {
        let (name_size, value_size) = (number(4 + index * 8)?, number(8 + index * 8)?);
        let name = bytes.get(at..at.checked_add(name_size)?)?;
        at = at.checked_add(name_size)?.checked_add(1)?;
        let value = bytes.get(at..at.checked_add(value_size)?)?;
        at = at.checked_add(value_size)?.checked_add(1)?;
        fields.push((self::name(name), value));
    }
    Some(fields)
}

/// A name as text. HTTP's are ASCII, which is looked for in whole words; the standard library's check goes byte by byte here.
fn name(bytes: &[u8]) -> &str {
    if bytes.is_ascii() {
        // SAFETY: ASCII is UTF-8.
        unsafe { std::str::from_utf8_unchecked(bytes) }
    } else {
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// Serializes fields for a local reply or a call.
pub(crate) fn serialize<V: AsRef<str>>(fields: &[(&str, V)]) -> Vec<u8> {
    let mut out = Vec::new();
    let number = |out: &mut Vec<u8>, size: usize| {
        out.extend(u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes())
    };
    number(&mut out, fields.len());
    for (name, value) in fields {
        number(&mut out, name.len());
        number(&mut out, value.as_ref().len());
    }
    for (name, value) in fields {
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        out.extend_from_slice(value.as_ref().as_bytes());
        out.push(0);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_serialized_parses() {
        let fields = [
            ("content-type", "application/json".to_owned()),
            ("x", String::new()),
        ];
        let bytes = serialize(&fields);
        let parsed = parse(&bytes).unwrap();
        assert_eq!(
            parsed,
            [("content-type", &b"application/json"[..]), ("x", b"")]
        );
    }

    #[test]
    fn cut_or_lying_maps_are_refused() {
        let bytes = serialize(&[("a", "b".to_owned())]);
        for cut in 1..bytes.len() - 1 {
            assert_eq!(parse(bytes.get(..cut).unwrap()), None, "{cut}");
        }
        assert_eq!(parse(&u32::MAX.to_le_bytes()), None);
    }
}
