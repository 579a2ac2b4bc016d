//! The inside of a JSON string to text.

use super::token::Raw;
use super::unescaped::Unescaped;
use std::ops::Range;

/// What stands for one character or more, and could not be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// An escape of this many bytes (2, 6, or 12 for a surrogate pair) and what it means. A surrogate without its partner is read
    /// as U+FFFD: RFC 8259, section 8.2, leaves open what it is, so it must not hide what stands around it.
    Escape(usize, char),
    /// More bytes are needed to tell.
    Unfinished,
    /// No escape of RFC 8259.
    Invalid,
}

/// What an escape of two characters means, by its second; zero is none.
pub(super) const SIMPLE: [u8; 256] = {
    let mut table = [0; 256];
    let escapes = *b"n\n\"\"\\\\t\t//b\x08f\x0Cr\r";
    let (mut pairs, _) = escapes.as_chunks::<2>();
    while let [[kind, meaning], rest @ ..] = pairs {
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            table[*kind as usize] = *meaning;
        }
        pairs = rest;
    }
    table
};

/// Reads the escape that `bytes` begin with (their first byte is the backslash).
#[inline]
pub(crate) fn unit(bytes: &[u8]) -> Unit {
    match bytes.get(1) {
        None => Unit::Unfinished,
        Some(b'u') => unicode(bytes),
        Some(kind) => match SIMPLE.get(usize::from(*kind)) {
            None | Some(0) => Unit::Invalid,
            Some(meaning) => Unit::Escape(2, char::from(*meaning)),
        },
    }
}

#[inline(never)]
fn unicode(bytes: &[u8]) -> Unit {
    let first = match hex4(bytes.get(2..).unwrap_or_default()) {
        Hex::Value(value) => value,
        Hex::Unfinished => return Unit::Unfinished,
        Hex::Invalid => return Unit::Invalid,
    };
    let lone = Unit::Escape(
        6,
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
    );
    if !(0xd800..0xdc00).contains(&first) {
        return lone;
    }
    match (bytes.get(6), bytes.get(7)) {
        (None, _) | (Some(b'\\'), None) => return Unit::Unfinished,
        (Some(b'\\'), Some(b'u')) => {}
        (Some(_), _) => return lone,
    }
    match hex4(bytes.get(8..).unwrap_or_default()) {
        Hex::Value(second) if (0xdc00..0xe000).contains(&second) => {
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            Unit::Escape(
                12,
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            )
        }
        Hex::Unfinished => Unit::Unfinished,
        Hex::Value(_) | Hex::Invalid => lone,
    }
}

enum Hex {
    Value(u32),
    Unfinished,
    Invalid,
}

fn hex4(bytes: &[u8]) -> Hex {
    let mut value = 0;
    for index in 0..4 {
        let Some(byte) = bytes.get(index) else {
            return Hex::Unfinished;
        };
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return Hex::Invalid;
        };
        value = value * 16 + digit;
    }
    Hex::Value(value)
}

/// An escape within a string: its bytes, and the bytes of text that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Escape {
    pub bytes: Range<usize>,
    pub text: Range<usize>,
}

/// All escapes of a string's inside.
pub(crate) fn escapes(raw: &str) -> impl Iterator<Item = Escape> {
    let mut byte = 0;
    let mut text = 0;
    std::iter::from_fn(move || {
        let rest = raw.as_bytes().get(byte..)?;
        let plain = memchr::memchr(b'\\', rest)?;
        let (len, meaning) = unit_of_valid(rest.get(plain..)?);
        let escape = Escape {
            bytes: byte + plain..byte + plain + len,
            text: text + plain..text + plain + meaning.len_utf8(),
        };
        byte = escape.bytes.end;
        text = escape.text.end;
        Some(escape)
    })
}

/// Whether what is written means `text`.
pub(crate) fn means(raw: Raw<'_>, text: &str) -> bool {
    if !raw.escaped {
        return raw.text == text;
    }
    Unescaped::new().of(raw.text) == text
}

/// [`unit()`] where the tokenizer has already seen that it is one. At the end of a string a high surrogate has no partner to wait for.
pub(super) fn unit_of_valid(bytes: &[u8]) -> (usize, char) {
    match unit(bytes) {
        Unit::Escape(len, meaning) => (len, meaning),
        Unit::Unfinished | Unit::Invalid => (bytes.len().min(6), char::REPLACEMENT_CHARACTER),
    }
}
