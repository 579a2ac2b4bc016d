//! Gzip, for answers that a gateway has to refuse.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The pieces as one gzip stream.
pub(crate) fn compress(pieces: &[Bytes]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into memory cannot fail; if it did, an empty body would show in any test.
    let written = pieces.iter().try_for_each(|piece| encoder.write_all(piece));
    written
        .and_then(|()| encoder.finish())
        .unwrap_or_default()
        .into()
}
