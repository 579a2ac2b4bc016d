//! Keys that are a prefix, an alphabet and a length: one row for each vendor.
//!
//! Sources are the vendors' own documents of their token formats and the secret types that code hosts scan for on the vendors' behalf
//! (<https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns>). Where a vendor has let a
//! length grow, the row takes longer keys too: a prefix that nobody else uses says enough.

use super::class::{
    ALNUM, BASE64, Class, DIGIT, HEX, LOWER, LOWER_HEX, UPPER, URL, URL_PADDED, WORD,
};
use super::packed::{Row, pack, unpack};
use super::shape::Shape;
use super::{Before, Detector, Lengths};
use std::sync::LazyLock;

/// The least entropy of a key's body unless its row says otherwise, in hundredths of a bit a byte. Random hexadecimal digits have 300 or more
/// from 16 on; `xxxxxxxx` has none.
pub(super) const CENTIBITS_MIN: u16 = 250;

/// The characters of bech32.
const BECH32: Class = Class::of("023456789acdefghjklmnpqrstuvwxyzACDEFGHJKLMNPQRSTUVWXYZ");
/// base64url, dots between its parts.
const DOTTED: Class = Class::of("0-9A-Za-z_.=\\-");
/// base64url, and base64 in one.
const ANY64: Class = Class::of("0-9A-Za-z_+/=\\-");
/// base64, its signs also as a URL writes them.
const PERCENT64: Class = Class::of("0-9A-Za-z%+/=\\-");
/// base64 without its padding.
const PLAIN64: Class = Class::of("0-9A-Za-z+/");
/// Letters and digits with signs that Tigris puts between them.
const TIGRIS: Class = Class::of("0-9A-Za-z_+\\-");
/// What Django's secret keys have.
const DJANGO: Class = Class::of("0-9a-z!@#$%^&*(\\-_=+)");
/// RFC 4648 base32.
const BASE32: Class = Class::of("A-Z2-7");
/// `-` and hexadecimal digits: a UUID's characters.
const UUID: Class = Class::of("0-9a-fA-F\\-");
/// Letters, digits and dashes.
const DASHED: Class = Class::of("0-9A-Za-z\\-");
/// The same in capitals.
const UPPER_DASHED: Class = Class::of("0-9A-Z\\-");
/// The same with `_`.
const UPPER_URL: Class = Class::of("0-9A-Z_\\-");
/// base64url and dots.
const URL_DOTTED: Class = Class::of("0-9A-Za-z_.\\-");
/// What Salesforce's session ids have.
const SESSION: Class = Class::of("0-9A-Za-z._+/=\\-");
/// What stands in a webhook's path.
const PATH: Class = Class::of("0-9A-Za-z_/\\-");
/// The same with `@`.
const PATH_AT: Class = Class::of("0-9A-Za-z_@/\\-");

/// All alphabets of keys.
pub(super) const CLASSES: [Class; 26] = [
    ALNUM,
    LOWER_HEX,
    URL,
    HEX,
    LOWER,
    UPPER,
    UUID,
    DIGIT,
    BASE64,
    WORD,
    URL_PADDED,
    DASHED,
    DOTTED,
    ANY64,
    URL_DOTTED,
    PATH,
    PATH_AT,
    PERCENT64,
    PLAIN64,
    BASE32,
    BECH32,
    SESSION,
    UPPER_DASHED,
    UPPER_URL,
    DJANGO,
    TIGRIS,
];

/// A detector of keys that begin with what gives them away: `key!("name": "prefix" => [pieces], …)`.
macro_rules! key {
    ($name:literal: $($prefix:literal => [$($piece:expr),+]),+ $(,)?) => {
        key!($name, CENTIBITS_MIN; $($prefix => [$($piece),+]),+)
    };
    ($name:literal, $centibits:expr; $($prefix:literal => [$($piece:expr),+]),+ $(,)?) => {
        row($name, &[
            $(Shape { head: None, mark: $prefix, pieces: &[$($piece),+], centibits_min: $centibits }),+
        ])
    };
}

/// A detector of keys that are known by their middle or their end: `infix!("name", entropy; [head] "mark" [pieces])`.
macro_rules! infix {
    ($name:literal, $centibits:expr; $([$head:expr] $mark:literal [$($piece:expr),*]),+ $(,)?) => {
        behind_a_head(row($name, &[
            $(Shape { head: Some($head), mark: $mark, pieces: &[$($piece),*], centibits_min: $centibits }),+
        ]))
    };
}

/// A detector of keys of these shapes.
const fn row(name: &'static str, shapes: &'static [Shape]) -> Row {
    Row {
        name,
        digits: None,
        dense: are_marks(shapes),
        opaque: true,
        shapes,
    }
}

/// A detector of keys that begin with a run of digits, and go on so.
const fn behind_digits(
    name: &'static str,
    lengths: Lengths,
    before: Before,
    shapes: &'static [Shape],
) -> Row {
    Row {
        digits: Some((lengths, before)),
        ..row(name, shapes)
    }
}

