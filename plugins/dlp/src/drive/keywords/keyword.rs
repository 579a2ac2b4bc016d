//! One of the keywords: whether it stands somewhere, and by what it is found.

use super::{Concerned, LOOK, ONE_CASE, SHORT, folded};

/// A byte string that is looked for.
#[derive(Debug, Clone)]
pub(in crate::drive) struct Keyword {
    /// As it is written; in lower case when any case will do.
    pub(super) bytes: &'static [u8],
    pub(super) any_case: bool,
    /// Which detectors it concerns.
    pub(in crate::drive) concerned: Vec<Concerned>,
    /// Where in it the look is taken.
    pub(super) look_at: usize,
    /// Its first bytes, as one number…
    head: u64,
    /// …the bits that can be set or not…
    either: u64,
    /// …and those that there are.
    known: u64,
}

/// Bytes of a keyword that are compared at once.
const HEAD: usize = size_of::<u64>();

impl Keyword {
    pub(super) fn new(bytes: &'static [u8], any_case: bool, look_at: usize, of: Concerned) -> Self {
        let mut parts = [[0; HEAD]; 3];
        let [head, either, known] = &mut parts;
        for (((byte, head), either), known) in bytes.iter().zip(head).zip(either).zip(known) {
            let is_either = any_case && byte.is_ascii_alphabetic();
            (*head, *known) = (*byte, u8::MAX);
            *either = if is_either { 0x20 } else { 0 };
        }
        let [head, either, known] = parts.map(u64::from_le_bytes);
        Self {
            bytes,
            any_case,
            concerned: vec![of],
            look_at,
            head,
            either,
            known,
        }
    }

    /// Whether it stands at the beginning of the bytes, as far as they go.
    #[inline]
    pub(super) fn begins(&self, bytes: &[u8]) -> bool {
        match bytes.first_chunk() {
            Some(first) => {
                let first = u64::from_le_bytes(*first);
                (first | self.either) & self.known == self.head
                    && (self.bytes.len() <= HEAD || self.begins_slowly(bytes))
            }
            None => self.begins_slowly(bytes),
        }
    }

    /// The same, byte by byte.
    #[inline(never)]
    fn begins_slowly(&self, bytes: &[u8]) -> bool {
        let len = bytes.len().min(self.bytes.len());
        let (Some(found), Some(wanted)) = (bytes.get(..len), self.bytes.get(..len)) else {
            return false;
        };
        if self.any_case {
            found.eq_ignore_ascii_case(wanted)
        } else {
            found == wanted
        }
    }

    /// What is looked for, in each case that it can have.
    pub(super) fn looks(&self) -> impl Iterator<Item = u32> {
        let mut look = [0; LOOK];
        let bytes = self.bytes.iter().skip(self.look_at);
        for (place, byte) in look.iter_mut().zip(bytes) {
            *place = *byte;
        }
        let cases = if self.any_case { 1 << LOOK } else { 1 };
        let is_short = self.bytes.len() - self.look_at < LOOK;
        (0..cases).map(move |upper| {
            let mut look = look;
            for (place, byte) in look.iter_mut().enumerate() {
                if upper >> place & 1 == 1 {
                    byte.make_ascii_uppercase();
                }
            }
            let look = u32::from_le_bytes(look);
            if is_short { look | SHORT } else { look }
        })
    }

    /// A byte before its look or behind it, or of it, without its case, and where it stands from there.
    pub(super) fn beside(&self) -> (u8, i8) {
        let before = self.look_at.checked_sub(1);
        let before = before.and_then(|at| Some((*self.bytes.get(at)?, -1)));
        let behind = self.bytes.get(self.look_at + LOOK);
        let behind = behind.map(|byte| (*byte, LOOK as i8));
        let (byte, at) = before.or(behind).unwrap_or((0, 0));
        (byte | ONE_CASE, at)
    }

    /// By what it is found: the same in lower case.
    pub(super) fn key(&self) -> u32 {
        self.looks().next().map_or(0, folded)
    }
}
