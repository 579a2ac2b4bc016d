//! The serialized form in which the ABI passes lists of pairs (headers, trailers, metadata) between host and guest:
//! a count, then the sizes of every name and value, then the bytes, each followed by a NUL; all integers little endian.

/// Longest serialized list that Envoy accepts from a guest; a longer one counts as empty
/// (`PROXY_WASM_HOST_PAIRS_MAX_BYTES`).
pub const PAIRS_BYTES_MAX: usize = 1024 * 1024;
/// Most entries that Envoy accepts from a guest; a longer list counts as empty (`PROXY_WASM_HOST_PAIRS_MAX_COUNT`).
pub const PAIRS_COUNT_MAX: u32 = 1024;

/// An owned list of pairs.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Serializes pairs for a guest.
pub(crate) fn encode<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone) -> Vec<u8> {
    let count = pairs.clone().count();
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&length(count));
    for (name, value) in pairs.clone() {
        bytes.extend_from_slice(&length(name.len()));
        bytes.extend_from_slice(&length(value.len()));
    }
    for (name, value) in pairs {
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    bytes
}

/// What a guest passed. As in Envoy anything malformed or beyond the limits is an empty list, not an error.
pub(crate) fn decode(bytes: &[u8]) -> Pairs {
    try_decode(bytes).unwrap_or_default()
}

fn try_decode(bytes: &[u8]) -> Option<Pairs> {
    if bytes.len() > PAIRS_BYTES_MAX {
        return None;
    }
    let mut rest = bytes;
    let count = take_u32(&mut rest)?;
    if count > PAIRS_COUNT_MAX {
        return None;
    }
    let sizes = (0..count)
        .map(|_| Some((take_u32(&mut rest)?, take_u32(&mut rest)?)))
        .collect::<Option<Vec<_>>>()?;
    let pairs = sizes
        .into_iter()
        .map(|(name, value)| Some((take_text(&mut rest, name)?, take_text(&mut rest, value)?)))
        .collect::<Option<Vec<_>>>()?;
    rest.is_empty().then_some(pairs)
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_le_bytes(*head))
}

fn take_text(rest: &mut &[u8], length: u32) -> Option<Vec<u8>> {
    let (head, tail) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let (nul, tail) = tail.split_first()?;
    *rest = tail;
    (*nul == 0).then(|| head.to_vec())
}

fn length(size: usize) -> [u8; 4] {
    u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(pairs: &[(&str, &str)]) -> Vec<u8> {
        encode(pairs.iter().map(|(k, v)| (k.as_bytes(), v.as_bytes())))
    }

    #[test]
    fn what_is_encoded_decodes() {
        let bytes = encoded(&[("a", "1"), ("b", ""), ("a", "22")]);
        assert_eq!(decode(&bytes).len(), 3);
        assert_eq!(decode(&bytes)[2], (b"a".to_vec(), b"22".to_vec()));
    }

    #[test]
    fn anything_malformed_is_an_empty_list() {
        let good = encoded(&[("a", "1")]);
        for cut in 0..good.len() {
            assert!(decode(&good[..cut]).is_empty());
        }
        let mut longer = good.clone();
        longer.push(0);
        assert!(decode(&longer).is_empty());
        assert!(decode(&u32::MAX.to_le_bytes()).is_empty());
    }

    #[test]
    fn more_than_1024_pairs_are_none() {
        let pairs = vec![("k", "v"); 1024];
        assert_eq!(decode(&encoded(&pairs)).len(), 1024);
        let pairs = vec![("k", "v"); 1025];
        assert!(decode(&encoded(&pairs)).is_empty());
    }

    #[test]
    fn more_than_a_mebibyte_is_none() {
        let value = "v".repeat(PAIRS_BYTES_MAX - 4 - 8 - 3);
        assert_eq!(decode(&encoded(&[("k", &value)])).len(), 1);
        let value = value + "v";
        assert!(decode(&encoded(&[("k", &value)])).is_empty());
    }
}
