//! How many tokens a byte of text is, learned for each model from what its provider counted.
//!
//! Every answer with a count teaches a little: the ratio moves a part of the way to what was counted, and by no more than a sixteenth of
//! itself, so that a count that is out of all proportion (a prompt of one emoji, a provider that counts wrongly) moves estimates by a
//! few percent. It goes up faster than down, and so comes to lie above most counts: what is reserved too much comes back, what is
//! reserved too little is spent already. [`Ratio`] says how far it can be moved at all.
//!
//! What was learned lies in the store, for all workers, each of which looks once a second at most. A write that another worker's comes before is not tried again: one count more or
//! less teaches nothing new.
//!
//! Models are named by requests, so memory is bounded: the store holds [`MODEL_SLOTS`] × [`MODELS_PER_SLOT_MAX`] models in 10 KiB, of
//! which those go that were taught least recently.

use crate::estimate::Ratio;
use portcullis_policy::{Remembered, Store, Timestamp, sha256};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Entries of the store for what was learned.
pub const MODEL_SLOTS: u8 = 64;

/// Models in one of these entries. Protects the proxy's memory from who invents models that a provider answers.
pub const MODELS_PER_SLOT_MAX: usize = 8;

/// Least text of a prompt that teaches: in shorter ones what a provider adds for each message outweighs the text.
const TEXT_BYTES_MIN: u64 = 64;

/// The part of the way to a higher count that the ratio goes.
const GAIN_UP: i64 = 8;

/// The part of the way to a lower one.
const GAIN_DOWN: i64 = 32;

/// The part of itself by which one count moves the ratio at most.
const STEP_MAX: i64 = 16;

/// The part of itself below which a move is not worth a write.
const STEP_MIN: i64 = 256;

/// How long a worker goes by what it last heard. A look into the store costs a request more than the estimate itself, and what others learn in a
/// second is little.
const HEARD_FOR: Duration = Duration::from_secs(1);

/// What all workers know of models.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    places: Remembered<Rc<Place>>,
}

impl Learned {
    /// The ratio of a model.
    pub fn ratio(&self, now: Timestamp, store: &mut dyn Store, model: &str) -> Ratio {
        let place = self.place(model);
        if let Some(ratio) = place.recent(now) {
            return ratio;
        }
        // Estimates are not worth a refusal: without an answer nothing was learned.
        let entry = store.load(&place.key).ok().flatten();
        let known = entry.and_then(|(bytes, _)| find(&bytes, place.id));
        let ratio = known.unwrap_or(Ratio::DEFAULT);
        place.heard.set(Some((now, ratio)));
        ratio
    }

    /// A prompt of so many bytes of text was so many tokens.
    pub fn learn(
        &self,
        now: Timestamp,
        store: &mut dyn Store,
        model: &str,
        bytes: u64,
        tokens: u64,
    ) {
        if bytes < TEXT_BYTES_MIN || tokens == 0 {
            return;
        }
        let place = self.place(model);
        let counted = Ratio::of(tokens, bytes);
        if place
            .recent(now)
            .is_some_and(|known| moved(known, counted).is_none())
        {
            return;
        }
        let Ok(entry) = store.load(&place.key) else {
            return;
        };
        let (old, version) =
            entry.map_or((Vec::new(), None), |(old, version)| (old, Some(version)));
        let before = find(&old, place.id).unwrap_or(Ratio::DEFAULT);
        place.heard.set(Some((now, before)));
        if let Some(ratio) = moved(before, counted) {
            let own = Record {
                id: place.id,
                ratio,
            };
            let others = records(&old).filter(|record| record.id != place.id);
            let all = std::iter::once(own).chain(others.take(MODELS_PER_SLOT_MAX - 1));
            if store.swap(&place.key, &written(all), version) == Ok(true) {
                place.heard.set(Some((now, ratio)));
            }
        }
    }