/// Whether every mark says enough where no word's edge does: three letters stand in every page of base64 that is broken into lines.
const fn are_marks(mut shapes: &[Shape]) -> bool {
    while let [shape, rest @ ..] = shapes {
        if shape.mark.len() < 4 {
            return false;
        }
        shapes = rest;
    }
    true
}

/// Where no word ends, a head would take the words before it in.
const fn behind_a_head(row: Row) -> Row {
    Row {
        dense: false,
        ..row
    }
}

// Behind the macros, which they use.
mod a_to_g;
mod h_to_p;
#[cfg(test)]
mod instances;
mod q_to_z;

/// All of them, sorted by name.
const ROWS: [&[Row]; 3] = [a_to_g::ROWS, h_to_p::ROWS, q_to_z::ROWS];

/// The same, packed.
static PACKED: [u8; pack(&ROWS, &mut [])] = {
    let mut packed = [0; pack(&ROWS, &mut [])];
    pack(&ROWS, &mut packed);
    packed
};

/// The same, as the scanner takes them.
pub(super) static KEYS: LazyLock<Vec<Detector>> = LazyLock::new(|| unpack(&PACKED));

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn keys_known_by_their_middle_or_end() {
        check(
            "mailchimp_key",
            "«a2937653ed38c31a43ea46e2b19257db-us2», «d5a20394440360cd8a9802d4705e711c-us20».",
        );
        check(
            "mailchimp_key",
            "a2937653ed38c31a43ea46e2b19257d-us2 a2937653ed38c31a43ea46e2b19257db-usa 1a2937653ed38c31a43ea46e2b19257db-us2",
        );
        check("maxmind_key", "«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»");
        check(
            "maxmind_key",
            "xw5fruZ_8ZUsgYLu8vwgb3yKsgMna3uIF9Oa4_mmk, w5fruZ_8ZUsg_mmk",
        );
        check(
            "new_relic_license_key",
            "license: «eu01xxaa7460e1ea3abdfbbbd36e85c10cd0NRAL»",
        );
        check(
            "new_relic_license_key",
            "a7460e1ea3abdfbbbd36e85c10cd0NRAL, CENTRAL, 1eu01xxaa7460e1ea3abdfbbbd36e85c10cd0NRAL",
        );
        check(
            "terraform_token",
            "«7be0ebcc06163c.atlasv1.eut_whf9f_uo8dmi9=1i8wleqmkoflbfh8ut6cve=8if98cr8r1_1ciw36lj-m1»",
        );
        check(
            "terraform_token",
            "xxxxxxxxxxxxxx.atlasv1.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        );
    }

    #[test]
    fn keys_whose_marks_stand_in_other_things() {
        check(
            "jwk",
            r#"{"kty":"EC",«"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI»"}, «"d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI»""#,
        );
        check(
            "jwk",
            r#""d":"1.5", "d": "2026-08-13", "x":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#,
        );
        check(
            "huggingface_token",
            "«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», hf_servingcellpriorityparametersdescription_h_prio",
        );
        check(
            "replicate_token",
            "«r8_DrqAfn6QLwQnmXEggveiSUUaIL2p2nuPINelfFc», x.py,sha256=r8_DrqAfn6QLwQnmXEggveiSUUaIL2p2nuPINelfFc,1",
        );
    }

    #[test]
    fn keys_behind_a_number() {
        check(
            "facebook_app_token",
            "«911602140448729|AY-lRJZq9BoDLobvAiP25L7RcMg»",
        );
        check(
            "facebook_app_token",
            "911602140448729|1234, 911602140448729 | total, 9116021404487|AY-lRJZq9BoDLobvAiP25L7RcMg",
        );
        check(
            "truenas_key",
            "[\"«8-Lp22ov7halMBLUpG97Wg4y7fibQi3CW19VJiZcCu746zgCs0mdDdTCoOcpgEucgu»\"]",
        );
        check(
            "truenas_key",
            "8-a7f29c1b0e4d8a7f29c1b0e4d8a7f29c1b0e4d8a7f29c1b0e4d8a7f29c1b0e4d8, 1-2, x8-Lp22ov7halMBLUpG97Wg4y7fibQi3CW19VJiZcCu746zgCs0mdDdTCoOcpgEucgu",
        );
    }

    #[test]
    fn keys_behind_letters() {
        check(
            "twilio_key",
            "«SK6a02cbedf7960df30e6a86bea413e922», «AC4d2f64e2a108cd72f648b1984c3b5a13»",
        );
        check(
            "twilio_key",
            "SK6a02cbedf7960df30e6a86bea413e92, xSK6a02cbedf7960df30e6a86bea413e922, SK6a02cbedf7960df30e6a86bea413e9222, AC11111111111111111111111111111111",
        );
    }
}
