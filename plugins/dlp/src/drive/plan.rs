//! Which prints of keywords share a bucket: the outcome of a search that takes longer than a VM may take to begin.

use super::keywords::GROUPS;
use crate::teddy::{BUCKETS, PRINT};

/// For each bucket and each byte of a print a bit for each low half that can stand there, and sixteen bits higher one for each high half.
pub(super) const PLAN: [[u32; PRINT]; GROUPS * BUCKETS] = [
    [0x005c_6f56, 0x00cc_801e, 0x0024_8010],
    [0x0034_ef50, 0x00b8_0761, 0x0054_23b2],
    [0x000c_203e, 0x00f4_4832, 0x00a4_40ad],
    [0x00a8_073d, 0x00f0_ffff, 0x00b8_e9c2],
    [0x0078_f098, 0x00f8_aa88, 0x0078_8da4],
    [0x00b0_f6a5, 0x0074_2c1b, 0x00f4_faaa],
    [0x41b0_e84f, 0x4138_8cda, 0x06f8_8bff],
    [0x0058_2824, 0x00f0_5b38, 0x007c_b82a],
    [0x0050_8c44, 0x00a8_811a, 0x00e4_f85f],
    [0x00bc_6cc0, 0x00b0_1413, 0x00f8_6ffe],
    [0x00f0_c843, 0x00f0_1e72, 0x00bc_ea7a],
    [0x0070_919c, 0x00d0_c9de, 0x00a8_8461],
    [0x08f8_0bff, 0x01f8_9bff, 0x4014_6c10],
    [0x00a4_250a, 0x00f8_feae, 0x1054_6d3a],
    [0x40f0_32ef, 0x04b8_09e5, 0x013c_a622],
    [0x00f0_231b, 0x00f0_0cc0, 0x00fc_a21f],
];