    fn place(&self, model: &str) -> Rc<Place> {
        let place = |model: &[u8]| Rc::new(Place::of(model));
        self.places.of(model.as_bytes(), place)
    }
}

/// A ratio after one more count; `None` when it stays what it is.
fn moved(ratio: Ratio, counted: Ratio) -> Option<Ratio> {
    let (from, to) = (i64::from(ratio.0), i64::from(counted.0));
    let gain = if to > from { GAIN_UP } else { GAIN_DOWN };
    let step = ((to - from) / gain).clamp(-from / STEP_MAX, from / STEP_MAX);
    let after = u32::try_from(from + step).unwrap_or(0);
    (step.abs() > from / STEP_MIN).then(|| Ratio(after).clamp(Ratio::MIN, Ratio::MAX))
}

/// Bytes that stand for a model in the store.
const ID_BYTES: usize = 8;

/// Bytes of a record: the id, and the ratio in four.
const RECORD_BYTES: usize = ID_BYTES + 4;

/// Of a model in the store. The one taught last comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    id: [u8; ID_BYTES],
    ratio: Ratio,
}

/// Where a model lies in the store.
#[derive(Debug)]
struct Place {
    id: [u8; ID_BYTES],
    key: String,
    /// What was last heard of it there, and when.
    heard: Cell<Option<(Timestamp, Ratio)>>,
}

impl Place {
    fn of(model: &[u8]) -> Self {
        let digest = sha256(&[model]);
        let mut id = [0; ID_BYTES];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        let slot = digest.last().copied().unwrap_or(0) % MODEL_SLOTS;
        Self {
            id,
            key: format!("portcullis/limits/2/learned/{slot}"),
            heard: Cell::default(),
        }
    }

    /// The ratio, where it was heard of within [`HEARD_FOR`].
    fn recent(&self, now: Timestamp) -> Option<Ratio> {
        let (at, ratio) = self.heard.get()?;
        (at <= now && now.since(at) < HEARD_FOR).then_some(ratio)
    }
}

fn find(bytes: &[u8], id: [u8; ID_BYTES]) -> Option<Ratio> {
    let record = records(bytes).find(|record| record.id == id);
    record.map(|record| record.ratio)
}

/// The records of an entry; what is not ours is none.
fn records(bytes: &[u8]) -> impl Iterator<Item = Record> + '_ {
    let record = |bytes: &[u8]| {
        let (id, ratio) = bytes.split_first_chunk()?;
        let ratio = Ratio(u32::from_le_bytes(ratio.try_into().ok()?));
        let ratio = ratio.clamp(Ratio::MIN, Ratio::MAX);
        Some(Record { id: *id, ratio })
    };
    let records = bytes.chunks_exact(RECORD_BYTES).filter_map(record);
    records.take(MODELS_PER_SLOT_MAX)
}

