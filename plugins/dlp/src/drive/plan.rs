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

#[cfg(test)]
mod tests {
    use crate::detectors::named;
    use crate::drive::Driver;
    use std::path::Path;

    /// Most positions of a KiB that are candidates, and most that are looked up.
    const CANDIDATES_MAX: f32 = 140.0;
    const LOOKED_UP_MAX: f32 = 16.0;

    const LATIN: &str = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna \
        aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat. Duis aute irure \
        dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur. Excepteur sint occaecat cupidatat non proident, \
        sunt in culpa qui officia deserunt mollit anim id est laborum. ";

    /// A keyword that is added may share a bucket with what makes it stand everywhere: then text that is nothing costs more.
    #[test]
    fn few_positions_of_usual_text_are_candidates() {
        let driver = Driver::new(named("all").iter().map(|of| (0, *of)), None).unwrap();
        let read = |path: &str| {
            let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
            std::fs::read_to_string(top.join(path)).unwrap()
        };
        for (name, text) in [
            ("prose", read("README.md") + &read("docs/policy.md")),
            (
                "code",
                read("plugins/dlp/src/text.rs") + &read("plugins/wire/src/document.rs"),
            ),
            ("data", read("host-test/cases/dlp/options.yaml")),
            ("latin", LATIN.repeat(20)),
            ("filler", "lorem ipsum dolor sit amet ".repeat(200)),
        ] {
            let (candidates, looked_up) = driver.keywords.candidates(text.as_bytes());
            let a_kib = |count: u32| count as f32 * 1024.0 / text.len() as f32;
            assert!(
                a_kib(candidates) <= CANDIDATES_MAX,
                "{name}: {}",
                a_kib(candidates)
            );
            assert!(
                a_kib(looked_up) <= LOOKED_UP_MAX,
                "{name}: {}",
                a_kib(looked_up)
            );
        }
    }
}
