//! Searches for a plan: which byte of each keyword its print begins with, and which prints share a bucket, so that few positions of usual text are
//! candidates. Simulated annealing, from the plan there is:
//!
//! `PLAN_MOVES=30000000 cargo test --release -p portcullis-dlp --lib plan::search -- --nocapture`, a few minutes. What it prints is the new plan.
//! Without the variable a few moves are tried, none of which may make the plan worse: so that the search still works when it is needed.

use super::PLAN;
use crate::detectors::named;
use crate::drive::Driver;
use crate::drive::keywords::{LOOK, LOOK_AT_MAX};
use crate::teddy::{PRINT, Print};
use portcullis_pattern::ByteSet;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Moves that are tried where `PLAN_MOVES` does not say how many.
const FEW_MOVES: u32 = 2_000;

/// How much worse a move may make a KiB in the beginning, in candidates.
const HEAT: f32 = 0.06;

/// Strings of three bytes that count: the others are seldom.
const STRINGS: usize = 6016;

/// What a look costs that leads on, in candidates, by its first three bytes and by all.
const STARTS_COST: f32 = 4.0;
const LOOKS_COST: f32 = 3.0;

/// A set of strings.
type Strings = [u64; STRINGS / 64];

/// How often strings stand in a KiB of usual text.
#[derive(Default)]
struct Usual(HashMap<Vec<u8>, f32>);

impl Usual {
    /// A kind of text, with how much of all it is.
    fn add(&mut self, text: &str, share: f32) {
        let each = share * 1024.0 / text.len() as f32;
        for len in [PRINT, LOOK] {
            for string in text.as_bytes().windows(len) {
                *self.0.entry(string.to_vec()).or_default() += each;
            }
        }
    }

    fn of(&self, string: &[u8], any_case: bool) -> f32 {
        let cases = if any_case { 1 << string.len() } else { 1 };
        let written = (0..cases).map(|upper: u32| {
            let case = |(at, byte): (usize, &u8)| match upper >> at & 1 {
                1 => byte.to_ascii_uppercase(),
                _ => *byte,
            };
            string.iter().enumerate().map(case).collect::<Vec<u8>>()
        });
        let mut written: Vec<_> = written.collect();
        written.sort();
        written.dedup();
        written.iter().filter_map(|string| self.0.get(string)).sum()
    }
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|of| of == ending) {
            found.push(path);
        }
    }
}

/// What is in this repository, and what is not: logs and filler.
fn usual() -> Usual {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |folder: &str, ending: &str| {
        let mut found = Vec::new();
        files(&top.join(folder), ending, &mut found);
        let texts = found
            .iter()
            .map(|file| std::fs::read_to_string(file).unwrap());
        texts.collect::<String>()
    };
    let mut usual = Usual::default();
    let docs = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];
    let docs = docs.map(|file| std::fs::read_to_string(top.join(file)).unwrap());
    usual.add(&(docs.concat() + &read("docs", "md")), 0.40);
    usual.add(&(read("plugins", "rs") + &read("host-test", "rs")), 0.33);
    usual.add(
        &(read("host-test/cases", "yaml") + &read("envoy", "yaml")),
        0.10,
    );
    let mut random = Random(1);
    let lines = (0..2000).map(|_| {
        let mut number = |below: u32| random.below(below);
        format!(
            "{{\"ts\":\"2025-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\",\"level\":\"info\",\"request_id\":\"{:08x}-{:04x}-4{:03x}\",\"client\":\"10.{}.{}.{}\",\"latency_ms\":{},\"bytes\":{}}}\n",
            number(12) + 1, number(28) + 1, number(24), number(60), number(60), number(1000),
            number(u32::MAX), number(65536), number(4096), number(256), number(256), number(256),
            number(9000), number(1_000_000),
        )
    });
    usual.add(&lines.collect::<String>(), 0.12);
    usual.add(&super::tests::LATIN.repeat(20), 0.03);
    usual.add(&super::tests::FILLER.repeat(200), 0.02);
    usual
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, below: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        ((high * u64::from(below)) >> 32) as u32
    }

    fn share(&mut self) -> f32 {
        self.below(1 << 20) as f32 / (1 << 20) as f32
    }
}

/// A print that a keyword can have, and what its look costs.
struct Choice {
    halves: [u32; PRINT],
    cost: f32,
}

