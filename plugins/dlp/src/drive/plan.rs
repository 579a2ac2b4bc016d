//! Which prints of keywords share a bucket: the outcome of a search (`plan/search.rs`) that takes longer than a VM may take to begin. A keyword that
//! the plan has no bucket for goes where it makes the fewest candidates, as far as frequencies of single bytes tell.

use super::keywords::GROUPS;
use crate::teddy::{BUCKETS, PRINT};

/// For each bucket and each byte of a print a bit for each low half that can stand there, and sixteen bits higher one for each high half.
pub(super) const PLAN: [[u32; PRINT]; GROUPS * BUCKETS] = [
    [0x01f4_67d5, 0x40d8_9b3f, 0x08f4_8a34],
    [0x00f8_cb5a, 0x00b8_1c61, 0x0050_0d5a],
    [0x00fc_7fa2, 0x002c_a042, 0x00a4_c0e0],
    [0x00a8_0f1f, 0x00f0_f7cf, 0x00a8_e5c2],
    [0x0078_f018, 0x00f0_c688, 0x0078_8ba6],
    [0x00b0_e027, 0x0070_255e, 0x00f8_aa6a],
    [0x00f0_226f, 0x003c_ae1c, 0x00f8_039f],
    [0x4150_28a4, 0x0cf8_1e19, 0x417c_b8aa],
    [0x0058_8d44, 0x00b0_811b, 0x00f4_548e],
    [0x04bc_e4c0, 0x01b0_1670, 0x40f4_08a9],
    [0x00f0_c84b, 0x00f0_1c72, 0x10bc_e238],
    [0x0070_989c, 0x00f8_8197, 0x00a8_8469],
    [0x00f8_0bff, 0x00fc_f7ff, 0x0014_6410],
    [0x00a0_0188, 0x00f8_4a6a, 0x0054_796a],
    [0x00fc_3778, 0x0098_a1c4, 0x003c_a410],
    [0x00f0_179f, 0x00f0_0cc0, 0x00fc_a25f],
];

#[cfg(test)]
mod search;

#[cfg(test)]
mod tests {
    use crate::detectors::named;
    use crate::drive::Driver;
    use std::path::Path;

    /// Most positions of a KiB that are candidates, and most that are looked up.
    const CANDIDATES_MAX: f32 = 140.0;
    const LOOKED_UP_MAX: f32 = 16.0;

    pub(super) const LATIN: &str = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna \
        aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat. Duis aute irure \
        dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur. Excepteur sint occaecat cupidatat non proident, \
        sunt in culpa qui officia deserunt mollit anim id est laborum. ";

    pub(super) const FILLER: &str = "lorem ipsum dolor sit amet ";

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
            ("filler", FILLER.repeat(200)),
        ] {
            let (candidates, looked_up) = driver.keywords.candidates(text.as_bytes());
            let a_kib = |count: u32| count as f32 * 1024.0 / text.len() as f32;
            assert!(
                a_kib(candidates) <= CANDIDATES_MAX,
                "{name}: {} (`search.rs` finds a better plan)",
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
