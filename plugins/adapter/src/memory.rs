//! Comparing bytes, as the compiler calls for it: the C library's own goes byte by byte, at some twenty instructions each.

#![allow(unsafe_code)]

use core::arch::wasm32::{i8x16_all_true, i8x16_bitmask, i8x16_eq, v128, v128_and, v128_load};

/// Bytes of a register.
const LANES: usize = 16;

/// C17, 7.24.4.1.
///
/// # Safety
/// Both point to that many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    // The last portion is one that ends where both do, and what it has of the one before is the same.
    let last = |lanes: usize, at: usize| at.min(length - lanes);
    let mut at = 0;
    // SAFETY: whoever calls it has seen that so many bytes are there; a v128 is loaded from any address.
    let same = |at: usize| unsafe {
        i8x16_eq(
            v128_load(one.add(at).cast::<v128>()),
            v128_load(other.add(at).cast::<v128>()),
        )
    };
    while length - at > 2 * LANES && i8x16_all_true(v128_and(same(at), same(at + LANES))) {
        at += 2 * LANES;
    }
    while length >= LANES && at < length {
        at = last(LANES, at);
        let same = same(at);
        if !i8x16_all_true(same) {
            at += i8x16_bitmask(same).trailing_ones() as usize;
            // SAFETY: the byte is one of those just loaded.
            return unsafe { difference(one, other, at) };
        }
        at += LANES;
    }
    while length >= 8 && at < length {
        at = last(8, at);
        // SAFETY: so many bytes are there.
        let differing = unsafe { load::<u64>(one, at) ^ load::<u64>(other, at) };
        if differing != 0 {
            at += differing.trailing_zeros() as usize / 8;
            // SAFETY: the byte is one of those just loaded.
            return unsafe { difference(one, other, at) };
        }
        at += 8;
    }
    while length >= 4 && at < length {
        at = last(4, at);
        // SAFETY: so many bytes are there.
        let differing = unsafe { load::<u32>(one, at) ^ load::<u32>(other, at) };
        if differing != 0 {
            at += differing.trailing_zeros() as usize / 8;
            // SAFETY: the byte is one of those just loaded.
            return unsafe { difference(one, other, at) };
        }
        at += 4;
    }
    while at < length {
        // SAFETY: it is one of them.
        let difference = unsafe { difference(one, other, at) };
        if difference != 0 {
            return difference;
        }
        at += 1;
    }
    0
}

/// # Safety
/// It points to as many bytes behind `at` as `T` has.
unsafe fn load<T: Copy>(bytes: *const u8, at: usize) -> T {
    // SAFETY: as the caller says.
    unsafe { bytes.add(at).cast::<T>().read_unaligned() }
}

/// # Safety
/// Both point to more bytes than `at`.
const unsafe fn difference(one: *const u8, other: *const u8, at: usize) -> i32 {
    // SAFETY: as the caller says.
    unsafe { *one.add(at) as i32 - *other.add(at) as i32 }
}
