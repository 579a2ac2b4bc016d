//! What the tests of this room share: sinks that remember, and that redact, and ways to cut bodies.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod written;

use portcullis_policy::{Edit, Reason, Refusal, Text, TextId};
use portcullis_wire::{Released, RequestReader, ResponseReader, TextSink};
use std::collections::BTreeMap;

/// What stands for a redacted needle. It needs escaping, so that wrong escaping shows.
pub const MARK: &str = "[\"gone\"\\]";

/// A text as it was given.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Given {
    pub text: String,
    pub ended: bool,
    /// Where the search goes on.
    searched: usize,
}

/// Remembers texts, redacts needles in them, refuses on others. Holds what may be the beginning of a needle.
#[derive(Debug, Default)]
pub struct Sink {
    pub texts: BTreeMap<TextId, Given>,
    pub order: Vec<TextId>,
    pub needles: Vec<String>,
    pub refuse: Option<String>,
    pub matches: usize,
    /// See [`TextSink::numbers_from`].
    pub numbers_from: Option<usize>,
}

impl Sink {
    pub fn redacting(needles: &[&str]) -> Self {
        Self {
            needles: needles.iter().map(|needle| (*needle).to_owned()).collect(),
            ..Self::default()
        }
    }

    pub fn refusing(needle: &str) -> Self {
        Self {
            refuse: Some(needle.to_owned()),
            ..Self::default()
        }
    }

    /// All texts in the order in which they began.
    pub fn texts(&self) -> Vec<&str> {
        self.order
            .iter()
            .map(|id| self.texts[id].text.as_str())
            .collect()
    }

    pub fn sorted(&self) -> Vec<&str> {
        let mut texts = self.texts();
        texts.sort_unstable();
        texts
    }

    pub fn all_ended(&self) -> bool {
        self.texts.values().all(|given| given.ended)
    }
}

impl TextSink for Sink {
    fn numbers_from(&self) -> Option<usize> {
        self.numbers_from
    }

    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        let given = self.texts.entry(text.id).or_insert_with(|| {
            self.order.push(text.id);
            Given::default()
        });
        assert!(
            !given.ended,
            "a piece after the last one of {:?}",
            given.text
        );
        given.text.push_str(text.piece);
        given.ended = text.last;
        if let Some(needle) = &self.refuse
            && given.text.contains(needle.as_str())
        {
            return Err(Refusal::new(Reason::ResponseBlocked, "found"));
        }
        loop {
            let rest = given.text.get(given.searched..).unwrap();
            let found = self
                .needles
                .iter()
                .filter_map(|needle| Some((rest.find(needle.as_str())?, needle.len())))
                .min();
            let Some((at, len)) = found else { break };
            let start = given.searched + at;
            edits.push(Edit {
                text: text.id,
                range: start..start + len,
                replacement: MARK.to_owned(),
            });
            self.matches += 1;
            given.searched = start + len;
        }
        let rest = given.text.get(given.searched..).unwrap();
        let undecided = rest.char_indices().map(|(at, _)| at).find(|at| {
            let tail = rest.get(*at..).unwrap();
            self.needles.iter().any(|needle| needle.starts_with(tail))
        });
        Ok(undecided
            .map(|at| given.searched + at)
            .filter(|_| !text.last))
    }
}

/// Cuts bytes into chunks of the sizes given, over and over.
pub fn cut<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut sizes = sizes.iter().copied().cycle();
    let mut rest = bytes;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(sizes.next().unwrap_or(rest.len()).clamp(1, rest.len()));
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

/// Reads a whole request; what it means and what would leave.
pub fn request(
    mut reader: RequestReader,
    body: &[u8],
    sizes: &[usize],
    sink: &mut Sink,
) -> Result<(portcullis_policy::RequestMeaning, Vec<u8>), Refusal> {
    for chunk in cut(body, sizes) {
        reader.push(chunk, sink)?;
    }
    let meaning = reader.finish(sink)?;
    Ok((meaning, reader.edited().unwrap_or_else(|| body.to_vec())))
}

/// Reads a whole response; what left.
pub fn response(
    reader: &mut ResponseReader,
    body: &[u8],
    sizes: &[usize],
    sink: &mut dyn TextSink,
) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::new();
    for chunk in cut(body, sizes) {
        match reader.push(chunk, sink)? {
            Released::AsIs => out.extend_from_slice(chunk),
            Released::Bytes(bytes) => out.extend(bytes),
        }
    }
    match reader.finish(sink)? {
        Released::AsIs => out.extend_from_slice(body),
        Released::Bytes(bytes) => out.extend(bytes),
    }
    Ok(out)
}
