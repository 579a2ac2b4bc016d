//! Sets of characters.

/// The largest Unicode scalar value.
const LAST: u32 = 0x10_FFFF;

/// A set of Unicode scalar values: ranges, both ends included, in order, with gaps between them. Surrogates may lie inside a range; no text
/// holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chars(Vec<(u32, u32)>);

impl Chars {
    /// From ranges in any order, overlapping or not.
    pub(crate) fn new(mut ranges: Vec<(u32, u32)>) -> Self {
        portcullis_policy::sort::sort_by(&mut ranges, Ord::cmp);
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last)
                }
                Some(_) | None => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// One character.
    pub(crate) fn one(char: char) -> Self {
        Self(vec![(u32::from(char), u32::from(char))])
    }

    /// Every character but those of the set.
    #[must_use]
    pub(crate) fn negate(&self) -> Self {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut next = 0;
        for (first, last) in &self.0 {
            if *first > next {
                gaps.push((next, first - 1));
            }
            next = last + 1;
        }
        if next <= LAST {
            gaps.push((next, LAST));
        }
        Self(gaps)
    }

    /// With each ASCII letter its other case. As in regex-lite, other letters have one case only.
    #[must_use]
    pub(crate) fn fold(self) -> Self {
        let mut ranges = self.0;
        for index in 0..ranges.len() {
            let Some((first, last)) = ranges.get(index).copied() else {
                break;
            };
            for (from, to, other) in [('a', 'z', 'A'), ('A', 'Z', 'a')] {
                let (low, high) = (first.max(u32::from(from)), last.min(u32::from(to)));
                if low <= high {
                    ranges.push((
                        low - u32::from(from) + u32::from(other),
                        high - u32::from(from) + u32::from(other),
                    ));
                }
            }
        }
        Self::new(ranges)
    }

    /// The ranges, in order.
    pub(crate) fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }
}
