//! The modules' memory: blocks that were given back lie in lists by their size, from where the next of that size comes.
//!
//! An exchange takes and gives back hundreds of small blocks, nearly all of the same few sizes again and again. With the C library's allocator
//! beneath alone, that is a tenth of all that a small request executes, and each block comes from somewhere else in memory. A VM has
//! one thread, so the lists need no lock.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;

/// Sizes within one step share a list.
const STEP_BYTES: usize = 16;

/// Number of lists. Blocks of more than that many steps are left to the C library.
const LISTS: usize = 32;

/// Most blocks that wait in a list; what comes beyond goes back. So little more than 1 MiB of a VM's memory waits
/// for somebody who needs blocks of just its sizes.
const WAITING_MAX: u32 = 128;

/// A block in a list: where the next one is.
struct Waiting {
    next: *mut Waiting,
}

/// Blocks of one size.
#[derive(Clone, Copy)]
struct List {
    first: *mut Waiting,
    length: u32,
}

struct Heap {
    lists: UnsafeCell<[List; LISTS]>,
}

// SAFETY: a VM has one thread.
unsafe impl Sync for Heap {}

#[cfg(target_family = "wasm")]
#[global_allocator]
static HEAP: Heap = Heap::new();

impl Heap {
    const fn new() -> Self {
        let empty = List {
            first: null_mut(),
            length: 0,
        };
        Self {
            lists: UnsafeCell::new([empty; LISTS]),
        }
    }

    /// The list of a block, and the size of all blocks in it. `None` for blocks that have none. Nobody asks for blocks without bytes.
    const fn list_of(layout: Layout) -> Option<(usize, Layout)> {
        let index = layout.size().wrapping_sub(1) / STEP_BYTES;
        if index >= LISTS || layout.align() > STEP_BYTES {
            return None;
        }
        match Layout::from_size_align((index + 1) * STEP_BYTES, STEP_BYTES) {
            Ok(layout) => Some((index, layout)),
            Err(_) => None,
        }
    }

    /// SAFETY: whoever calls must have let go of the list before the next call.
    #[allow(
        clippy::mut_from_ref,
        reason = "one thread, and no call within another"
    )]
    unsafe fn list(&self, index: usize) -> Option<&mut List> {
        // SAFETY: see above.
        unsafe { (*self.lists.get()).get_mut(index) }
    }
}

// SAFETY: every block is the C library's, of the size that its list says, and is either in a list or with who asked for it. None is worth a copy at each of
// a thousand places.
unsafe impl GlobalAlloc for Heap {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((index, rounded)) = Self::list_of(layout) else {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc(layout) };
        };
        // SAFETY: the list is not used beyond this function, and what is in it are blocks that hold the next one's place.
        unsafe {
            match self.list(index) {
                Some(list) if !list.first.is_null() => {
                    let block = list.first;
                    list.first = (*block).next;
                    list.length -= 1;
                    block.cast()
                }
                Some(_) | None => System.alloc(rounded),
            }
        }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some((index, rounded)) = Self::list_of(layout) else {
            // SAFETY: as the caller promises.
            return unsafe { System.dealloc(block, layout) };
        };
        // SAFETY: as above; the block is at least as large and as aligned as what is written into it, and its owner is done with it.
        unsafe {
            match self.list(index) {
                Some(list) if list.length < WAITING_MAX => {
                    let waiting: *mut Waiting = block.cast();
                    waiting.write(Waiting { next: list.first });
                    list.first = waiting;
                    list.length += 1;
                }
                Some(_) | None => System.dealloc(block, rounded),
            }
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises: the size is not 0, and together with the alignment makes a layout.
        unsafe {
            let wanted = Layout::from_size_align_unchecked(size, layout.align());
            match (Self::list_of(layout), Self::list_of(wanted)) {
                (None, None) => System.realloc(block, layout, size),
                (Some((one, _)), Some((other, _))) if one == other => block,
                _ => {
                    let new = self.alloc(wanted);
                    if !new.is_null() {
                        new.copy_from_nonoverlapping(block, layout.size().min(size));
                        self.dealloc(block, layout);
                    }
                    new
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block with a pattern of its own.
    struct Block {
        at: *mut u8,
        layout: Layout,
        mark: u8,
    }

    impl Block {
        fn bytes(&mut self) -> &mut [u8] {
            // SAFETY: the block is ours, and of this size.
            unsafe { std::slice::from_raw_parts_mut(self.at, self.layout.size()) }
        }

        fn is_intact(&mut self, bytes: usize) -> bool {
            let mark = self.mark;
            self.bytes().iter().take(bytes).all(|byte| *byte == mark)
        }
    }

    #[test]
    fn blocks_never_overlap_keep_their_bytes_and_only_so_many_wait() {
        let heap = Heap::new();
        let mut blocks: Vec<Block> = Vec::new();
        let mut seed = 7u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for step in 0..50_000 {
            let mark = u8::try_from(step % 251).unwrap();
            // Grows for a while, then shrinks, so that lists fill up and run empty.
            let grows = random(3) < if step / 5_000 % 2 == 0 { 2 } else { 1 };
            if blocks.is_empty() || grows {
                let layout = Layout::from_size_align(1 + random(600), 1 << random(6)).unwrap();
                // SAFETY: the layout is not empty.
                let at = unsafe { heap.alloc(layout) };
                assert_eq!(at.addr() % layout.align(), 0);
                let mut block = Block { at, layout, mark };
                block.bytes().fill(mark);
                blocks.push(block);
                continue;
            }
            let mut block = blocks.swap_remove(random(blocks.len()));
            assert!(block.is_intact(usize::MAX));
            if random(2) == 0 {
                let size = 1 + random(600);
                let kept = size.min(block.layout.size());
                // SAFETY: the block is the heap's, of this layout.
                block.at = unsafe { heap.realloc(block.at, block.layout, size) };
                block.layout = Layout::from_size_align(size, block.layout.align()).unwrap();
                assert!(block.is_intact(kept));
                block.mark = mark;
                block.bytes().fill(mark);
                blocks.push(block);
            } else {
                // SAFETY: as above.
                unsafe { heap.dealloc(block.at, block.layout) };
            }
        }
        for mut block in blocks {
            assert!(block.is_intact(usize::MAX));
            // SAFETY: as above.
            unsafe { heap.dealloc(block.at, block.layout) };
        }
        // SAFETY: nobody else looks.
        let lists = unsafe { *heap.lists.get() };
        assert!(lists.iter().all(|list| list.length <= WAITING_MAX));
        assert!(lists.iter().any(|list| list.length == WAITING_MAX));
        for (index, list) in lists.into_iter().enumerate() {
            let (mut waiting, mut count) = (list.first, 0);
            let layout = Layout::from_size_align((index + 1) * STEP_BYTES, STEP_BYTES).unwrap();
            while !waiting.is_null() {
                // SAFETY: what waits is the C library's, of this size, and nobody's.
                unsafe {
                    let next = (*waiting).next;
                    System.dealloc(waiting.cast(), layout);
                    waiting = next;
                }
                count += 1;
            }
            assert_eq!(count, list.length);
        }
    }
}
