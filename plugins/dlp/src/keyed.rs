//! A whole text behind its key, `"key": "text"`: detectors look at both at once.

use crate::drive::copy;
use crate::view::is_ascii;

/// Longest text that is put together with its key: one look instead of two.
pub(crate) const KEYED_BYTES_MAX: usize = 1024;

/// More room than what is put there: of the key's signs, and of a register behind all.
const MORE_ROOM: usize = 32;

/// Room for such a text.
#[derive(Debug, Default)]
pub(crate) struct Room(Vec<u8>);

/// The text that stands in a [`Room`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keyed {
    len: usize,
    /// Where the text begins.
    pub(crate) before: usize,
    /// All of it is ASCII.
    pub(crate) plain: bool,
}

impl Room {
    /// Puts a text behind its key, if there is one; `None` when it is too long.
    pub(crate) fn put(&mut self, key: &str, text: &str) -> Option<Keyed> {
        if text.len() > KEYED_BYTES_MAX {
            return None;
        }
        let Self(bytes) = self;
        let room = key.len() + text.len() + MORE_ROOM;
        if bytes.len() < room {
            bytes.resize(room.next_multiple_of(KEYED_BYTES_MAX), 0);
        }
        let mut len = 0;
        if !key.is_empty() {
            copy(bytes, 1, key.as_bytes())?;
            *bytes.first_mut()? = b'"';
            len = 1 + key.len();
            *bytes.get_mut(len..)?.first_chunk_mut()? = *b"\": \"";
            len += 4;
        }
        let before = len;
        copy(bytes, len, text.as_bytes())?;
        len += text.len();
        let plain = is_ascii(bytes.get(..len)?);
        Some(Keyed { len, before, plain })
    }

    /// The text that was put there last.
    pub(crate) fn bytes(&self, keyed: Keyed) -> &[u8] {
        self.0.get(..keyed.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_behind_its_key_whatever_stood_there_before() {
        let mut room = Room::default();
        let long = "x".repeat(KEYED_BYTES_MAX);
        for (key, text, plain, expected) in [
            ("api_key", "abc", true, "\"api_key\": \"abc"),
            ("", "abc", true, "abc"),
            ("k", "", true, "\"k\": \""),
            ("k", "schlüssel", false, "\"k\": \"schlüssel"),
            (
                "a-key-of-17-bytes",
                &long,
                true,
                &format!("\"a-key-of-17-bytes\": \"{long}"),
            ),
            ("", "", true, ""),
        ] {
            let keyed = room.put(key, text).unwrap();
            assert_eq!(room.bytes(keyed), expected.as_bytes());
            assert_eq!(keyed.plain, plain, "{expected}");
        }
        assert!(room.put("k", &"x".repeat(KEYED_BYTES_MAX + 1)).is_none());
    }
}
