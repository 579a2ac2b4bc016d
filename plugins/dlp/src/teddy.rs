//! Finds where any of many short byte strings could stand, sixteen positions at once: Teddy, as Hyperscan and aho-corasick call it.
//!
//! Of each string three neighboring bytes are its print. Prints share buckets, eight to a group; for each byte of a print two tables of sixteen
//! entries say which buckets have its low and its high half, and a swizzle looks both up for sixteen bytes. A position whose three bytes are
//! all in one bucket is a candidate: some are none, and whoever asks looks again there.

use crate::drive::padded;
use portcullis_pattern::ByteSet;
#[cfg(any(target_feature = "simd128", target_feature = "ssse3", test))]
use wide::u8x16;

/// Bytes of a print.
pub(crate) const PRINT: usize = 3;

/// Positions that are looked at with one call.
pub(crate) const POSITIONS: usize = 64;

/// Positions of one register.
const LANES: usize = 16;

/// The bytes that it takes to look at so many positions.
const STRETCH: usize = LANES + PRINT - 1;

/// Buckets of a group: the bits of a byte.
const BUCKETS: usize = 8;

/// The halves of the bytes that can stand at one place of a print: a bit for each low half, then one for each high half.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Halves(u32);

impl Halves {
    const ANY: Self = Self(u32::MAX);

    fn of(set: ByteSet) -> Self {
        set.iter()
            .fold(Self::default(), |halves, byte| halves.or(Self::one(byte)))
    }

    const fn one(byte: u8) -> Self {
        Self(1 << (byte & 15) | 0x1_0000 << (byte >> 4))
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has_low(self, half: u32) -> bool {
        self.0 >> half & 1 == 1
    }

    const fn has_high(self, half: u32) -> bool {
        self.0 >> (16 + half) & 1 == 1
    }

    /// How much of a text has such halves.
    fn frequency(self) -> f32 {
        let mut sum = 0;
        let mut high = self.0 >> 16;
        while high != 0 {
            let row = FREQUENCIES.get(high.trailing_zeros() as usize);
            for (sums, shift) in row.into_iter().flatten().zip([0, 4, 8, 12]) {
                let quarter = self.0 >> shift & 15;
                sum += sums.get(quarter as usize).map_or(0, |sum| u32::from(*sum));
            }
            high &= high - 1;
        }
        sum as f32 / FREQUENCIES_SUM
    }
}

/// What can stand at the places of a print.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Print([Halves; PRINT]);

impl Print {
    /// Of bytes, in either case or as they are. Where there are too few, anything can stand.
    pub(crate) fn of(bytes: &[u8], any_case: bool) -> Self {
        let mut print = Self([Halves::ANY; PRINT]);
        for (place, byte) in print.0.iter_mut().zip(bytes) {
            *place = Halves::one(*byte);
            if any_case {
                *place = place
                    .or(Halves::one(byte.to_ascii_uppercase()))
                    .or(Halves::one(byte.to_ascii_lowercase()));
            }
        }
        print
    }

    /// Of sets of bytes; the same.
    pub(crate) fn of_sets(sets: &[ByteSet]) -> Self {
        let mut print = Self([Halves::ANY; PRINT]);
        for (place, set) in print.0.iter_mut().zip(sets) {
            *place = Halves::of(*set);
        }
        print
    }
}

/// Prints that share a bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    places: [Halves; PRINT],
    frequencies: [f32; PRINT],
    /// Their product: how many positions of a text are its candidates.
    share: f32,
}

impl Bucket {
    /// With one more print.
    fn with(&self, Print(added): &Print) -> Self {
        let mut bucket = *self;
        let places = bucket.places.iter_mut().zip(&mut bucket.frequencies);
        for ((place, frequency), added) in places.zip(added) {
            let both = place.or(*added);
            if both != *place {
                *place = both;
                *frequency = both.frequency();
            }
        }
        bucket.share = bucket.frequencies.iter().product();
        bucket
    }

    fn has(&self, Print(added): &Print) -> bool {
        let places = self.places.iter().zip(added);
        places.fold(true, |all, (place, added)| {
            all & (place.or(*added) == *place)
        })
    }
}

