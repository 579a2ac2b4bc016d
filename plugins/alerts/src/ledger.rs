//! Counts of all subjects, in the store.
//!
//! The host cannot delete an entry, so an entry for each subject would be a leak that whoever invents subjects could drive. There are
//! [`SLOTS`] entries; a subject lives in the one that its hash names, with all of its counts, so that one compare-and-swap counts for all
//! alerts about it. When a slot is written, subjects of which nothing counts any more are left out, and where there is no room, those
//! that have been quiet for the longest time. Everybody together has an entry of its own.
//!
//! At most [`SLOTS`] × [`SLOT_BYTES_MAX`] = 20 MiB, however many addresses attack.

use crate::rules::{Rule, Rules};
use crate::series::{ENTRY_BYTES, Series, Total};
use crate::subject::{SUBJECT_BYTES, Subject};
use portcullis_policy::config::alerts::ALERTS_MAX;
use portcullis_policy::sort::sort_by_key;
use portcullis_policy::{Store, StoreError, update};

/// Entries of the store that this policy counts in at most.
pub(crate) const SLOTS: u16 = 1024;

/// Most bytes of an entry. Protects the proxy's memory, and a worker from reading much for one request. Room for every alert of one subject,
/// counting as finely as it can.
pub(crate) const SLOT_BYTES_MAX: usize = 20 << 10;

/// Up to how many bytes other subjects stay in an entry when one is written: the rest is for a subject that counts much.
const OTHERS_BYTES_MAX: usize = 8 << 10;

/// Bytes of a record before its counts.
const HEAD_BYTES: usize = 2 + SUBJECT_BYTES + 8 + 8;

/// Bytes of one alert's count before its entries.
const COUNT_HEAD_BYTES: usize = 4 + 1 + 1 + 8;

const _: () = assert!(
    HEAD_BYTES + ALERTS_MAX * (COUNT_HEAD_BYTES + crate::series::ENTRIES_MAX * ENTRY_BYTES)
        <= SLOT_BYTES_MAX,
    "every alert of one subject fits into its slot"
);

/// What an exchange adds to the count of one alert.
pub(crate) struct Event<'a> {
    pub rule: &'a Rule,
    pub amount: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The condition holds, and did not before.
    pub fired: bool,
    /// The alert is on.
    pub on: bool,
    /// What the number of the condition is held against.
    pub value: u64,
}

/// Adds events of one subject; what came of each, in their order.
///
/// # Errors
/// [`StoreError`]: nothing is counted. A slot that holds what nobody here wrote is begun anew.
#[inline(never)]
pub(crate) fn count(
    store: &mut dyn Store,
    now_ms: u64,
    subject: Subject,
    rules: &Rules,
    events: &[Event<'_>],
) -> Result<Vec<Counted>, StoreError> {
    update(store, &key(subject), |old| {
        let (mut record, others) = split(old, subject, now_ms);
        let counted = events
            .iter()
            .map(|event| record.count(now_ms, event))
            .collect();
        (Some(record.written(now_ms, rules, others)), counted)
    })
}

/// The number names the layout of the value: the store outlives the modules that write to it.
fn key(subject: Subject) -> String {
    if subject == Subject::everybody() {
        "portcullis/alerts/1/all".to_owned()
    } else {
        format!("portcullis/alerts/1/{}", subject.place % SLOTS)
    }
}

/// One alert's count.
#[derive(Debug, Clone)]
struct Count<'a> {
    rule: u32,
    on: bool,
    /// When it was counted last.
    latest_ms: u64,
    entries: Entries<'a>,
}

/// What was counted: as it lies in the store where this exchange does not concern it.
#[derive(Debug, Clone)]
enum Entries<'a> {
    Stored(&'a [u8]),
    Open(Series),
}

/// All counts of one subject:
/// `length of what follows: u16 | subject | latest ms: u64 | over at ms: u64 | (rule: u32 | on: u8 | entries: u8 | latest ms: u64 | entries)*`,
/// numbers little endian.
#[derive(Debug, Default)]
struct Record<'a> {
    subject: [u8; SUBJECT_BYTES],
    counts: Vec<Count<'a>>,
}

/// A record of another subject, as it stands.
struct Other<'a> {
    bytes: &'a [u8],
    latest_ms: u64,
}

