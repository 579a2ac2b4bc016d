//! Other ways to cut the messages of a case: where bytes are cut must mean nothing.

use crate::random::Random;
use crate::resolve::{Call, Reply};

/// How a body is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Every byte by itself.
    Bytes,
    /// In one piece.
    Whole,
    /// In up to so many pieces, some of them empty, by a seed.
    Random(u64),
}

/// Longest body that is cut into its bytes: each is a callback.
pub const BYTES_MAX: usize = 1500;

/// Most pieces of a random cut.
const PIECES_MAX: u64 = 8;

/// Whether a case counts events, so that another cut would make it another case.
#[must_use]
pub fn counts_events(call: &Call, reply: &Reply) -> bool {
    call.leaves_after.is_some() || reply.cut_after.is_some() || reply.client_leaves_after.is_some()
}

/// Cuts the bodies of an exchange anew.
pub fn cut(split: Split, call: &mut Call, reply: &mut Reply) {
    if counts_events(call, reply) {
        return;
    }
    call.pieces = pieces(split, &call.body(), 1);
    if let Some(response) = &mut reply.response {
        response.pieces = pieces(split, &response.body(), 2);
    }
}

fn pieces(split: Split, body: &[u8], salt: u64) -> Vec<Vec<u8>> {
    if body.is_empty() {
        return Vec::new();
    }
    match split {
        Split::Bytes if body.len() <= BYTES_MAX => body.iter().map(|byte| vec![*byte]).collect(),
        Split::Bytes | Split::Whole => vec![body.to_vec()],
        Split::Random(seed) => {
            let mut random = Random::new(seed ^ (salt << 32));
            let mut cuts: Vec<usize> = (0..random.below(PIECES_MAX))
                .map(|_| random.index(body.len() + 1))
                .collect();
            cuts.sort_unstable();
            let ends = cuts.iter().copied().chain([body.len()]);
            let starts = [0].into_iter().chain(cuts.iter().copied());
            starts
                .zip(ends)
                .map(|(from, to)| body.get(from..to).unwrap_or_default().to_vec())
                .collect()
        }
    }
}
