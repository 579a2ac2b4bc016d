//! How many tokens a byte of text is, learned for each model from what its provider counted.
//!
//! Every answer with a count teaches a little: the ratio moves an eighth of the way to what was counted, and by no more than a sixteenth
//! of itself, so that a count that is out of all proportion (a prompt of one emoji, a provider that counts wrongly) moves estimates by a
//! few percent. [`Ratio`] says how far it can be moved at all.
//!
//! Workers share what they learned through the store, each at most once a second for a model: what a worker learned since the last time
//! is added to what the store holds by then. A worker that has not heard of a model asks the store.
//!
//! Models are named by requests, so memory is bounded: the store holds [`MODEL_SLOTS`] × [`MODELS_PER_SLOT_MAX`] models in 10 KiB, of
//! which those go that were taught least recently; a worker knows [`MODELS_MAX`], and forgets all when there are more.

use crate::estimate::Ratio;
use portcullis_policy::{Store, Timestamp, update};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

/// Entries of the store for what was learned.
pub const MODEL_SLOTS: u8 = 64;

/// Models in one of these entries. Protects the proxy's memory from who invents models that a provider answers.
pub const MODELS_PER_SLOT_MAX: usize = 8;

/// Models that a worker knows. Protects its memory likewise.
const MODELS_MAX: usize = 256;

/// Least text of a prompt that teaches: in shorter ones what a provider adds for each message outweighs the text.
const TEXT_BYTES_MIN: u64 = 64;

/// How often a worker tells the others what it learned of a model.
const SHARE_EVERY: Duration = Duration::from_secs(1);

/// The part of the way to a new count that the ratio goes.
const GAIN: i64 = 8;

/// The part of itself by which one count moves the ratio at most.
const STEP: i64 = 16;

/// What one worker knows.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    models: RefCell<HashMap<String, Known>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    ratio: Ratio,
    /// What the store held when it was last asked.
    shared: Ratio,
    shared_at: Timestamp,
}

impl Learned {
    /// The ratio of a model.
    pub fn ratio(&self, store: &mut dyn Store, model: &str) -> Ratio {
        if let Some(known) = self.models.borrow().get(model) {
            return known.ratio;
        }
        let (id, key) = place(model);
        // Estimates are not worth a refusal: without an answer nothing was learned.
        let entry = store.load(&key).ok().flatten();
        let shared = entry.and_then(|(bytes, _)| {
            let records = read(&bytes);
            records
                .iter()
                .find(|record| record.id == id)
                .map(|record| record.ratio)
        });
        let shared = shared.unwrap_or(Ratio::DEFAULT);
        let mut models = self.models.borrow_mut();
        if models.len() >= MODELS_MAX {
            models.clear();
        }
        let known = Known {
            ratio: shared,
            shared,
            shared_at: Timestamp::default(),
        };
        models.insert(model.to_owned(), known);
        shared
    }

    /// A prompt of so many bytes of text was so many tokens.
    pub fn learn(
        &self,
        store: &mut dyn Store,
        now: Timestamp,
        model: &str,
        bytes: u64,
        tokens: u64,
    ) {
        if bytes < TEXT_BYTES_MIN || tokens == 0 {
            return;
        }
        let mut models = self.models.borrow_mut();
        let Some(known) = models.get_mut(model) else {
            return;
        };
        known.ratio = moved(known.ratio, Ratio::of(tokens, bytes));
        // A clock that was set back must not keep anything back.
        let lately = now >= known.shared_at && now.since(known.shared_at) < SHARE_EVERY;
        if lately || known.ratio == known.shared {
            return;
        }
        known.shared_at = now;
        if let Some(shared) = share(store, model, known) {
            known.ratio = shared;
            known.shared = shared;
        }
    }
}

/// A ratio after one more count.
fn moved(ratio: Ratio, counted: Ratio) -> Ratio {
    let (from, to) = (i64::from(ratio.0), i64::from(counted.0));
    let step_max = (from / STEP).max(1);
    let step = ((to - from) / GAIN).clamp(-step_max, step_max);
    bounded(from + step)
}

fn bounded(ratio: i64) -> Ratio {
    Ratio(u32::try_from(ratio).unwrap_or(0)).clamp(Ratio::MIN, Ratio::MAX)
}

/// Adds what this worker learned to what all know; what they know then. `None`: the store gave no answer.
fn share(store: &mut dyn Store, model: &str, known: &Known) -> Option<Ratio> {
    let (id, key) = place(model);
    let learned = i64::from(known.ratio.0) - i64::from(known.shared.0);
    let shared = update(store, &key, |bytes| {
        let mut records = read(bytes);
        let before = records.iter().position(|record| record.id == id);
        let before = before.map(|at| records.remove(at).ratio);
        let ratio = bounded(i64::from(before.unwrap_or(known.shared).0) + learned);
        records.truncate(MODELS_PER_SLOT_MAX - 1);
        records.insert(0, Record { id, ratio });
        (Some(written(&records)), ratio)
    });
    shared.ok()
}

/// Bytes that stand for a model in the store.
const ID_BYTES: usize = 8;

/// Of a model in the store. The one taught last comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    id: [u8; ID_BYTES],
    ratio: Ratio,
}

/// Who a model is in the store, and under which key.
fn place(model: &str) -> ([u8; ID_BYTES], String) {
    let digest: [u8; 32] = Sha256::digest([b"learned/", model.as_bytes()].concat()).into();
    let mut id = [0; ID_BYTES];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    let slot = digest.last().copied().unwrap_or(0) % MODEL_SLOTS;
    (id, format!("portcullis/limits/2/learned/{slot}"))
}