impl Record<'_> {
    fn count(&mut self, now_ms: u64, event: &Event<'_>) -> Counted {
        let rule = event.rule;
        let at = self.counts.iter().position(|known| known.rule == rule.id);
        let at = at.unwrap_or_else(|| {
            self.counts.push(Count {
                rule: rule.id,
                on: false,
                latest_ms: now_ms,
                entries: Entries::Open(Series::default()),
            });
            self.counts.len() - 1
        });
        let Some(known) = self.counts.get_mut(at) else {
            return Counted {
                fired: false,
                on: false,
                value: 0,
            };
        };
        let mut series = known.series();
        series.advance(now_ms, rule.window_ms);
        let was_on = known.on && !rule.recovered(series.total());
        series.add(now_ms, rule.window_ms, event.amount);
        let total = series.total();
        let holds = rule.fires(total);
        known.on = holds || was_on;
        let counted = Counted {
            fired: holds && !was_on,
            on: known.on,
            value: if known.on { rule.value(total) } else { 0 },
        };
        if counted.fired && rule.alert.block().is_some() {
            // The block is the answer to all of it; afterwards it counts anew.
            series = Series::default();
            known.on = false;
        }
        known.latest_ms = now_ms;
        known.entries = Entries::Open(series);
        counted
    }

    /// The bytes of the slot: this record, and of the others those that have been busy last, as far as there is room.
    fn written(&self, now_ms: u64, rules: &Rules, mut others: Vec<Other<'_>>) -> Vec<u8> {
        let mut own = vec![0; 2];
        own.extend_from_slice(&self.subject);
        own.extend_from_slice(&now_ms.to_le_bytes());
        own.extend_from_slice(&[0; 8]);
        let mut over_at_ms = 0;
        for known in &self.counts {
            // What the policy no longer has is forgotten.
            let Some(rule) = rules.find(known.rule) else {
                continue;
            };
            let known_over_at_ms = known.latest_ms.saturating_add(rule.window_ms);
            let (entries, over) = match &known.entries {
                Entries::Stored(bytes) => (bytes.len() / ENTRY_BYTES, known_over_at_ms <= now_ms),
                Entries::Open(series) => (series.len(), series.len() == 0),
            };
            if over {
                continue;
            }
            over_at_ms = over_at_ms.max(known_over_at_ms);
            own.extend_from_slice(&known.rule.to_le_bytes());
            own.push(u8::from(known.on));
            own.push(u8::try_from(entries).unwrap_or(u8::MAX));
            own.extend_from_slice(&known.latest_ms.to_le_bytes());
            match &known.entries {
                Entries::Stored(bytes) => own.extend_from_slice(bytes),
                Entries::Open(series) => series.write(known.latest_ms, &mut own),
            }
        }
        let length = u16::try_from(own.len() - 2)
            .unwrap_or(u16::MAX)
            .to_le_bytes();
        let over = over_at_ms.to_le_bytes();
        own.iter_mut().zip(length).for_each(|(to, from)| *to = from);
        own.iter_mut()
            .skip(2 + SUBJECT_BYTES + 8)
            .zip(over)
            .for_each(|(to, from)| *to = from);
        if over_at_ms == 0 {
            own.clear();
        }
        sort_by_key(&mut others, |other| std::cmp::Reverse(other.latest_ms));
        let room = OTHERS_BYTES_MAX.min(SLOT_BYTES_MAX.saturating_sub(own.len()));
        let mut bytes = Vec::with_capacity(own.len() + room);
        for other in others {
            if bytes.len() + other.bytes.len() > room {
                break;
            }
            bytes.extend_from_slice(other.bytes);
        }
        bytes.extend_from_slice(&own);
        bytes
    }
}

impl Count<'_> {
    fn series(&self) -> Series {
        match &self.entries {
            Entries::Stored(bytes) => Series::read(self.latest_ms, bytes).unwrap_or_default(),
            Entries::Open(series) => series.clone(),
        }
    }
}

/// The subject's own record, and those others of which something still counts.
fn split(mut bytes: &[u8], subject: Subject, now_ms: u64) -> (Record<'_>, Vec<Other<'_>>) {
    let mut own = Record {
        subject: subject.id,
        counts: Vec::new(),
    };
    let mut others = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let Some((record, rest)) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))
        else {
            break;
        };
        let whole = bytes
            .split_at_checked(2 + record.len())
            .map_or(record, |(whole, _)| whole);
        bytes = rest;
        let Some((id, latest_ms, over_at_ms, counts)) = head(record) else {
            break;
        };
        if *id == subject.id {
            own.counts = read_counts(counts).unwrap_or_default();
        } else if over_at_ms > now_ms {
            others.push(Other {
                bytes: whole,
                latest_ms,
            });
        }
    }
    (own, others)
}

