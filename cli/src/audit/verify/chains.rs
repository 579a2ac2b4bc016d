//! Every chain in the files, followed from record to record. Memory is bounded by the number of chains, not by that of records.

use super::super::line::Line;
use super::report::{Problem, Report};
use super::{Claim, Head};
use portcullis_audit::seal::{NOTHING, Persons};
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};

/// How many of a chain's last seals are remembered: for heads that are recorded after the records they name, and for the largest batch that a
/// collector may get twice.
const RECENT_MAX: usize = 1024;

/// Most ranges of missing records of one chain that wait for a record of the gap.
const MISSING_MAX: usize = 10_000;

type Mac = [u8; 32];

/// What is known of a chain.
struct Chain {
    seq: u64,
    mac: Mac,
    records: u64,
    recent: VecDeque<(u64, Mac)>,
    /// Ranges of numbers that no record had, by the first.
    missing: BTreeMap<u64, u64>,
}

/// All chains.
pub(super) struct Chains {
    retained: bool,
    collector: bool,
    chains: BTreeMap<String, Chain>,
    /// Heads that are still to come, by chain and number.
    claims: BTreeMap<String, BTreeMap<u64, Claim>>,
    /// What the gateway recorded as not delivered.
    gaps: BTreeMap<String, Vec<(u64, u64)>>,
    /// Records without their persons, and how many records of erasures account for.
    erased: u64,
    accounted: u64,
}

/// What records of the chain itself say.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    heads: Vec<Head>,
    #[serde(default)]
    follows: Option<Follows>,
    #[serde(default)]
    missing: Option<Gap>,
    #[serde(default)]
    erasure: Option<Erasure>,
}

#[derive(Deserialize)]
struct Follows {
    id: String,
    seq: u64,
    #[serde(default)]
    delivered: Option<u64>,
}

#[derive(Deserialize)]
struct Gap {
    id: String,
    from: u64,
    to: u64,
}

#[derive(Deserialize)]
struct Erasure {
    records: u64,
}

impl Chains {
    pub fn new(retained: bool, collector: bool) -> Self {
        Self {
            retained,
            collector,
            chains: BTreeMap::new(),
            claims: BTreeMap::new(),
            gaps: BTreeMap::new(),
            erased: 0,
            accounted: 0,
        }
    }

    /// A head that must be in the files.
    pub fn claim(&mut self, claim: Claim) {
        let of_chain = self.claims.entry(claim.id.clone()).or_default();
        of_chain.insert(claim.seq, claim);
    }

    /// The next line.
    pub fn take(&mut self, line: &Line<'_>, bytes: &[u8], holds: bool, report: &mut Report) {
        report.record();
        let (id, seq) = (line.link.id, line.link.seq);
        if !holds {
            report.problem(Problem::Changed {
                id: id.to_owned(),
                seq,
            });
        }
        let Some(mac) = portcullis_audit::unhex(line.mac) else {
            return;
        };
        if matches!(line.persons, Persons::Erased(_)) {
            self.erased += 1;
        }
        if !self.follow(line, mac, report) {
            return;
        }
        // What a changed record tells is not believed.
        let tells = matches!(
            line.event.as_ref(),
            "start" | "config_change" | "heads" | "gap" | "erasure"
        );
        if holds
            && tells
            && let Ok(told) = serde_json::from_slice(bytes)
        {
            self.hear(line, told, report);
        }
    }

    /// Puts a record into its chain; `false` when it has no place there.
    fn follow(&mut self, line: &Line<'_>, mac: Mac, report: &mut Report) -> bool {
        let (id, seq) = (line.link.id, line.link.seq);
        let Some(chain) = self.chains.get_mut(id) else {
            if seq > 0 && !self.retained && !self.collector {
                report.problem(Problem::NoBeginning {
                    id: id.to_owned(),
                    seq,
                });
            }
            let mut chain = Chain {
                seq,
                mac,
                records: 1,
                recent: VecDeque::from([(seq, mac)]),
                missing: BTreeMap::new(),
            };
            if seq > 0 && self.collector && !self.retained {
                chain.missing.insert(0, seq - 1);
            }
            self.chains.insert(id.to_owned(), chain);
            self.meet_claim(id, seq, mac, report);
            return true;
        };
        if seq <= chain.seq {
            let again = chain
                .recent
                .iter()
                .any(|(have, seal)| *have == seq && *seal == mac);
            // A collector may get a batch twice.
            if !(again && self.collector) {
                let id = id.to_owned();
                report.problem(if again {
                    Problem::Repeated { id, seq }
                } else {
                    Problem::OutOfOrder {
                        id,
                        seq,
                        after: chain.seq,
                    }
                });
            }
            return false;
        }
        if seq == chain.seq + 1 {
            if portcullis_audit::unhex(line.link.prev) != Some(chain.mac) {
                report.problem(Problem::Broken {
                    id: id.to_owned(),
                    seq,
                });
            }
        } else {
            let (from, to) = (chain.seq + 1, seq - 1);
            if self.collector && chain.missing.len() < MISSING_MAX {
                chain.missing.insert(from, to);
            } else {
                report.problem(Problem::Missing {
                    id: id.to_owned(),
                    from,
                    to,
                });
            }
        }
        chain.seq = seq;
        chain.mac = mac;
        chain.records += 1;
        if chain.recent.len() >= RECENT_MAX {
            chain.recent.pop_front();
        }
        chain.recent.push_back((seq, mac));
        self.meet_claim(id, seq, mac, report);
        true
    }