/// The records of an entry; what is not ours is none.
fn read(bytes: &[u8]) -> Vec<Record> {
    let record = |bytes: &[u8]| {
        let (id, ratio) = bytes.split_first_chunk()?;
        let ratio = Ratio(u32::from_le_bytes(ratio.try_into().ok()?));
        let ratio = ratio.clamp(Ratio::MIN, Ratio::MAX);
        Some(Record { id: *id, ratio })
    };
    let records = bytes.chunks_exact(ID_BYTES + 4).filter_map(record);
    records.take(MODELS_PER_SLOT_MAX).collect()
}

fn written(records: &[Record]) -> Vec<u8> {
    let bytes = |record: &Record| [&record.id[..], &record.ratio.0.to_le_bytes()[..]].concat();
    records.iter().flat_map(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::MemoryStore;
    use proptest::prelude::*;

    const NOON: Timestamp = Timestamp::from_secs(1_800_000_000);

    /// One worker learns of prompts with so many tokens to 1000 bytes, one a second.
    fn teach(
        learned: &Learned,
        store: &mut MemoryStore,
        model: &str,
        from: u64,
        counts: impl IntoIterator<Item = u64>,
    ) {
        for (second, tokens) in (from..).zip(counts) {
            learned.ratio(store, model);
            let now = NOON.after(Duration::from_secs(second));
            learned.learn(store, now, model, 1000, tokens);
        }
    }

    fn per_1000(learned: &Learned, store: &mut MemoryStore, model: &str) -> u64 {
        learned.ratio(store, model).tokens(1000)
    }

    #[test]
    fn estimates_come_to_what_is_counted() {
        let (learned, mut store) = (Learned::default(), MemoryStore::default());
        assert_eq!(per_1000(&learned, &mut store, "m"), 250);
        for (from, tokens) in [(0, 500), (100, 200), (200, 900), (300, 250)] {
            teach(&learned, &mut store, "m", from, [tokens; 60]);
            let estimate = per_1000(&learned, &mut store, "m");
            assert!(
                estimate.abs_diff(tokens) <= tokens / 50,
                "{estimate} instead of {tokens}"
            );
        }
        assert_eq!(per_1000(&learned, &mut store, "other"), 250);
    }

    #[test]
    fn outliers_move_little_and_nothing_moves_far() {
        let (learned, mut store) = (Learned::default(), MemoryStore::default());
        teach(&learned, &mut store, "m", 0, [300; 60]);
        for outlier in [1, u64::MAX] {
            let before = per_1000(&learned, &mut store, "m");
            teach(&learned, &mut store, "m", 100, [outlier]);
            let after = per_1000(&learned, &mut store, "m");
            assert!(
                after.abs_diff(before) <= before / 16 + 1,
                "{before} {after}"
            );
        }
        // One in ten.
        let mixed = (0..200).map(|n| if n % 10 == 0 { 100_000 } else { 300 });
        teach(&learned, &mut store, "m", 200, mixed);
        let estimate = per_1000(&learned, &mut store, "m");
        assert!((300..400).contains(&estimate), "{estimate}");
        teach(&learned, &mut store, "m", 500, [1; 500]);
        assert!(per_1000(&learned, &mut store, "m") <= 126);
        teach(&learned, &mut store, "m", 1000, [u64::MAX; 500]);
        assert_eq!(per_1000(&learned, &mut store, "m"), 1000);
    }

    #[test]
    fn workers_share_what_they_learned() {
        let mut store = MemoryStore::default();
        let workers: [Learned; 3] = std::array::from_fn(|_| Learned::default());
        for second in 0..60 {
            for worker in workers.iter().take(2) {
                teach(worker, &mut store, "m", second, [600]);
            }
        }
        for worker in &workers {
            let estimate = per_1000(worker, &mut store, "m");
            assert!((570..=630).contains(&estimate), "{estimate}");
        }
    }

    #[test]
    fn short_prompts_and_clocks_that_are_set_back_do_no_harm() {
        let (learned, mut store) = (Learned::default(), MemoryStore::default());
        learned.ratio(&mut store, "m");
        learned.learn(&mut store, NOON, "m", 10, 10);
        assert_eq!(per_1000(&learned, &mut store, "m"), 250);
        teach(&learned, &mut store, "m", 7200, [500; 20]);
        teach(&learned, &mut store, "m", 0, [500; 20]);
        let another = Learned::default();
        assert!(per_1000(&another, &mut store, "m") > 450);
    }

    #[test]
    fn memory_is_bounded_however_many_models_are_invented() {
        let (learned, mut store) = (Learned::default(), MemoryStore::default());
        for n in 0..20_000 {
            teach(&learned, &mut store, &format!("invented-{n}"), n, [500]);
        }
        assert!(store.len() <= usize::from(MODEL_SLOTS));
        let entry = 12 * MODELS_PER_SLOT_MAX + "portcullis/limits/2/learned/63".len();
        assert!(
            store.bytes() <= usize::from(MODEL_SLOTS) * entry,
            "{}",
            store.bytes()
        );
        assert!(learned.models.borrow().len() <= MODELS_MAX);
    }

    proptest! {
        #[test]
        fn whatever_the_store_holds_estimates_stay_in_their_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for record in read(&bytes) {
                prop_assert!((Ratio::MIN..=Ratio::MAX).contains(&record.ratio));
            }
            let records = read(&bytes);
            prop_assert_eq!(read(&written(&records)), records);
        }
    }
}