fn head(record: &[u8]) -> Option<(&[u8; SUBJECT_BYTES], u64, u64, &[u8])> {
    let (id, rest) = record.split_first_chunk()?;
    let (latest, rest) = rest.split_first_chunk()?;
    let (over_at, counts) = rest.split_first_chunk()?;
    Some((
        id,
        u64::from_le_bytes(*latest),
        u64::from_le_bytes(*over_at),
        counts,
    ))
}

fn read_counts(mut bytes: &[u8]) -> Option<Vec<Count<'_>>> {
    let mut counts = Vec::new();
    while !bytes.is_empty() {
        let (rule, rest) = bytes.split_first_chunk()?;
        let ([on, entries], rest) = rest.split_first_chunk()?;
        let (latest, rest) = rest.split_first_chunk()?;
        let (series, rest) = rest.split_at_checked(usize::from(*entries) * ENTRY_BYTES)?;
        counts.push(Count {
            rule: u32::from_le_bytes(*rule),
            on: *on == 1,
            latest_ms: u64::from_le_bytes(*latest),
            entries: Entries::Stored(series),
        });
        bytes = rest;
    }
    Some(counts)
}

/// The count of one alert and subject as it stands; `None` when nothing is known.
///
/// # Errors
/// [`StoreError`] when the store gives no answer.
pub(crate) fn look(
    store: &mut dyn Store,
    now_ms: u64,
    subject: Subject,
    rule: &Rule,
) -> Result<Option<Total>, StoreError> {
    let Some((bytes, _)) = store.load(&key(subject))? else {
        return Ok(None);
    };
    let (record, _) = split(&bytes, subject, now_ms);
    let known = record.counts.iter().find(|known| known.rule == rule.id);
    Ok(known.map(|known| {
        let mut series = known.series();
        series.advance(now_ms, rule.window_ms);
        series.total()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::MemoryStore;
    use portcullis_policy::config::Document;
    use std::net::IpAddr;

    const WINDOW_MS: u64 = 60_000;

    fn rules() -> Rules {
        let policy = br#"{"alerts": [{"name": "a", "condition": "requests > 1 by source", "action": "flag for review"}]}"#;
        Rules::read(&Document::parse(policy).unwrap()).unwrap()
    }

    /// Subjects that share an entry of the store.
    fn neighbours() -> impl Iterator<Item = Subject> {
        let source = |n: u32| Subject::source(IpAddr::from(n.to_be_bytes()));
        (0..)
            .map(source)
            .filter(|subject| subject.place % SLOTS == 7)
    }

    fn seen(store: &mut MemoryStore, now_ms: u64, subject: Subject, rules: &Rules) {
        let rule = &rules.all()[0];
        count(store, now_ms, subject, rules, &[Event { rule, amount: 1 }]).unwrap();
    }

    #[test]
    fn who_counts_for_nothing_any_more_takes_no_room() {
        let (rules, mut store, mut alone) =
            (rules(), MemoryStore::default(), MemoryStore::default());
        let mut subjects = neighbours();
        let (one, other) = (subjects.next().unwrap(), subjects.next().unwrap());
        seen(&mut store, 1, one, &rules);
        seen(&mut store, WINDOW_MS, other, &rules);
        seen(&mut alone, WINDOW_MS + 1, other, &rules);
        assert!(store.bytes() > alone.bytes());
        seen(&mut store, WINDOW_MS + 1, other, &rules);
        seen(&mut alone, WINDOW_MS + 1, other, &rules);
        let head = alone.bytes();
        assert!(
            store.bytes() < head + ENTRY_BYTES * 2,
            "{} {head}",
            store.bytes()
        );
    }

    #[test]
    fn who_was_quiet_for_the_longest_time_makes_room() {
        let (rules, mut store) = (rules(), MemoryStore::default());
        let subjects: Vec<Subject> = neighbours().take(1000).collect();
        for (now_ms, subject) in (0..).zip(&subjects) {
            seen(&mut store, now_ms, *subject, &rules);
        }
        assert!(store.bytes() < OTHERS_BYTES_MAX + 200, "{}", store.bytes());
        let rule = &rules.all()[0];
        let mut known =
            |subject: &Subject| look(&mut store, 1000, *subject, rule).unwrap().is_some();
        assert!(subjects.iter().rev().take(100).all(&mut known));
        assert!(!subjects.iter().take(100).any(known));
    }
}
