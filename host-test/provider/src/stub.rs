//! The state that all connections share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::ensure;
use hyper::http::request::Parts;

use crate::entry::Entry;
use crate::prebuilt::Prebuilt;
use crate::record::Recorder;
use crate::script::Script;
use crate::totals::Counters;

/// The most scripts that may wait for their requests: what a test sets in advance, not a store.
pub const SCRIPTS_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Stub {
    keys: Keys,
    /// `None` while recording is off.
    pub(crate) recorder: Option<Arc<Recorder>>,
    /// `None` while recording is on.
    pub(crate) prebuilt: Option<Prebuilt>,
    pub(crate) counters: Arc<Counters>,
    scripts: Mutex<Scripts>,
    seq: AtomicU64,
}

/// The keys that are let in; where none is set, any is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    pub(crate) by_provider: BTreeMap<String, String>,
    /// For providers without a key of their own.
    pub(crate) any: Option<String>,
}

#[derive(Debug, Default)]
struct Scripts {
    /// One for each of the next requests.
    next: VecDeque<Script>,
    /// For all others.
    standing: Script,
}

impl Stub {
    pub(crate) fn new(keys: Keys, record: bool) -> Stub {
        Stub {
            keys,
            recorder: record.then(Arc::default),
            prebuilt: (!record).then(Prebuilt::default),
            ..Stub::default()
        }
    }

    /// Opens the account of a request.
    pub(crate) fn open(&self, head: &Parts) -> Entry {
        let seq = self.seq.fetch_add(1, Ordering::Relaxed) + 1;
        Entry::open(seq, head, self.recorder.as_ref(), &self.counters)
    }

    /// Whether a request with these credentials is let in: exactly one, and the right one.
    pub(crate) fn admits(&self, provider: &str, credentials: &[&[u8]]) -> bool {
        let key = self
            .keys
            .by_provider
            .get(provider)
            .or(self.keys.any.as_ref());
        key.is_none_or(|key| *credentials == [key.as_bytes()])
    }

    /// The script for the request at hand.
    pub(crate) fn next_script(&self) -> Script {
        let mut scripts = self.scripts();
        scripts
            .next
            .pop_front()
            .unwrap_or_else(|| scripts.standing.clone())
    }

    /// The script for all requests that no other is set for.
    pub(crate) fn standing_script(&self) -> Script {
        self.scripts().standing.clone()
    }

    /// Sets the script for all requests that no other is set for.
    pub(crate) fn set_script(&self, script: Script) {
        self.scripts().standing = script;
    }

    /// Adds scripts for the next requests. Fails, and adds none, if more than [`SCRIPTS_MAX`] would wait.
    pub(crate) fn push_scripts(&self, scripts: Vec<Script>) -> anyhow::Result<()> {
        let mut kept = self.scripts();
        ensure!(
            kept.next.len().saturating_add(scripts.len()) <= SCRIPTS_MAX,
            "at most {SCRIPTS_MAX} scripts can wait"
        );
        kept.next.extend(scripts);
        Ok(())
    }

    /// Back to ordinary answers.
    pub(crate) fn clear_scripts(&self) {
        *self.scripts() = Scripts::default();
    }

    fn scripts(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
