//! What a character looks like: Unicode 16, general categories Cf, Mn, Zs, Pd and Nd, and UTS 39's confusables of ASCII letters, as far as
//! fonts draw them alike.

/// What becomes of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// It stands in the view as it is.
    Keep,
    /// Nobody sees it.
    Drop,
    /// It looks like this.
    To(u8),
}

/// The digits zero of all scripts, each followed by its nine others.
const ZEROS: [u32; 62] = [
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6,
    0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
    0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0x104A0,
    0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0,
    0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1E140,
    0x1E2F0, 0x1E4F0, 0x1E950, 0x1FBF0, 0x11F50, 0x11DE0,
];

/// Letters and signs that are drawn like one of ASCII, sorted.
const ALIKE: &[(char, u8)] = &[
    ('ı', b'i'),
    ('ɑ', b'a'),
    ('ɡ', b'g'),
    ('Α', b'A'),
    ('Β', b'B'),
    ('Ε', b'E'),
    ('Ζ', b'Z'),
    ('Η', b'H'),
    ('Ι', b'I'),
    ('Κ', b'K'),
    ('Μ', b'M'),
    ('Ν', b'N'),
    ('Ο', b'O'),
    ('Ρ', b'P'),
    ('Τ', b'T'),
    ('Υ', b'Y'),
    ('Χ', b'X'),
    ('α', b'a'),
    ('ι', b'i'),
    ('κ', b'k'),
    ('ν', b'v'),
    ('ο', b'o'),
    ('ρ', b'p'),
    ('υ', b'u'),
    ('ϲ', b'c'),
    ('ϳ', b'j'),
    ('Ѕ', b'S'),
    ('І', b'I'),
    ('Ј', b'J'),
    ('А', b'A'),
    ('В', b'B'),
    ('Е', b'E'),
    ('К', b'K'),
    ('М', b'M'),
    ('Н', b'H'),
    ('О', b'O'),
    ('Р', b'P'),
    ('С', b'C'),
    ('Т', b'T'),
    ('У', b'Y'),
    ('Х', b'X'),
    ('Ь', b'b'),
    ('а', b'a'),
    ('е', b'e'),
    ('к', b'k'),
    ('о', b'o'),
    ('р', b'p'),
    ('с', b'c'),
    ('у', b'y'),
    ('х', b'x'),
    ('ѕ', b's'),
    ('і', b'i'),
    ('ј', b'j'),
    ('ѵ', b'v'),
    ('Ү', b'Y'),
    ('ү', b'y'),
    ('һ', b'h'),
    ('Ӏ', b'I'),
    ('ӏ', b'l'),
    ('ԁ', b'd'),
    ('ԛ', b'q'),
    ('Ԝ', b'W'),
    ('ԝ', b'w'),
    ('ո', b'n'),
    ('ս', b'u'),
    ('օ', b'o'),
    ('‘', b'\''),
    ('’', b'\''),
    ('“', b'"'),
    ('”', b'"'),
    ('․', b'.'),
    ('⁃', b'-'),
    ('⁄', b'/'),
    ('ℓ', b'l'),
    // The sign for kelvin, written so that no editor makes the letter of it.
    ('\u{212a}', b'K'),
    ('−', b'-'),
    ('∕', b'/'),
    ('∶', b':'),
    ('。', b'.'),
    ('﹘', b'-'),
    ('﹣', b'-'),
    ('﹫', b'@'),
];

/// What becomes of a character beyond ASCII.
pub(super) fn fold(character: char) -> Fold {
    let code = u32::from(character);
    match code {
        // Nobody sees tags either, but models read them as the letters that they repeat.
        0xE0020..=0xE007E => byte(0x20, code - 0xE0020),
        // Nothing to see: format characters, fillers, variation selectors.
        0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
        | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF
        | 0xFFA0 | 0xFFF9..=0xFFFB | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF
        // Marks on top of the character before.
        | 0x300..=0x36F | 0x483..=0x489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF
        | 0xFE20..=0xFE2F => Fold::Drop,
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => Fold::To(b' '),
        0x85 | 0x2028 | 0x2029 => Fold::To(b'\n'),
        0x2010..=0x2015 => Fold::To(b'-'),
        // Fullwidth forms of all of ASCII.
        0xFF01..=0xFF5E => byte(0x21, code - 0xFF01),
        0xB2 | 0xB3 => byte(u32::from(b'2'), code - 0xB2),
        0xB9 => Fold::To(b'1'),
        0x2070 | 0x2074..=0x2079 => byte(u32::from(b'0'), code - 0x2070),
        0x2080..=0x2089 => byte(u32::from(b'0'), code - 0x2080),
        0x2460..=0x2468 => byte(u32::from(b'1'), code - 0x2460),
        0x24EA => Fold::To(b'0'),
        0x24B6..=0x24CF => byte(u32::from(b'A'), code - 0x24B6),
        0x24D0..=0x24E9 => byte(u32::from(b'a'), code - 0x24D0),
        0x2776..=0x277E => byte(u32::from(b'1'), code - 0x2776),
        // Mathematical letters: thirteen alphabets, then digits in five styles.
        0x1D400..=0x1D6A3 => match (code - 0x1D400) % 52 {
            capital @ 0..=25 => byte(u32::from(b'A'), capital),
            small => byte(u32::from(b'a'), small - 26),
        },
        0x1D7CE..=0x1D7FF => byte(u32::from(b'0'), (code - 0x1D7CE) % 10),
        0x1F130..=0x1F149 => byte(u32::from(b'A'), code - 0x1F130),
        0x1F150..=0x1F169 => byte(u32::from(b'A'), code - 0x1F150),
        0x1F170..=0x1F189 => byte(u32::from(b'A'), code - 0x1F170),
        _ => alike(character),
    }
}

fn alike(character: char) -> Fold {
    if let Ok(index) = ALIKE.binary_search_by_key(&character, |(alike, _)| *alike) {
        return ALIKE
            .get(index)
            .map_or(Fold::Keep, |(_, byte)| Fold::To(*byte));
    }
    let code = u32::from(character);
    // Scripts without digits of their own, in which most text beyond ASCII is.
    if code < 0x660 || (0x3000..0xA000).contains(&code) {
        return Fold::Keep;
    }
    ZEROS
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))
        .map_or(Fold::Keep, |zero| byte(u32::from(b'0'), code - zero))
}

fn byte(first: u32, offset: u32) -> Fold {
    u8::try_from(first + offset).map_or(Fold::Keep, Fold::To)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(ALIKE.is_sorted_by_key(|(alike, _)| *alike));
        assert!(ALIKE.iter().all(|(alike, _)| !alike.is_ascii()));
    }

    #[test]
    fn every_digit_of_every_script_is_a_digit() {
        let digits = ('\u{80}'..=char::MAX)
            .filter(|character| matches!(fold(*character), Fold::To(b'0'..=b'9')))
            .count();
        assert!(digits >= 62 * 10 + 50 + 10, "{digits}");
    }
}