fn choices(usual: &Usual) -> Vec<Vec<Choice>> {
    let driver = Driver::new(named("all").iter().map(|of| (0, *of)), None).unwrap();
    let mut all: Vec<Vec<Choice>> = Vec::new();
    for (bytes, any_case) in driver.keywords.words() {
        let places = (0..=LOOK_AT_MAX).filter_map(|at| bytes.get(at..));
        let places = places.take_while(|rest| rest.len() >= PRINT);
        let choices = places.map(|rest| {
            let look = rest.get(..LOOK).unwrap_or(rest);
            let starts = usual.of(&rest[..PRINT], any_case);
            Choice {
                halves: Print::of(rest, any_case).halves(),
                cost: STARTS_COST * starts + LOOKS_COST * usual.of(look, any_case),
            }
        });
        all.push(choices.collect());
    }
    // What patterns of operators mostly begin with.
    let digit = ByteSet::range(b'0', b'9');
    for sign in [b'-', b'.'].map(|sign| ByteSet::range(sign, sign)) {
        let sets = [
            [digit, digit, sign],
            [digit, sign, digit],
            [sign, digit, digit],
        ];
        let choices = sets.iter().map(|sets| Choice {
            halves: Print::of_sets(sets).halves(),
            cost: 0.0,
        });
        all.push(choices.collect());
    }
    all
}

/// Which strings have which halves, and how often they stand in a KiB.
struct Measure {
    having: [[Strings; 32]; PRINT],
    often: Vec<f32>,
}

impl Measure {
    fn new(usual: &Usual) -> Self {
        let mut strings: Vec<_> = usual
            .0
            .iter()
            .filter(|(string, _)| string.len() == PRINT)
            .collect();
        strings.sort_by(|one, other| other.1.total_cmp(one.1).then_with(|| one.0.cmp(other.0)));
        strings.truncate(STRINGS);
        let mut having = [[[0; STRINGS / 64]; 32]; PRINT];
        for (index, (string, _)) in strings.iter().enumerate() {
            for (place, byte) in having.iter_mut().zip(*string) {
                for half in [byte & 15, 16 + (byte >> 4)] {
                    place[usize::from(half)][index / 64] |= 1 << (index % 64);
                }
            }
        }
        let often = strings.iter().map(|(_, often)| **often).collect();
        Self { having, often }
    }

    /// How many of a KiB's positions are candidates of a bucket.
    fn candidates(&self, bucket: &[u32; PRINT]) -> f32 {
        let mut all = [u64::MAX; STRINGS / 64];
        for (having, halves) in self.having.iter().zip(bucket) {
            let mut both = [[0; STRINGS / 64]; 2];
            for half in (0..32).filter(|half| halves >> half & 1 == 1) {
                let any = &mut both[half / 16];
                any.iter_mut()
                    .zip(&having[half])
                    .for_each(|(any, some)| *any |= some);
            }
            let both = both[0].iter().zip(&both[1]);
            all.iter_mut()
                .zip(both)
                .for_each(|(all, (low, high))| *all &= low & high);
        }
        let mut sum = 0.0;
        for (index, mut set) in all.into_iter().enumerate() {
            while set != 0 {
                let at = index * 64 + set.trailing_zeros() as usize;
                sum += self.often.get(at).unwrap_or(&0.0);
                set &= set - 1;
            }
        }
        sum
    }
}

/// How many prints of a bucket have each half at each place.
#[derive(Clone, Default)]
struct Members([[u16; 32]; PRINT]);

impl Members {
    fn change(&mut self, halves: &[u32; PRINT], comes: bool) {
        for (counts, halves) in self.0.iter_mut().zip(halves) {
            for (count, half) in counts.iter_mut().zip(0..) {
                let one = (halves >> half & 1) as u16;
                *count = if comes { *count + one } else { *count - one };
            }
        }
    }

    fn halves(&self) -> [u32; PRINT] {
        self.0.map(|counts| {
            let bits = counts.iter().zip(0..);
            bits.fold(0, |all, (count, half)| all | u32::from(*count > 0) << half)
        })
    }
}

