//! Keys that no row was written for: random ones of every shape are found, and those that only show a shape are not.

use super::super::class::Class;
use super::super::packed::Form;
use super::super::reference::find_all;
use super::super::shape::{Piece, Run, literal};
use super::super::{Detector, Find, Trigger};
use super::KEYS;

/// Keys of each shape.
const INSTANCES: usize = 40;

/// Of a hundred random keys so many are random enough at least. Short ones of hexadecimal digits have least.
const FOUND_PERCENT_MIN: usize = 90;

/// How keys of documentation end.
const EXAMPLE: &str = "EXAMPLE";

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % below
    }

    /// A letter or a digit where it begins and ends, so that it is a word.
    fn of_class(&mut self, class: &Class, length: usize) -> String {
        let all: Vec<u8> = (0..128).filter(|byte| class.has(*byte)).collect();
        let word: Vec<u8> = all
            .iter()
            .copied()
            .filter(u8::is_ascii_alphanumeric)
            .collect();
        (0..length)
            .map(|at| {
                let of = if at == 0 || at + 1 == length {
                    &word
                } else {
                    &all
                };
                char::from(of[self.below(of.len())])
            })
            .collect()
    }

    fn of_run(&mut self, run: &Run) -> String {
        let length = run.min() + self.below(run.max().min(run.min() + 12) + 1 - run.min());
        self.of_class(run.class(), length)
    }
}

/// A text of a shape, of which `of_run` makes the random parts.
fn written(detector: &Detector, form: &Form, mut of_run: impl FnMut(&Run) -> String) -> String {
    let mut key = form.head.as_ref().map_or_else(String::new, &mut of_run);
    if let Trigger::Digits(lengths, _) = detector.trigger {
        let length = (1..24).rev().find(|length| lengths.has(*length)).unwrap();
        key.extend("8302914756".chars().cycle().take(length));
    }
    key.push_str(std::str::from_utf8(form.mark).unwrap());
    for piece in form.pieces {
        match piece {
            Piece::Run(run) => key.push_str(&of_run(&run)),
            Piece::Text(number) => key.push_str(literal(number)),
        }
    }
    key
}

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
