//! Texts as somebody writes them who hides from a scanner: still read the same, and not one byte as it was.

use std::ops::Range;

/// Characters that nobody sees.
pub const UNSEEN: [char; 4] = ['\u{200b}', '\u{ad}', '\u{fe0f}', '\u{2060}'];

/// A text of ASCII in disguise.
#[derive(Debug)]
pub struct Disguise {
    text: String,
    /// Of each byte, where it stands now.
    places: Vec<Range<usize>>,
}

impl Disguise {
    /// What became of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where each byte of the text stands now.
    #[must_use]
    pub fn places(&self) -> &[Range<usize>] {
        &self.places
    }
}

/// Disguises a text, one byte of `how` for each character, over and over; with none, only what is in disguise already is left out.
#[must_use]
pub fn disguise(text: &str, how: &[u8]) -> Disguise {
    let mut out = String::new();
    let mut places = Vec::new();
    let mut how = how.iter().cycle();
    for character in text.chars() {
        let how = how.next().copied().unwrap_or_default();
        if how & 0x10 != 0 {
            out.push(UNSEEN[usize::from(how & 3)]);
        }
        let start = out.len();
        out.push(match (how & 0xc, character) {
            (4, _) => alike(character),
            (8, '!'..='~') => wide(character),
            _ => character,
        });
        places.push(start..out.len());
    }
    Disguise { text: out, places }
}

/// The same in full width.
fn wide(character: char) -> char {
    char::from_u32(u32::from(character) + 0xfee0).unwrap_or(character)
}

/// What looks like it.
fn alike(character: char) -> char {
    match character {
        ' ' => '\u{2009}',
        '\n' => '\u{2028}',
        '-' => '\u{2011}',
        '.' => '\u{2024}',
        'a' => 'а',
        'e' => 'е',
        'o' => 'ο',
        'A' => '𝐀',
        'K' => '\u{212a}',
        '0'..='9' => char::from_u32(u32::from(character) - 0x30 + 0x660).unwrap_or(character),
        other => other,
    }
}
