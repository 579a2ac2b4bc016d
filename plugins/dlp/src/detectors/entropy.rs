//! How random bytes look.

/// Shannon's entropy of the bytes, in bits a byte, in hundredths: 0 for `aaaa`, 400 for sixteen different ones.
pub(super) fn centibits(bytes: &[u8]) -> u32 {
    let mut counts = [0_u16; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let total = bytes.len() as f32;
    let sum: f32 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f32::from(*count) / total;
            -share * share.log2()
        })
        .sum();
    (sum * 100.0 + 0.5) as u32
}

/// Words that stand where a key would stand in documentation.
const PLACEHOLDERS: [&[u8]; 12] = [
    b"example",
    b"placeholder",
    b"your",
    b"xxxx",
    b"****",
    b"....",
    b"redacted",
    b"changeme",
    b"insert",
    b"replace",
    b"dummy",
    b"sample",
];

/// Whether a value only stands for one: `YOUR_API_KEY_HERE`, `xxxxxxxx`.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    PLACEHOLDERS.iter().any(|word| {
        value
            .windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy() {
        assert_eq!(centibits(b""), 0);
        assert_eq!(centibits(b"aaaaaaaa"), 0);
        assert_eq!(centibits(b"abababab"), 100);
        assert_eq!(centibits(b"0123456789abcdef"), 400);
    }

    #[test]
    fn placeholders() {
        assert!(is_placeholder(b"YOUR_API_KEY_HERE") && is_placeholder(b"sk-XXXXXXXX"));
        assert!(!is_placeholder(b"v9sswdzc2it8axf4jxwqt7h"));
    }
}
