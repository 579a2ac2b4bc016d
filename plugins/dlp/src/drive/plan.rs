//! Which prints of keywords share a bucket: the outcome of a search (`plan/search.rs`) that takes longer than a VM may take to begin. A keyword that
//! the plan has no bucket for goes where it makes the fewest candidates, as far as frequencies of single bytes tell.

use super::keywords::GROUPS;
use crate::teddy::{BUCKETS, PRINT};

/// For each bucket and each byte of a print a bit for each low half that can stand there, and sixteen bits higher one for each high half.
pub(super) const PLAN: [[u32; PRINT]; GROUPS * BUCKETS] = [
    [0x0044_6356, 0x00d8_937f, 0x0024_8a10],
    [0x00f0_871a, 0x00a8_0123, 0x0074_1d4f],
    [0x001c_648e, 0x00f4_a0b2, 0x00b4_82a6],
    [0x00a8_0f9f, 0x00f0_f33f, 0x00a8_e0c0],
    [0x4078_f018, 0x01f8_ce88, 0x0278_8ba6],
    [0x00b0_f167, 0x0070_255e, 0x00f8_ae6b],
    [0x01b0_62ee, 0x4038_979c, 0x04f8_819f],
    [0x0050_28a4, 0x00f8_1e39, 0x007c_b8aa],
    [0x0050_8d44, 0x00b8_811b, 0x00fc_d09f],
    [0x409c_6cc0, 0x08b0_17f3, 0x01d4_0b79],
    [0x00f8_c843, 0x00f0_0c72, 0x00bc_ea38],
    [0x0078_94d8, 0x00d0_89d7, 0x00a8_8569],
    [0x00f8_1bff, 0x00f8_f7ff, 0x0014_6410],
    [0x10a4_2188, 0x08f0_6a2e, 0x0054_696a],
    [0x00e8_2a28, 0x00a8_20e7, 0x00a8_c406],
    [0x01f0_035f, 0x40f0_0cc0, 0x04fc_fe1f],
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