#[test]
fn a_plan_is_no_worse_than_the_one_before() {
    let asked = std::env::var("PLAN_MOVES").map(|moves| moves.parse().unwrap());
    let (moves, hottest) = asked.map_or((FEW_MOVES, 0.0), |moves: u32| (moves, HEAT));
    let usual = usual();
    let (measure, words, mut random) = (Measure::new(&usual), choices(&usual), Random(1));
    let fits = |halves: &[u32; PRINT], bucket: &[u32; PRINT]| {
        let mut places = halves.iter().zip(bucket);
        places.all(|(halves, bucket)| halves & !bucket == 0)
    };
    let mut members = vec![Members::default(); PLAN.len()];
    let planned: Vec<Option<(usize, usize)>> = words
        .iter()
        .map(|choices| {
            let planned = choices.iter().enumerate().filter_map(|(choice, of)| {
                let bucket = PLAN.iter().position(|bucket| fits(&of.halves, bucket))?;
                Some((choice, bucket))
            });
            let cost = |(choice, _): &(usize, usize)| choices[*choice].cost;
            planned.min_by(|one, other| cost(one).total_cmp(&cost(other)))
        })
        .collect();
    for (place, choices) in planned.iter().zip(&words) {
        if let Some((choice, bucket)) = place {
            members[*bucket].change(&choices[*choice].halves, true);
        }
    }
    let mut costs: Vec<f32> = members
        .iter()
        .map(|of| measure.candidates(&of.halves()))
        .collect();
    // What the plan has no bucket for begins where it is cheapest.
    let mut places = Vec::with_capacity(words.len());
    for (place, choices) in planned.into_iter().zip(&words) {
        places.push(place.unwrap_or_else(|| {
            let everywhere = (0..choices.len())
                .flat_map(|choice| (0..PLAN.len()).map(move |bucket| (choice, bucket)));
            let costing = everywhere.map(|(choice, bucket)| {
                let mut with = members[bucket].clone();
                with.change(&choices[choice].halves, true);
                let cost = measure.candidates(&with.halves());
                let more = cost - costs[bucket] + choices[choice].cost;
                (more, cost, choice, bucket)
            });
            let cheapest = costing.min_by(|one, other| one.0.total_cmp(&other.0));
            let (_, cost, choice, bucket) = cheapest.unwrap();
            members[bucket].change(&choices[choice].halves, true);
            costs[bucket] = cost;
            (choice, bucket)
        }));
    }
    let before: f32 = costs.iter().sum();
    println!("before: {before:.1} candidates a KiB");
    for step in 0..moves {
        let heat = hottest * (1.0 - step as f32 / moves as f32).powi(2) + 1e-4;
        let word = random.below(words.len() as u32) as usize;
        let choice = random.below(words[word].len() as u32) as usize;
        let to = random.below(PLAN.len() as u32) as usize;
        let (before, from) = places[word];
        let (old, new) = (&words[word][before], &words[word][choice]);
        let more = new.cost - old.cost;
        if (before, from) == (choice, to) || more > 8.0 * heat {
            continue;
        }
        let [was_from, was_to] = [from, to].map(|bucket| members[bucket].halves());
        members[from].change(&old.halves, false);
        members[to].change(&new.halves, true);
        let cost = |bucket: usize, was: [u32; PRINT]| match members[bucket].halves() {
            halves if halves == was => costs[bucket],
            halves => measure.candidates(&halves),
        };
        let (cost_from, cost_to) = (cost(from, was_from), cost(to, was_to));
        let other = if from == to {
            0.0
        } else {
            cost_from - costs[from]
        };
        let worse = more + other + cost_to - costs[to];
        if worse <= 0.0 || random.share() < (-worse / heat).exp() {
            places[word] = (choice, to);
            (costs[from], costs[to]) = (cost_from, cost_to);
        } else {
            members[to].change(&new.halves, false);
            members[from].change(&old.halves, true);
        }
        if step % (moves / 10).max(1) == 0 {
            println!("{step}: {:.1}", costs.iter().sum::<f32>());
        }
    }
    let after: f32 = costs.iter().sum();
    println!("after: {after:.1} candidates a KiB");
    for bucket in &members {
        let row = bucket
            .halves()
            .map(|halves| format!("0x{:04x}_{:04x}", halves >> 16, halves & 0xffff));
        println!("    [{}],", row.join(", "));
    }
    let every = words.iter().zip(&places);
    let fitting = every.filter(|(choices, (choice, bucket))| {
        fits(&choices[*choice].halves, &members[*bucket].halves())
    });
    assert_eq!(fitting.count(), words.len());
    assert!(after <= before * 1.01, "{before} -> {after}");
}
