//! Text to the inside of a JSON string.

/// Appends `text` with exactly what RFC 8259 demands escaped: quotation mark, backslash, control characters.
pub(crate) fn escape_into(text: &str, out: &mut String) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => {
                let code = c as usize;
                out.push_str("\\u00");
                out.push(HEX.get(code >> 4).copied().unwrap_or('0'));
                out.push(HEX.get(code & 15).copied().unwrap_or('0'));
            }
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn escaped_text_reads_back(text in "\\PC*|[\u{0}-\u{7f}]*") {
            let mut json = String::from("\"");
            escape_into(&text, &mut json);
            json.push('"');
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
