//! Keys that no row was written for: random ones of every shape are found, and those that only show a shape are not.

use super::super::reference::find_all;
use super::super::shape::Run;
use super::super::specimens::{Random, written};
use super::super::{Detector, Find};
use super::KEYS;

/// Keys of each shape.
const INSTANCES: usize = 40;

/// Of a hundred random keys so many are random enough at least. Short ones of hexadecimal digits have least.
const FOUND_PERCENT_MIN: usize = 90;

/// How keys of documentation end.
const EXAMPLE: &str = "EXAMPLE";

/// Whether a detector finds all of a key in quotes.
fn finds(detector: &Detector, key: &str) -> bool {
    let found = find_all(detector, format!("\"{key}\"").as_bytes(), false);
    found.contains(&(1..1 + key.len()))
}

#[test]
fn random_keys_of_every_shape_are_found_and_stand_ins_are_not() {
    let (mut random, mut wrong) = (Random(1), Vec::new());
    for detector in KEYS.iter() {
        let Find::Key(shapes) = detector.find else {
            unreachable!("{} is a row of keys", detector.name)
        };
        for form in shapes {
            let keys: Vec<_> = (0..INSTANCES)
                .map(|_| written(detector, &form, |run| random.of_run(run)))
                .collect();
            let found = keys.iter().filter(|key| finds(detector, key)).count();
            if found * 100 < FOUND_PERCENT_MIN * INSTANCES {
                wrong.push(format!(
                    "{} found of {INSTANCES} such as {}",
                    found, keys[0]
                ));
            }
            // A checksum proves a key without entropy.
            if form.centibits_min == 0 {
                continue;
            }
            let dull = |run: &Run| {
                let of = b"x0aA".iter().find(|byte| run.class().has(**byte));
                char::from(*of.unwrap()).to_string().repeat(run.min())
            };
            let dull = written(detector, &form, dull);
            if finds(detector, &dull) {
                wrong.push(dull);
            }
            // As documentation writes them.
            let (begin, end) = keys[0].split_at(keys[0].len() - EXAMPLE.len());
            if end.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                let example = [begin, EXAMPLE].concat();
                if finds(detector, &example) {
                    wrong.push(example);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
