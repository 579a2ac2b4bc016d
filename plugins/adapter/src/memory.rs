//! Comparing bytes, as the compiler calls for it: the C library's own goes byte by byte, at some twenty instructions each.

#![allow(unsafe_code)]

use core::arch::wasm32::{i8x16_all_true, i8x16_bitmask, i8x16_eq, v128, v128_load};

/// Bytes of a register.
const LANES: usize = 16;

/// C17, 7.24.4.1.
///
/// # Safety
/// Both point to that many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, length: usize) -> i32 {
    let mut at = 0;
    while length - at >= LANES {
        // SAFETY: so many bytes are there; a v128 is loaded from any address.
        let same = unsafe {
            i8x16_eq(
                v128_load(one.add(at).cast::<v128>()),
                v128_load(other.add(at).cast::<v128>()),
            )
        };
        if !i8x16_all_true(same) {
            at += i8x16_bitmask(same).trailing_ones() as usize;
            // SAFETY: the byte is one of those just loaded.
            return unsafe { difference(one, other, at) };
        }
        at += LANES;
    }
    // SAFETY: so many bytes are there.
    if length - at >= 8 && unsafe { same::<u64>(one, other, at) } {
        at += 8;
    }
    // SAFETY: as before.
    if length - at >= 4 && unsafe { same::<u32>(one, other, at) } {
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
/// Both point to as many bytes behind `at` as `T` has.
unsafe fn same<T: Copy + PartialEq>(one: *const u8, other: *const u8, at: usize) -> bool {
    // SAFETY: as the caller says.
    unsafe {
        one.add(at).cast::<T>().read_unaligned() == other.add(at).cast::<T>().read_unaligned()
    }
}

/// # Safety
/// Both point to more bytes than `at`.
const unsafe fn difference(one: *const u8, other: *const u8, at: usize) -> i32 {
    // SAFETY: as the caller says.
    unsafe { *one.add(at) as i32 - *other.add(at) as i32 }
}