    /// Compares a record with what was said of it before it came.
    fn meet_claim(&mut self, id: &str, seq: u64, mac: Mac, report: &mut Report) {
        if let Some(claims) = self.claims.get_mut(id)
            && let Some(claim) = claims.remove(&seq)
            && claim.mac != mac
        {
            report.problem(Problem::OtherHead {
                id: id.to_owned(),
                seq,
            });
        }
    }

    fn hear(&mut self, line: &Line<'_>, told: Told, report: &mut Report) {
        let begins = line.link.seq == 0;
        if let Some(follows) = told.follows.filter(|_| begins)
            && let Some(mac) = portcullis_audit::unhex(line.link.prev)
        {
            let claim = Claim {
                id: follows.id,
                seq: follows.seq,
                mac,
                delivered: follows.delivered,
            };
            self.compare(claim, report);
        } else if begins && line.link.prev != NOTHING {
            report.problem(Problem::Broken {
                id: line.link.id.to_owned(),
                seq: 0,
            });
        }
        for claim in told.heads.into_iter().filter_map(Head::claim) {
            self.compare(claim, report);
        }
        if let Some(gap) = told.missing {
            self.gaps
                .entry(gap.id)
                .or_default()
                .push((gap.from, gap.to));
        }
        if let Some(erasure) = told.erasure {
            self.accounted = self.accounted.saturating_add(erasure.records);
        }
    }

    /// A head that a record names: compared when the record it names was just read, kept when it is still to come. One that lies further back is
    /// covered by those after it.
    fn compare(&mut self, claim: Claim, report: &mut Report) {
        let known = self
            .chains
            .get(&claim.id)
            .filter(|chain| chain.seq >= claim.seq);
        let Some(chain) = known else {
            // Of what is still to come, the last says all.
            let of_chain = self.claims.entry(claim.id.clone()).or_default();
            if of_chain
                .last_key_value()
                .is_none_or(|(seq, _)| *seq <= claim.seq)
            {
                of_chain.insert(claim.seq, claim);
            }
            return;
        };
        let mut recent = chain.recent.iter();
        if let Some((_, mac)) = recent.find(|(seq, _)| *seq == claim.seq)
            && *mac != claim.mac
        {
            report.problem(Problem::OtherHead {
                id: claim.id,
                seq: claim.seq,
            });
        }
    }

    /// No line follows: what was announced and never came?
    pub fn finish(self, report: &mut Report) {
        for (id, claims) in &self.claims {
            let Some((_, claim)) = claims.last_key_value() else {
                continue;
            };
            let id = id.clone();
            let excused =
                |from: u64| self.collector && claim.delivered.is_some_and(|count| count <= from);
            match self.chains.get(&id) {
                // Told as missing already, or older than what was retained.
                Some(chain) if claim.seq <= chain.seq => {}
                Some(chain) if excused(chain.seq + 1) => {
                    report.excuse(claim.seq.saturating_sub(chain.seq));
                }
                Some(chain) => report.problem(Problem::CutOff {
                    id,
                    seq: chain.seq,
                    known: claim.seq,
                }),
                None if excused(0) => report.excuse(claim.seq + 1),
                None if self.retained => {}
                None => report.problem(Problem::Vanished {
                    id,
                    known: claim.seq,
                }),
            }
        }
        for (id, chain) in &self.chains {
            let gaps = self.gaps.get(id).map(Vec::as_slice).unwrap_or_default();
            for (from, to) in &chain.missing {
                if covered(*from, *to, gaps) {
                    report.excuse(to - from + 1);
                } else {
                    report.problem(Problem::Missing {
                        id: id.clone(),
                        from: *from,
                        to: *to,
                    });
                }
            }
        }
        if self.erased > self.accounted {
            report.problem(Problem::Unaccounted {
                erased: self.erased,
                accounted: self.accounted,
            });
        }
        for (id, chain) in &self.chains {
            report.chain(id, chain.records, chain.seq, &chain.mac);
        }
    }
}

/// Whether every number of a range lies in one of the gaps.
fn covered(from: u64, to: u64, gaps: &[(u64, u64)]) -> bool {
    let mut gaps = gaps.to_vec();
    gaps.sort_unstable();
    let mut next = from;
    for (first, last) in gaps {
        if first > next {
            break;
        }
        next = next.max(last.saturating_add(1));
    }
    next > to
}
