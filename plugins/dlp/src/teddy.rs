//! Finds where any of many short byte strings could stand, sixteen positions at once: Teddy, as Hyperscan and aho-corasick call it.
//!
//! Of each string three neighboring bytes are its print. Prints share buckets, eight to a group; for each byte of a print two tables of sixteen
//! entries say which buckets have its low and its high half, and a swizzle looks both up for sixteen bytes. A position whose three bytes are
//! all in one bucket is a candidate: some are none, and whoever asks looks again there.

use crate::drive::copy;
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

/// The bytes that it takes to look at [`POSITIONS`].
const BLOCK: usize = POSITIONS + PRINT - 1;

/// Buckets of a group: the bits of a byte.
pub(crate) const BUCKETS: usize = 8;

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
        let halves = |bits: u32| (0_u8..16).filter(move |half| bits >> half & 1 == 1);
        let bytes =
            halves(self.0 >> 16).flat_map(|high| halves(self.0).map(move |low| high << 4 | low));
        let sum: u16 = bytes.map(weight).sum();
        f32::from(sum) / WEIGHTS_SUM
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

    /// For each place the halves that can stand there, as a plan has them.
    #[cfg(test)]
    pub(crate) fn halves(&self) -> [u32; PRINT] {
        self.0.map(|Halves(halves)| halves)
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
    /// What it should have, at most.
    planned: [Halves; PRINT],
}

impl Bucket {
    /// With one more print.
    fn with(&self, Print(added): &Print) -> Self {
        let mut bucket = *self;
        for (place, added) in bucket.places.iter_mut().zip(added) {
            *place = place.or(*added);
        }
        bucket
    }

    /// How many positions of a text are its candidates, about.
    fn share(&self) -> f32 {
        self.places.iter().map(|place| place.frequency()).product()
    }

    /// Whether it has a print already, or should.
    fn plans(&self, Print(added): &Print) -> bool {
        let places = self.places.iter().zip(self.planned).zip(added);
        places.fold(true, |all, ((place, planned), added)| {
            let both = place.or(planned);
            all & (both.or(*added) == both)
        })
    }
}

/// Gives prints their buckets, so that few positions of a text are candidates.
#[derive(Debug)]
pub(crate) struct Builder {
    buckets: Vec<Bucket>,
}

impl Builder {
    /// Without prints, for so many groups.
    pub(crate) fn new(groups: usize) -> Self {
        Self {
            buckets: vec![Bucket::default(); groups * BUCKETS],
        }
    }

    /// Without prints, but with a plan: what each bucket should take in, if it comes.
    pub(crate) fn planned(plan: &[[u32; PRINT]]) -> Self {
        let buckets = plan.iter().map(|places| Bucket {
            planned: places.map(Halves),
            ..Bucket::default()
        });
        Self {
            buckets: buckets.collect(),
        }
    }

    /// Takes one of these prints in, each with how often it leads to a second look: that which makes the fewest candidates, or of those that are
    /// planned the one that is looked at least. Returns its index.
    pub(crate) fn add(&mut self, prints: &[(Print, f32)]) -> Option<usize> {
        let planned = |(_, (print, _)): &(usize, &(Print, f32))| self.plans(print).is_some();
        let known = prints.iter().enumerate().filter(planned);
        let known = known.min_by(|(_, (_, one)), (_, (_, other))| one.total_cmp(other));
        if let Some((index, (print, _))) = known {
            let place = self.plans(print)?;
            let bucket = self.buckets.get_mut(place)?;
            *bucket = bucket.with(print);
            return Some(index);
        }
        let mut best: Option<(f32, usize, usize)> = None;
        for (index, (print, cost)) in prints.iter().enumerate() {
            for (place, bucket) in self.buckets.iter().enumerate() {
                let more = bucket.with(print).share() - bucket.share() + cost;
                if best.as_ref().is_none_or(|(least, ..)| more < *least) {
                    best = Some((more, index, place));
                }
            }
        }
        let (_, index, place) = best?;
        let (print, _) = prints.get(index)?;
        let bucket = self.buckets.get_mut(place)?;
        *bucket = bucket.with(print);
        Some(index)
    }

    /// The first bucket that is to have a print.
    fn plans(&self, print: &Print) -> Option<usize> {
        self.buckets.iter().position(|bucket| bucket.plans(print))
    }

