//! A record's line taken apart: what is sealed of it, and where it stands in its chain. See [`portcullis_audit::seal`].

use portcullis_audit::seal::{self, AFTER_MAC, BEFORE_MAC, Link, Persons, SALT_BYTES, Seal};
use portcullis_audit::unhex;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

/// What has to be known of a record to check it. Everything else is sealed as the bytes that it is.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    user: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source_ip: Option<&'a RawValue>,
    #[serde(borrow, default)]
    key_id: Option<&'a RawValue>,
    #[serde(borrow)]
    chain: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain<'a> {
    id: &'a str,
    seq: u64,
    prev: &'a str,
    #[serde(default)]
    salt: Option<&'a str>,
    #[serde(default)]
    erased: Option<&'a str>,
    mac: &'a str,
}

/// A record.
pub(crate) struct Line<'a> {
    text: &'a str,
    /// Where its members end and `,"chain":` begins.
    body: usize,
    /// Where the personal values stand that are there.
    values: [Option<Range<usize>>; 3],
    /// `event_type`.
    pub event: Cow<'a, str>,
    /// Its place.
    pub link: Link<'a>,
    /// How its persons stand there.
    pub persons: Persons<'a>,
    /// Its seal's digits.
    pub mac: &'a str,
}

impl<'a> Line<'a> {
    /// Takes a line apart; `None` when it is no record, or not written exactly as the gateway writes.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let shape: Shape<'a> = serde_json::from_str(text).ok()?;
        let chain: Chain<'a> = serde_json::from_str(shape.chain.get()).ok()?;
        let persons = match (chain.salt, chain.erased) {
            (None, None) => Persons::None,
            (Some(salt), None) => Persons::Salted(salt),
            (None, Some(digest)) => Persons::Erased(digest),
            (Some(_), Some(_)) => return None,
        };
        let link = Link {
            id: chain.id,
            seq: chain.seq,
            prev: chain.prev,
        };
        let body = range(text, shape.chain.get())
            .start
            .checked_sub(",\"chain\":".len())?;
        let expected = [&seal::tail(link, persons), BEFORE_MAC, chain.mac, AFTER_MAC].concat();
        if text.get(body..)? != expected {
            return None;
        }
        let values = [shape.user, shape.source_ip, shape.key_id];
        Some(Self {
            text,
            body,
            values: values.map(|value| value.map(|raw| range(text, raw.get()))),
            event: shape.event_type,
            link,
            persons,
            mac: chain.mac,
        })
    }

    /// Whether the seal fits.
    pub fn holds(&self, seal: &Seal) -> bool {
        let Some(personal) = self.personal() else {
            return false;
        };
        let sealed = seal::sealed_tail(self.link, personal.as_ref());
        let mut parts = Vec::with_capacity(8);
        let mut at = 0;
        for range in self.values.iter().flatten() {
            // Members in another order than the gateway's are not the gateway's.
            let Some(before) = self.text.get(at..range.start) else {
                return false;
            };
            parts.extend([before, "null"]);
            at = range.end;
        }
        let Some(rest) = self.text.get(at..self.body) else {
            return false;
        };
        parts.extend([rest, &sealed]);
        unhex(self.mac) == Some(seal.of(&parts))
    }

    /// The digest of its persons, `Some(None)` when there are none; `None` when what stands there cannot be.
    #[allow(clippy::option_option, reason = "unreadable, nobody, somebody")]
    fn personal(&self) -> Option<Option<[u8; 32]>> {
        let named = self.values.iter().any(Option::is_some);
        match self.persons {
            Persons::None => (!named).then_some(None),
            Persons::Salted(salt) => {
                let salt: [u8; SALT_BYTES] = unhex(salt)?;
                let value = |index: usize| {
                    let range = self.values.get(index)?.clone()?;
                    self.text.get(range)
                };
                let values = [0, 1, 2].map(|index| value(index).unwrap_or("null"));
                Some(Some(seal::personal_digest(&salt, values)))
            }
            Persons::Erased(digest) => {
                let digest: [u8; 32] = unhex(digest)?;
                (!named).then_some(Some(digest))
            }
        }
    }

    /// The same record without its persons; `None` when it has none.
    pub fn erased(&self) -> Option<String> {
        let Persons::Salted(_) = self.persons else {
            return None;
        };
        let digest = portcullis_audit::hex(&self.personal()??);
        let mut text = String::with_capacity(self.text.len() + digest.len());
        let mut at = 0;
        for range in self.values.iter().flatten() {
            text.push_str(self.text.get(at..range.start)?);
            text.push_str("null");
            at = range.end;
        }
        text.push_str(self.text.get(at..self.body)?);
        text.push_str(&seal::tail(self.link, Persons::Erased(&digest)));
        text.push_str(BEFORE_MAC);
        text.push_str(self.mac);
        text.push_str(AFTER_MAC);
        Some(text)
    }
}

/// Where a part of a text stands in it.
fn range(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

/// The `timestamp` with which every record begins.
pub(crate) fn time_of(line: &[u8]) -> Option<&str> {
    const LENGTH: usize = "2025-12-01T10:30:45.123Z".len();
    let time = line.strip_prefix(b"{\"timestamp\":\"")?.get(..LENGTH)?;
    std::str::from_utf8(time).ok()
}

/// A line as a new record of a chain of its own, sealed.
pub(crate) fn sealed(body: &str, link: Link<'_>, seal: &Seal) -> String {
    let open = body.strip_suffix('}').unwrap_or(body);
    let mac = seal.of(&[open, &seal::sealed_tail(link, None)]);
    let tail = seal::tail(link, Persons::None);
    [
        open,
        &tail,
        BEFORE_MAC,
        &portcullis_audit::hex(&mac),
        AFTER_MAC,
    ]
    .concat()
}
