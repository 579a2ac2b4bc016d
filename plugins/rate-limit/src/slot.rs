//! Where accounts are kept: a fixed number of entries of the shared store, each with the accounts of the subjects that hash to it.
//!
//! The host cannot delete an entry, so an entry for each subject would be a leak that whoever invents subjects could drive. Here idle
//! accounts (full buckets, no permits) are dropped whenever their slot is written, and what is not idle must fit. All slots together
//! take at most [`SLOTS`] × [`SLOT_BYTES_MAX`] = 16 MiB, room for well over 100,000 subjects that have used something within the last
//! minute or so; a subject that finds its slot full is refused.

use crate::account::{Account, resume_at};
use crate::claim::{Claim, SUBJECT_BYTES};
use portcullis_policy::Timestamp;

/// Entries of the store that this policy uses at most.
pub const SLOTS: u16 = 4096;

/// Most bytes of an entry. Protects the proxy's memory, and a worker from reading much for one request.
pub const SLOT_BYTES_MAX: usize = 4096;

/// The key of a slot. The number names the layout of the value: a later module that lays it out differently must take another, since
/// the store outlives the modules that write to it.
pub(crate) fn key(slot: u16) -> String {
    format!("portcullis/limits/2/{slot}")
}

/// A slot as it was read, with the accounts at hand taken out.
pub(crate) struct Slot<'a> {
    /// Records of other subjects that are not idle.
    others: Vec<u8>,
    /// The accounts at hand, brought to the present.
    pub accounts: Vec<(&'a Claim, Account)>,
    /// The clock was set back since one of them was written. Until the slot is written again, no time goes by for that one.
    pub clock_set_back: bool,
}

impl<'a> Slot<'a> {
    /// Reads a slot for those claims whose subjects live in it; `None` when the bytes are not ours.
    #[inline(never)]
    pub fn read(mut bytes: &[u8], now: Timestamp, claims: &[&'a Claim]) -> Option<Self> {
        let mut slot = Self {
            others: Vec::with_capacity(bytes.len()),
            accounts: claims
                .iter()
                .map(|claim| (*claim, Account::default()))
                .collect(),
            clock_set_back: false,
        };
        while !bytes.is_empty() {
            let (record, rest) = Record::split(bytes)?;
            bytes = rest;
            match slot
                .accounts
                .iter_mut()
                .find(|(claim, _)| claim.subject.id == record.subject)
            {
                Some((_, account)) => {
                    *account = Account::from_bytes(record.at, record.account)?;
                    slot.clock_set_back |= resume_at(record.at, now) < record.at;
                }
                None => record.write_unless_idle(now, &mut slot.others),
            }
        }
        for (claim, account) in &mut slot.accounts {
            account.advance(now, &claim.quota);
        }
        Some(slot)
    }

    /// The bytes to write.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.others;
        let mut account_bytes = Vec::new();
        for (claim, account) in self.accounts {
            account_bytes.clear();
            account.write(&mut account_bytes);
            let idle_after_nanos = account.idle_after_nanos(&claim.quota);
            let record = Record {
                subject: claim.subject.id,
                at: account.at(),
                idle_after_nanos,
                account: &account_bytes,
            };
            record.write_unless_idle(account.at(), &mut bytes);
        }
        bytes
    }
}

/// One account in a slot: `length of the account: u16 | subject | at: u64 | idle after: u64 | account`, numbers little endian.
struct Record<'a> {
    subject: [u8; SUBJECT_BYTES],
    at: Timestamp,
    idle_after_nanos: u64,
    account: &'a [u8],
}

impl<'a> Record<'a> {
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (length, bytes) = bytes.split_first_chunk()?;
        let (subject, bytes) = bytes.split_first_chunk()?;
        let (at, bytes) = bytes.split_first_chunk()?;
        let (idle_after, bytes) = bytes.split_first_chunk()?;
        let (account, rest) = bytes.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let at = Timestamp::from_nanos(u64::from_le_bytes(*at));
        Some((
            Self {
                subject: *subject,
                at,
                idle_after_nanos: u64::from_le_bytes(*idle_after),
                account,
            },
            rest,
        ))
    }

    fn write_unless_idle(&self, now: Timestamp, out: &mut Vec<u8>) {
        // After the clock was set back, what would be idle in a minute would otherwise stay until the clock is where it was.
        let at = if now < self.at {
            resume_at(self.at, now)
        } else {
            self.at
        };
        let idle = now.since(at).as_nanos() >= u128::from(self.idle_after_nanos);
        let Some(length) = u16::try_from(self.account.len()).ok().filter(|_| !idle) else {
            return;
        };
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&self.subject);
        out.extend_from_slice(&at.as_nanos().to_le_bytes());
        out.extend_from_slice(&self.idle_after_nanos.to_le_bytes());
        out.extend_from_slice(self.account);
    }
}
