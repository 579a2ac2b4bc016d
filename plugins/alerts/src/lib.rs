//! Somebody is told when it matters: counts that are too high, texts that were found.
//!
//! What is watched stands in the section `alerts` of the policy, in the language of [`portcullis_policy::config::alerts`]. Two policies make
//! it work, because one has to stand before all others and one after them:
//!
//! - [`Gate`] refuses a source that an alert has blocked, before any key is looked at.
//! - [`Watch`] counts each exchange for those alerts that it concerns, notes the names of those that it sets off, and blocks. Requests count
//!   when they arrive, everything else when they are over. What the gate refused counts for nothing, so that a block ends.
//!
//! Counts are kept in the store, for all workers together: see [`ledger`] for how, and for what bounds them. An alert is *on* for a subject (a user,
//! an address, everybody …) from the moment its condition holds until its count has fallen to [`RECOVERED_PERCENT`] of the number, so that one
//! that hovers around the number is one alert and not a hundred.
//!
//! Texts are found by DLP, which looks for those of `alerts` under the alert's name; this crate reads the finding.
//!
//! Who is told, and how, stands in the section `notify`: see [`notify`].
//!
//! A store that gives no answer costs a count, never a request, except at the gate, which refuses what it cannot check.

mod blocks;
mod firing;
mod gate;
mod ledger;
mod notify;
mod rules;
mod series;
mod subject;
mod watch;

pub use gate::{Gate, gate};
pub use rules::RECOVERED_PERCENT;
pub use watch::{Watch, watch};

#[cfg(test)]
mod tests;