/// Gives prints their buckets, so that few positions of a text are candidates.
#[derive(Debug)]
pub(crate) struct Builder<const GROUPS: usize> {
    buckets: [[Bucket; BUCKETS]; GROUPS],
}

impl<const GROUPS: usize> Builder<GROUPS> {
    /// Without prints.
    pub(crate) fn new() -> Self {
        Self {
            buckets: [[Bucket::default(); BUCKETS]; GROUPS],
        }
    }

    /// Takes one of these prints in, each with how often it leads to a second look: that which makes the fewest candidates. Returns its index.
    pub(crate) fn add(&mut self, prints: impl Iterator<Item = (Print, f32)>) -> Option<usize> {
        let mut best: Option<(f32, usize, usize, Bucket)> = None;
        for (index, (print, cost)) in prints.enumerate() {
            // It can only cost more.
            if best.as_ref().is_some_and(|(least, ..)| cost >= *least) {
                continue;
            }
            let buckets = self.buckets.as_flattened();
            // Where it adds nothing is the best place.
            let known = buckets.iter().position(|bucket| bucket.has(&print));
            let from = known.unwrap_or(0);
            let to = known.map_or(buckets.len(), |place| place + 1);
            let tried = buckets.iter().enumerate().take(to).skip(from);
            for (place, bucket) in tried {
                let with = bucket.with(&print);
                let more = with.share - bucket.share + cost;
                if best.as_ref().is_none_or(|(least, ..)| more < *least) {
                    best = Some((more, index, place, with));
                }
            }
        }
        let (_, index, place, with) = best?;
        if let Some(bucket) = self.buckets.as_flattened_mut().get_mut(place) {
            *bucket = with;
        }
        Some(index)
    }

    /// About how many of a text's positions are candidates.
    pub(crate) fn share(&self) -> f32 {
        let buckets = self.buckets.as_flattened().iter();
        buckets.map(|bucket| bucket.share).sum()
    }

    /// Done.
    pub(crate) fn build(&self) -> Teddy<GROUPS> {
        let mut teddy = Teddy {
            groups: [Group::default(); GROUPS],
            #[cfg(any(not(any(target_feature = "simd128", target_feature = "ssse3")), test))]
            bytes: Box::new([[0; 256]; PRINT]),
        };
        for (group, buckets) in teddy.groups.iter_mut().zip(&self.buckets) {
            for (bucket, bit) in buckets.iter().zip(0..BUCKETS) {
                for (tables, halves) in group.0.iter_mut().zip(bucket.places) {
                    tables.set(halves, 1 << bit);
                }
            }
        }
        #[cfg(any(not(any(target_feature = "simd128", target_feature = "ssse3")), test))]
        for (group, shift) in teddy.groups.iter().zip((0..).step_by(BUCKETS)) {
            for (bytes, tables) in teddy.bytes.iter_mut().zip(&group.0) {
                for (buckets, byte) in bytes.iter_mut().zip(0..=u8::MAX) {
                    *buckets |= u16::from(tables.of(byte)) << shift;
                }
            }
        }
        teddy
    }
}

/// For each half of a byte the buckets that have it.
#[derive(Debug, Clone, Copy, Default)]
struct Tables {
    low: [u8; 16],
    high: [u8; 16],
}

impl Tables {
    fn set(&mut self, halves: Halves, bucket: u8) {
        for ((low, high), half) in self.low.iter_mut().zip(&mut self.high).zip(0..) {
            if halves.has_low(half) {
                *low |= bucket;
            }
            if halves.has_high(half) {
                *high |= bucket;
            }
        }
    }

    /// The buckets that have a byte.
    #[cfg(any(not(any(target_feature = "simd128", target_feature = "ssse3")), test))]
    fn of(&self, byte: u8) -> u8 {
        let low = self.low.get(usize::from(byte & 15)).copied();
        let high = self.high.get(usize::from(byte >> 4)).copied();
        low.unwrap_or_default() & high.unwrap_or_default()
    }
}

/// Eight buckets.
#[derive(Debug, Clone, Copy, Default)]
struct Group([Tables; PRINT]);

