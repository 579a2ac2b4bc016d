//! How what is wished of a text is carried out where it stands in JSON.

use crate::edits::{Change, merge};
use crate::json::{self, NESTED_DEPTH_MAX, Unescaped};

/// Appends a number with changes of its digits carried out: it becomes a string. Where anything of it goes all of it does, as of words of a document
/// within a string; what is put in alone stands before or behind it.
pub(crate) fn change_number(raw: &str, mut changes: Vec<Change>, out: &mut Vec<u8>) {
    merge(&mut changes);
    let goes = changes.iter().position(|change| !change.range.is_empty());
    let mut string = String::from("\"");
    let mut rest = match goes {
        Some(_) => "",
        None => raw,
    };
    for change in changes.iter().skip(goes.unwrap_or(0)) {
        if change.range.start > 0 {
            string.push_str(std::mem::take(&mut rest));
        }
        json::escape_into(&change.replacement, &mut string);
        if goes.is_some() {
            break;
        }
    }
    string.push_str(rest);
    string.push('"');
    out.extend_from_slice(string.as_bytes());
}

/// Appends the inside of a string with changes of its text carried out. When it is a document it stays one.
pub(crate) fn change_string(raw: &str, mut changes: Vec<Change>, out: &mut Vec<u8>) {
    merge(&mut changes);
    if json::starts_document(raw) {
        changes = json::fit(Unescaped::new().of(raw), changes, NESTED_DEPTH_MAX);
    }
    change_piece(raw, changes, out);
}

/// Appends the inside of a string, or a piece of it, with changes of its text carried out just so.
pub(crate) fn change_piece(raw: &str, mut changes: Vec<Change>, out: &mut Vec<u8>) {
    merge(&mut changes);
    let mut places = Vec::with_capacity(changes.len());
    json::locate(raw, changes.iter().map(|change| &change.range), |bytes| {
        places.push(bytes)
    });
    let mut copied = 0;
    let mut escaped = String::new();
    for (place, change) in places.into_iter().zip(changes) {
        // A character that two changes share was widened into both.
        out.extend_from_slice(raw.get(copied..place.start).unwrap_or_default().as_bytes());
        escaped.clear();
        json::escape_into(&change.replacement, &mut escaped);
        out.extend_from_slice(escaped.as_bytes());
        copied = place.end.max(copied);
    }
    out.extend_from_slice(raw.get(copied..).unwrap_or_default().as_bytes());
}