fn written(records: impl Iterator<Item = Record>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MODELS_PER_SLOT_MAX * RECORD_BYTES);
    for record in records {
        bytes.extend_from_slice(&record.id);
        bytes.extend_from_slice(&record.ratio.0.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::MemoryStore;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    /// Prompts with so many tokens to 1000 bytes.
    fn teach(store: &mut MemoryStore, model: &str, counts: impl IntoIterator<Item = u64>) {
        let learned = Learned::default();
        for tokens in counts {
            learned.learn(NOW, store, model, 1000, tokens);
        }
    }

    fn per_1000(store: &mut MemoryStore, model: &str) -> u64 {
        Learned::default().ratio(NOW, store, model).tokens(1000)
    }

    #[test]
    fn estimates_come_to_what_is_counted() {
        let mut store = MemoryStore::default();
        assert_eq!(per_1000(&mut store, "m"), 250);
        for tokens in [500, 200, 900, 250] {
            teach(&mut store, "m", [tokens; 150]);
            let estimate = per_1000(&mut store, "m");
            assert!(
                (tokens * 95..=tokens * 115).contains(&(estimate * 100)),
                "{estimate} instead of {tokens}"
            );
        }
        assert_eq!(per_1000(&mut store, "other"), 250);
    }

    #[test]
    fn outliers_move_little_and_nothing_moves_far() {
        let mut store = MemoryStore::default();
        teach(&mut store, "m", [300; 60]);
        for outlier in [1, u64::MAX] {
            let before = per_1000(&mut store, "m");
            teach(&mut store, "m", [outlier]);
            let after = per_1000(&mut store, "m");
            assert!(
                after.abs_diff(before) <= before / 16 + 1,
                "{before} {after}"
            );
        }
        // Among counts that differ it lies above the middle.
        teach(&mut store, "m", (0..400).map(|n| 200 + n * 7919 % 200));
        let estimate = per_1000(&mut store, "m");
        assert!((310..=380).contains(&estimate), "{estimate}");
        // One in ten.
        let mixed = (0..200).map(|n| if n % 10 == 0 { 100_000 } else { 300 });
        teach(&mut store, "m", mixed);
        let estimate = per_1000(&mut store, "m");
        assert!((270..400).contains(&estimate), "{estimate}");
        teach(&mut store, "m", [1; 500]);
        assert!((125..=145).contains(&per_1000(&mut store, "m")));
        teach(&mut store, "m", [u64::MAX; 500]);
        assert!((970..=1000).contains(&per_1000(&mut store, "m")));
    }

    #[test]
    fn what_others_learn_is_heard_within_a_second_whatever_the_clock_does() {
        let mut store = MemoryStore::default();
        let worker = Learned::default();
        assert_eq!(worker.ratio(NOW, &mut store, "m"), Ratio::DEFAULT);
        teach(&mut store, "m", [500; 150]);
        let secs = |secs: u64| Timestamp::from_secs(999_990 + secs);
        let taught = Learned::default().ratio(NOW, &mut store, "m");
        assert_ne!(taught, Ratio::DEFAULT);
        assert_eq!(worker.ratio(NOW, &mut store, "m"), Ratio::DEFAULT);
        assert_eq!(worker.ratio(secs(11), &mut store, "m"), taught);
        teach(&mut store, "m", [200; 150]);
        let taught = Learned::default().ratio(NOW, &mut store, "m");
        assert_eq!(worker.ratio(secs(0), &mut store, "m"), taught);
        // What it learns itself it knows at once.
        worker.learn(secs(0), &mut store, "m", 1000, 900);
        let own = worker.ratio(secs(0), &mut store, "m");
        assert_eq!(own, Learned::default().ratio(NOW, &mut store, "m"));
        assert_ne!(own, taught);
    }

    #[test]
    fn short_prompts_teach_nothing() {
        let mut store = MemoryStore::default();
        Learned::default().learn(NOW, &mut store, "m", 10, 10);
        Learned::default().learn(NOW, &mut store, "m", 1000, 0);
        assert!(store.is_empty());
    }

    #[test]
    fn memory_is_bounded_however_many_models_are_invented() {
        let (learned, mut store) = (Learned::default(), MemoryStore::default());
        for n in 0..20_000 {
            learned.learn(NOW, &mut store, &format!("invented-{n}"), 1000, 500);
        }
        assert!(store.len() <= usize::from(MODEL_SLOTS));
        let entry = RECORD_BYTES * MODELS_PER_SLOT_MAX + "portcullis/limits/2/learned/63".len();
        assert!(
            store.bytes() <= usize::from(MODEL_SLOTS) * entry,
            "{}",
            store.bytes()
        );
        assert!(per_1000(&mut store, "invented-19999") > 250);
    }

    proptest! {
        #[test]
        fn whatever_the_store_holds_estimates_stay_in_their_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let found: Vec<Record> = records(&bytes).collect();
            for record in &found {
                prop_assert!((Ratio::MIN..=Ratio::MAX).contains(&record.ratio));
            }
            let written = written(found.iter().copied());
            prop_assert_eq!(records(&written).collect::<Vec<_>>(), found);
        }
    }
}