/// All prints.
#[derive(Debug)]
pub(crate) struct Teddy<const GROUPS: usize> {
    groups: [Group; GROUPS],
    /// For each byte of a print and each byte that there is the buckets that have it, where there is no swizzle.
    #[cfg(any(not(any(target_feature = "simd128", target_feature = "ssse3")), test))]
    bytes: Box<[[u16; 256]; PRINT]>,
}

impl<const GROUPS: usize> Teddy<GROUPS> {
    /// Which of the first [`POSITIONS`] positions are candidates, the first one's bit being the lowest. One whose print would reach beyond the
    /// bytes is none.
    #[inline(never)]
    pub(crate) fn look(&self, bytes: &[u8]) -> u64 {
        let mut found = 0;
        let mut shift = 0;
        let mut rest = bytes;
        while let Some(stretch) = rest.first_chunk::<STRETCH>() {
            found |= u64::from(self.sixteen(stretch)) << shift;
            shift += LANES;
            if shift == POSITIONS {
                return found;
            }
            rest = rest.get(LANES..).unwrap_or_default();
        }
        let positions = (rest.len() + 1).saturating_sub(PRINT);
        if positions == 0 {
            return found;
        }
        // What is left is looked at together with what stands before it, or with nothing behind it.
        let left = match bytes.last_chunk::<STRETCH>() {
            Some(stretch) => self.sixteen(stretch) >> (LANES - positions),
            None => self.sixteen(&lengthened(rest)) & !(u32::MAX << positions),
        };
        found | u64::from(left) << shift
    }

    /// The candidates among sixteen positions.
    #[cfg(any(target_feature = "simd128", target_feature = "ssse3"))]
    #[inline]
    fn sixteen(&self, stretch: &[u8; STRETCH]) -> u32 {
        self.sixteen_swizzled(stretch)
    }

    /// The same where there is no swizzle.
    #[cfg(not(any(target_feature = "simd128", target_feature = "ssse3")))]
    #[inline]
    fn sixteen(&self, stretch: &[u8; STRETCH]) -> u32 {
        self.sixteen_one_by_one(stretch)
    }

    #[cfg(any(target_feature = "simd128", target_feature = "ssse3", test))]
    #[inline]
    fn sixteen_swizzled(&self, stretch: &[u8; STRETCH]) -> u32 {
        let ([first @ .., _, _], [_, second @ .., _], [_, _, third @ ..]) =
            (stretch, stretch, stretch);
        let halves = |bytes: &[u8; LANES]| {
            let bytes = u8x16::new(*bytes);
            (bytes & u8x16::splat(15), bytes >> 4)
        };
        let (first, second, third) = (halves(first), halves(second), halves(third));
        let mut found = u8x16::ZERO;
        for Group([one, two, three]) in &self.groups {
            let look = |tables: &Tables, (low, high): (u8x16, u8x16)| {
                u8x16::new(tables.low).shuffle(low) & u8x16::new(tables.high).shuffle(high)
            };
            found |= look(one, first) & look(two, second) & look(three, third);
        }
        !found.simd_eq(u8x16::ZERO).to_bitmask() & u32::from(u16::MAX)
    }

    #[cfg(any(not(any(target_feature = "simd128", target_feature = "ssse3")), test))]
    #[inline]
    fn sixteen_one_by_one(&self, stretch: &[u8; STRETCH]) -> u32 {
        let mut found = 0;
        let [one, two, three] = &*self.bytes;
        let of = |table: &[u16; 256], byte: u8| table.get(usize::from(byte)).map_or(0, |all| *all);
        for ([first, second, third], position) in stretch.array_windows::<PRINT>().zip(0..) {
            let buckets = of(one, *first) & of(two, *second) & of(three, *third);
            found |= u32::from(buckets != 0) << position;
        }
        found
    }
}

/// Fewer bytes than a stretch has, with nothing behind them.
fn lengthened(bytes: &[u8]) -> [u8; STRETCH] {
    let mut stretch = [0; STRETCH];
    let (known, rest) = bytes.split_at_checked(LANES).unwrap_or((bytes, &[]));
    if let Some(place) = stretch.first_chunk_mut() {
        *place = known
            .first_chunk()
            .copied()
            .unwrap_or_else(|| padded(known));
    }
    if let (Some(place), Some(last)) = (stretch.get_mut(LANES), rest.first()) {
        *place = *last;
    }
    stretch
}