    /// About how many of a text's positions are candidates.
    pub(crate) fn share(&self) -> f32 {
        self.buckets.iter().map(Bucket::share).sum()
    }

    /// Done.
    pub(crate) fn build<const GROUPS: usize>(&self) -> Teddy<GROUPS> {
        let mut teddy = Teddy {
            groups: [Group::default(); GROUPS],
            #[cfg(any(not(any(target_feature = "simd128", target_feature = "ssse3")), test))]
            bytes: Box::new([[0; 256]; PRINT]),
        };
        for (group, buckets) in teddy.groups.iter_mut().zip(self.buckets.chunks(BUCKETS)) {
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
    /// Calls `found` for every [`POSITIONS`] positions of which some are candidates, with the first one and a bit for each, its bit being the lowest,
    /// for as long as it says so. A position whose print would reach beyond the bytes is none.
    #[inline]
    pub(crate) fn each(&self, bytes: &[u8], mut found: impl FnMut(usize, u64) -> bool) {
        let (mut rest, mut from) = (bytes, 0);
        let mut room;
        loop {
            let count = (rest.len() + 1).saturating_sub(PRINT).min(POSITIONS);
            if count == 0 {
                return;
            }
            let block = match rest.first_chunk() {
                Some(block) => block,
                None => {
                    room = lengthened(rest);
                    &room
                }
            };
            let positions = self.first(count, block) & u64::MAX >> (POSITIONS - count);
            if positions != 0 && !found(from, positions) || count < POSITIONS {
                return;
            }
            from += POSITIONS;
            rest = rest.get(POSITIONS..).unwrap_or_default();
        }
    }

    /// The candidates among so many positions, and perhaps some behind them.
    #[inline(always)]
    fn first(&self, count: usize, block: &[u8; BLOCK]) -> u64 {
        let quarter = |at: usize| {
            let stretch = block.get(at..).and_then(|rest| rest.first_chunk());
            stretch.map_or(0, |stretch| self.sixteen(stretch))
        };
        let low = quarter(0) | quarter(LANES) << LANES;
        if count <= 2 * LANES {
            return low.into();
        }
        let high = quarter(2 * LANES) | quarter(3 * LANES) << LANES;
        u64::from(low) | u64::from(high) << (2 * LANES)
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

/// Fewer bytes than a block has, with nothing behind them.
#[inline(never)]
pub(crate) fn lengthened<const BYTES: usize>(bytes: &[u8]) -> [u8; BYTES] {
    // What is copied is overwritten up to a whole register.
    let mut room = [0; POSITIONS + 2 * LANES];
    copy(&mut room, 0, bytes);
    room.first_chunk().copied().unwrap_or([0; BYTES])
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
const WEIGHTS_SUM: f32 = 1400.0;

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
    bytes.map(|often| often / WEIGHTS_SUM).product()
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
            let mut builder = Builder::new(2);
            for (word, any_case) in &words {
                builder.add(&[(Print::of(word.as_bytes(), *any_case), 0.0)]);
            }
            let teddy = builder.build::<2>();
            let mut text = text;
            for (at, word) in &places {
                let (word, any_case) = word.get(&words);
                let word = if *any_case { word.to_uppercase() } else { word.clone() };
                if let Some(place) = text.get_mut(*at..at + PRINT) {
                    place.copy_from_slice(word.as_bytes());
                }
            }
            let mut found = vec![false; text.len()];
            teddy.each(&text, |from, positions| {
                (0..POSITIONS).filter(|bit| positions >> bit & 1 == 1).for_each(|bit| found[from + bit] = true);
                true
            });
            for (at, bytes) in text.windows(PRINT).enumerate() {
                let stands = words.iter().any(|(word, any_case)| {
                    bytes == word.as_bytes() || *any_case && bytes.eq_ignore_ascii_case(word.as_bytes())
                });
                prop_assert!(!stands || found[at], "{} {:?}", at, bytes);
                let mut alone = [0; STRETCH];
                alone[..PRINT].copy_from_slice(bytes);
                prop_assert_eq!(teddy.sixteen_swizzled(&alone) & 1, u32::from(found[at]));
                prop_assert_eq!(teddy.sixteen_one_by_one(&alone) & 1, u32::from(found[at]));
            }
            let behind = (text.len() + 1).saturating_sub(PRINT);
            prop_assert!(!found[behind..].contains(&true));
        }
    }
}
