//! Comparing bytes, as the compiler calls for it: the C library's own goes byte by byte, at some twenty instructions each.

#![allow(unsafe_code)]

/// A register's worth of bytes where modules run; elsewhere, for the tests, a number as wide.
#[cfg(target_family = "wasm")]
type Register = core::arch::wasm32::v128;
#[cfg(not(target_family = "wasm"))]
type Register = u128;

/// C17, 7.24.4.1.
///
/// # Safety
/// Both point to that many bytes.
#[cfg(target_family = "wasm")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    // SAFETY: as the caller says.
    unsafe { compare(one, other, length) }
}

/// Below zero, zero or above it as `one` stands before `other`, is the same or stands behind it.
///
/// # Safety
/// Both point to that many bytes.
#[inline(always)]
unsafe fn compare(one: *const u8, other: *const u8, length: usize) -> i32 {
    let pair = Pair { one, other, length };
    let mut at = 0;
    // SAFETY: so many bytes are there, as the caller says.
    unsafe {
        let two = 2 * size_of::<Register>();
        while length - at > two && pair.two_registers_are_same(at) {
            at += two;
        }
        let differs = pair.go_on::<Register>(&mut at);
        let differs = differs.or_else(|| pair.go_on::<u64>(&mut at));
        let differs = differs.or_else(|| pair.go_on::<u32>(&mut at));
        let differs = differs.or_else(|| pair.go_on::<u8>(&mut at));
        differs.map_or(0, |at| {
            i32::from(*pair.one.add(at)) - i32::from(*pair.other.add(at))
        })
    }
}

/// Bytes that are compared at once.
trait Word: Copy {
    /// The index of the first byte that differs.
    fn differs(self, other: Self) -> Option<usize>;

    /// Loads it from any address.
    ///
    /// # Safety
    /// As many bytes are there.
    unsafe fn load(bytes: *const u8) -> Self {
        // SAFETY: as the caller says.
        unsafe { bytes.cast::<Self>().read_unaligned() }
    }
}

macro_rules! number_is_word {
    ($($number:ty),*) => {$(
        impl Word for $number {
            #[inline(always)]
            fn differs(self, other: Self) -> Option<usize> {
                let different = self ^ other;
                (different != 0).then(|| different.to_le().trailing_zeros() as usize / 8)
            }
        }
    )*};
}

number_is_word!(u8, u32, u64);
#[cfg(not(target_family = "wasm"))]
number_is_word!(u128);

#[cfg(target_family = "wasm")]
impl Word for Register {
    #[inline(always)]
    fn differs(self, other: Self) -> Option<usize> {
        use core::arch::wasm32::{i8x16_all_true, i8x16_bitmask, i8x16_eq};
        let same = i8x16_eq(self, other);
        (!i8x16_all_true(same)).then(|| i8x16_bitmask(same).trailing_ones() as usize)
    }
}

/// Two runs of bytes of one length.
#[derive(Clone, Copy)]
struct Pair {
    one: *const u8,
    other: *const u8,
    length: usize,
}

impl Pair {
    /// # Safety
    /// As many bytes are there from `at` on.
    #[inline(always)]
    unsafe fn two_registers_are_same(self, at: usize) -> bool {
        let Self { one, other, .. } = self;
        let next = at + size_of::<Register>();
        // SAFETY: as the caller says.
        let [first, second] = [at, next]
            .map(|at| unsafe { (Register::load(one.add(at)), Register::load(other.add(at))) });
        both_same(first, second)
    }

    /// Goes on from `at`, word by word; where they differ. The last word is one that ends where the bytes do: what it has of the one before is the
    /// same. Fewer bytes than a word has are left alone.
    ///
    /// # Safety
    /// `length` bytes are there.
    #[inline(always)]
    unsafe fn go_on<W: Word>(self, at: &mut usize) -> Option<usize> {
        let bytes = size_of::<W>();
        while self.length >= bytes && *at < self.length {
            *at = (*at).min(self.length - bytes);
            // SAFETY: a word's bytes are there from `at` on.
            let (one, other) =
                unsafe { (W::load(self.one.add(*at)), W::load(self.other.add(*at))) };
            if let Some(place) = one.differs(other) {
                return Some(*at + place);
            }
            *at += bytes;
        }
        None
    }
}

#[cfg(target_family = "wasm")]
#[inline(always)]
fn both_same(first: (Register, Register), second: (Register, Register)) -> bool {
    use core::arch::wasm32::{i8x16_all_true, i8x16_eq, v128_and};
    i8x16_all_true(v128_and(
        i8x16_eq(first.0, first.1),
        i8x16_eq(second.0, second.1),
    ))
}

#[cfg(not(target_family = "wasm"))]
const fn both_same(first: (Register, Register), second: (Register, Register)) -> bool {
    first.0 == first.1 && second.0 == second.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(one: &[u8], other: &[u8]) -> std::cmp::Ordering {
        assert_eq!(one.len(), other.len());
        // SAFETY: both have so many bytes.
        unsafe { compare(one.as_ptr(), other.as_ptr(), one.len()) }.cmp(&0)
    }

    #[test]
    fn each_byte_of_each_length_counts() {
        for length in 0..150 {
            let one: Vec<u8> = (0..=u8::MAX).cycle().skip(length).take(length).collect();
            assert!(order(&one, &one).is_eq(), "{length}");
            for at in 0..length {
                for changed in [0, 0x7F, 0x80, 0xFF] {
                    let mut other = one.clone();
                    other[at] = changed;
                    assert_eq!(order(&one, &other), one.cmp(&other), "{at} of {length}");
                    assert_eq!(order(&other, &one), other.cmp(&one), "{at} of {length}");
                }
            }
        }
    }

    proptest! {
        /// Few letters, so that much is the same, from any address.
        #[test]
        fn bytes_stand_as_slices_do(
            (one, other) in (0usize..300).prop_flat_map(|length| {
                let bytes = || prop::collection::vec(prop::sample::select(vec![0u8, 1, 0xFF]), length);
                (bytes(), bytes())
            }),
            same in 0usize..300,
            skipped in 0usize..20,
        ) {
            let mut other = other;
            let same = same.min(one.len());
            other[..same].copy_from_slice(&one[..same]);
            let skipped = skipped.min(one.len());
            let (one, other) = (&one[skipped..], &other[skipped..]);
            prop_assert_eq!(order(one, other), one.cmp(other));
        }
    }
}
