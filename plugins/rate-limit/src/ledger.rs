//! Takes from all accounts that a request falls under, or from none.
//!
//! Several accounts lie in several entries of the store, which cannot be swapped together. So all are read and asked first; one that
//! refuses costs nobody anything. Then they are swapped one after the other, each only if nobody came between; when somebody did, what
//! was taken so far is put back and everything is asked again. In between, others may see a little less than there is, never more.

use crate::account::{Account, Obstacle, tighter};
use crate::claim::Claim;
use crate::permits::Permit;
use crate::slot::{SLOT_BYTES_MAX, Slot};
use portcullis_policy::{Budget, Store, StoreError, Timestamp, update};
use std::time::Duration;

/// How often a reservation starts over before it gives up. Protects a worker from spinning: each time, another worker was served.
const ATTEMPTS_MAX: u32 = 64;

/// What a request takes of each of its claims: one request, one permit, and these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    /// When.
    pub now: Timestamp,
    /// Tokens, of prompt and completion.
    pub tokens: u64,
    /// After which time a permit gives itself back.
    pub lease: Duration,
}

/// A claim from which a request took.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    claim: Claim,
    permit: Option<Permit>,
}

/// Why nothing was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denial {
    /// This stands against it, in at least one account; and what is left, all accounts together.
    Obstacle(Obstacle, Budget),
    /// The store gives no answer, or has no room for another subject.
    Unavailable,
}

impl From<StoreError> for Denial {
    fn from(_: StoreError) -> Self {
        Self::Unavailable
    }
}

/// What became of a request that took something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It cost nobody anything: as if it had not been.
    Undone,
    /// It was served, and used so many tokens.
    Used(u64),
}

/// Takes what a request asks for from the accounts of all `claims`, which must be of different subjects.
///
/// # Errors
/// [`Denial`], and then nothing was taken.
#[inline(never)]
pub(crate) fn reserve(
    store: &mut dyn Store,
    claims: &[Claim],
    demand: Demand,
) -> Result<(Vec<Hold>, Budget), Denial> {
    for _ in 0..ATTEMPTS_MAX {
        let entries = read(store, claims, demand.now)?;
        if let Some(denial) = denial(&entries, demand) {
            let behind = entries
                .into_iter()
                .filter(|entry| entry.slot.clock_set_back);
            for Entry { key, version, slot } in behind {
                // Whoever comes between, or the next refusal, does the same.
                let _ = store.swap(key, &slot.into_bytes(), version);
            }
            return Err(denial);
        }
        let mut holds = Vec::with_capacity(claims.len());
        let mut budget = Budget::default();
        let taken: Result<bool, Denial> = entries.into_iter().try_fold(true, |so_far, entry| {
            Ok(so_far && take(store, entry, demand, &mut holds, &mut budget)?)
        });
        if taken == Ok(true) {
            return Ok((holds, budget));
        }
        for hold in holds {
            // What cannot be put back is lost to its subject until the bucket has filled and the lease is over: too little, not too much.
            let _ = settle(store, demand.now, hold, demand.tokens, Outcome::Undone);
        }
        taken?;
    }
    Err(Denial::Unavailable)
}

/// Ends what [`reserve`] began, for one of its holds: the permit goes back, and of the `reserved` tokens those that were not used.
///
/// # Errors
/// [`StoreError`]: the hold stays until the bucket has filled and the lease is over.
pub(crate) fn settle(
    store: &mut dyn Store,
    now: Timestamp,
    hold: Hold,
    reserved: u64,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let Hold { claim, permit } = hold;
    update(store, &claim.subject.slot, |old| {
        let Some(mut slot) = Slot::read(old, now, &[&claim]) else {
            return (None, ());
        };
        for (claim, account) in &mut slot.accounts {
            let used = match outcome {
                Outcome::Undone => {
                    account.give_back_request(&claim.quota);
                    0
                }
                Outcome::Used(used) => used,
            };
            account.settle_tokens(&claim.quota, reserved, used);
            if let Some(permit) = permit {
                account.give_back_permit(permit);
            }
        }
        let bytes = slot.into_bytes();
        // An account that was idle and now owes something may find its slot full. It is then forgiven.
        let fits = bytes.len() <= old.len().max(SLOT_BYTES_MAX);
        ((fits && bytes != old).then_some(bytes), ())
    })
}

/// One entry of the store as it was read.
struct Entry<'a> {
    key: &'a str,
    version: Option<u32>,
    slot: Slot<'a>,
}

fn read<'a>(
    store: &mut dyn Store,
    claims: &'a [Claim],
    now: Timestamp,
) -> Result<Vec<Entry<'a>>, Denial> {
    let mut keys: Vec<&str> = Vec::with_capacity(claims.len());
    for claim in claims {
        if !keys.contains(&&*claim.subject.slot) {
            keys.push(&claim.subject.slot);
        }
    }
    let entry = |key| {
        let (bytes, version) = store
            .load(key)?
            .map_or((Vec::new(), None), |(bytes, version)| {
                (bytes, Some(version))
            });
        let living_here: Vec<&Claim> = claims
            .iter()
            .filter(|claim| *claim.subject.slot == *key)
            .collect();
        let slot = Slot::read(&bytes, now, &living_here).ok_or(Denial::Unavailable)?;
        Ok(Entry { key, version, slot })
    };
    keys.into_iter().map(entry).collect()
}

/// What stands against the request in any of its accounts.
fn denial(entries: &[Entry<'_>], demand: Demand) -> Option<Denial> {
    let accounts = || entries.iter().flat_map(|entry| &entry.slot.accounts);
    let obstacles = accounts()
        .filter_map(|(claim, account)| account.obstacle(demand.now, &claim.quota, demand.tokens));
    let worst = obstacles.max_by_key(Obstacle::wait)?;
    let mut budget = Budget::default();
    for (claim, account) in accounts() {
        tighten(&mut budget, claim, account);
    }
    Some(Denial::Obstacle(worst, budget))
}

/// Takes from the accounts of one entry; false when somebody came between.
fn take(
    store: &mut dyn Store,
    entry: Entry<'_>,
    demand: Demand,
    holds: &mut Vec<Hold>,
    budget: &mut Budget,
) -> Result<bool, Denial> {
    let Entry {
        key,
        version,
        mut slot,
    } = entry;
    let mut taken = Vec::with_capacity(slot.accounts.len());
    for (claim, account) in &mut slot.accounts {
        let permit = account.take(&claim.quota, demand.tokens, demand.lease);
        taken.push(Hold {
            claim: claim.clone(),
            permit,
        });
        tighten(budget, claim, account);
    }
    let bytes = slot.into_bytes();
    if bytes.len() > SLOT_BYTES_MAX {
        return Err(Denial::Unavailable);
    }
    let swapped = store.swap(key, &bytes, version)?;
    if swapped {
        holds.append(&mut taken);
    }
    Ok(swapped)
}

/// Adds what is left in an account to what is left in others.
fn tighten(budget: &mut Budget, claim: &Claim, account: &Account) {
    let other = account.budget(&claim.quota);
    budget.requests = tighter(budget.requests, other.requests);
    budget.tokens = tighter(budget.tokens, other.tokens);
}
