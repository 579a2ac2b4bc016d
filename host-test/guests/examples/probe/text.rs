//! Bytes as a configuration writes them and as a log shows them.

use std::fmt::Write as _;

pub(crate) fn show(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        if (0x20..0x7f).contains(byte) {
            text.push(*byte as char);
        } else {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

pub(crate) fn unescape(text: &str) -> Vec<u8> {
    if text == "EMPTY" {
        return Vec::new();
    }
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' && tail.len() >= 2 {
            let hex = std::str::from_utf8(&tail[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(byte);
        }
    }
    bytes
}

pub(crate) fn pairs(list: &str) -> Vec<u8> {
    if let Some(count) = list.strip_prefix("many:") {
        let many: Vec<_> = (0..count.parse::<u32>().unwrap())
            .map(|n| format!("h{n}=v"))
            .collect();
        return pairs(&many.join(","));
    }
    let entries: Vec<(Vec<u8>, Vec<u8>)> = list
        .split(',')
        .filter_map(|entry| entry.split_once('='))
        .map(|(name, value)| (unescape(name), unescape(value)))
        .collect();
    let mut bytes = (entries.len() as u32).to_le_bytes().to_vec();
    for (name, value) in &entries {
        bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    for (name, value) in &entries {
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    bytes
}

pub(crate) fn show_pairs(bytes: &[u8]) -> String {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    if bytes.is_empty() {
        return "none".to_owned();
    }
    let count = word(0);
    let mut at = 4 + count * 8;
    let mut text = String::new();
    for entry in 0..count {
        let (name, value) = (word(4 + entry * 8), word(8 + entry * 8));
        let _ = write!(
            text,
            "{}={},",
            show(&bytes[at..at + name]),
            show(&bytes[at + name + 1..at + name + 1 + value])
        );
        at += name + value + 2;
    }
    text
}