/// How often text has a byte, about: prose, code, JSON and logs.
const fn weight(byte: u8) -> u16 {
    match byte {
        b' ' => 100,
        b'e' => 80,
        b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 50,
        b'l' | b'c' | b'd' | b'u' | b'p' | b'm' => 25,
        b'0'..=b'9' => 15,
        b'h' | b'f' | b'g' | b'b' | b'y' | b'v' | b'w' | b'k' => 14,
        b'-' | b'"' | b':' | b'_' | b'/' | b'.' | b'\'' | b',' | b'\n' | b'(' | b')' => 12,
        b'A'..=b'Z' | b'=' => 6,
        b'!'..=b'~' => 4,
        _ => 1,
    }
}

/// Of all bytes.
const FREQUENCIES_SUM: f32 = 1400.0;

/// Sums of weights: by the high half of bytes, by which four of the low halves, by which of these four.
const FREQUENCIES: [[[u16; 16]; 4]; 16] = frequencies();

const fn frequencies() -> [[[u16; 16]; 4]; 16] {
    let mut rows = [[[0; 16]; 4]; 16];
    let mut rest: &mut [[u16; 16]] = rows.as_flattened_mut();
    let mut first = 0_u8;
    while let [sums, others @ ..] = rest {
        let mut places: &mut [u16] = sums;
        let mut set = 0;
        while let [place, behind @ ..] = places {
            let mut bit = 0;
            while bit < 4 {
                if set >> bit & 1 == 1 {
                    *place += weight(first + bit);
                }
                bit += 1;
            }
            set += 1;
            places = behind;
        }
        first = first.wrapping_add(4);
        rest = others;
    }
    rows
}

/// How often text has these bytes one after the other, about; in either case or as they are.
pub(crate) fn frequency(bytes: &[u8], any_case: bool) -> f32 {
    let of = |byte: &u8| {
        let lower = weight(byte.to_ascii_lowercase());
        let upper = weight(byte.to_ascii_uppercase());
        match any_case && byte.is_ascii_alphabetic() {
            true => f32::from(lower + upper),
            false => f32::from(weight(*byte)),
        }
    };
    let bytes = bytes.iter().map(of);
    bytes.map(|often| often / FREQUENCIES_SUM).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Every string is found, both ways find the same, and what stands behind the bytes does not matter.
        #[test]
        fn every_print_is_a_candidate_wherever_it_stands(
            words in prop::collection::vec(("[a-zA-Z0-9_=-]{3}", any::<bool>()), 1..40),
            text in prop::collection::vec(any::<u8>(), 0..140),
            places in prop::collection::vec((0usize..140, any::<prop::sample::Index>()), 0..8),
        ) {
            let mut builder = Builder::<2>::new();
            for (word, any_case) in &words {
                builder.add([(Print::of(word.as_bytes(), *any_case), 0.0)].into_iter());
            }
            let teddy = builder.build();
            let mut text = text;
            for (at, word) in &places {
                let (word, any_case) = word.get(&words);
                let word = if *any_case { word.to_uppercase() } else { word.clone() };
                if let Some(place) = text.get_mut(*at..at + PRINT) {
                    place.copy_from_slice(word.as_bytes());
                }
            }
            let found = teddy.look(&text);
            for (at, bytes) in text.windows(PRINT).take(POSITIONS).enumerate() {
                let stands = words.iter().any(|(word, any_case)| {
                    bytes == word.as_bytes() || *any_case && bytes.eq_ignore_ascii_case(word.as_bytes())
                });
                prop_assert!(!stands || found >> at & 1 == 1, "{} {:?}", at, bytes);
                let mut alone = [0; STRETCH];
                alone[..PRINT].copy_from_slice(bytes);
                prop_assert_eq!(teddy.sixteen_swizzled(&alone) & 1, (found >> at & 1) as u32);
                prop_assert_eq!(teddy.sixteen_one_by_one(&alone) & 1, (found >> at & 1) as u32);
            }
            let positions = (text.len() + 1).saturating_sub(PRINT);
            prop_assert!(positions >= POSITIONS || found >> positions == 0);
        }
    }
}
