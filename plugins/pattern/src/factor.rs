//! What every match of a pattern contains, so that most places of a text can be ruled out without following a candidate.

use super::bytes::ByteSet;
use super::dfa::Dfa;
use super::expr::Expr;
use super::look::Neighbor;
use super::nfa::{Nfa, State};

/// Most bytes that a factor looks at. More would seldom rule out more, and all factors share few machine words.
pub const FACTOR_BYTES_MAX: usize = 24;

/// How rare a factor should be. A false alarm costs about as much as scanning fifty bytes; the rest is for texts that are not average.
const RARE: f64 = 1.0 / 1_048_576.0;

/// Most beginnings of a factor that are tried. Protects start-up.
const BEGINNINGS_MAX: usize = 48;

/// A sequence of byte sets that stands in every match, and where matches begin before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// The sets, in order.
    pub sets: Vec<ByteSet>,
    /// What must stand before them, when not everything can.
    pub before: Option<ByteSet>,
    /// Whether they can stand at the beginning of the text.
    pub at_edge: bool,
    /// `None`: a match begins with them. Otherwise what comes before them in a match is a run of bytes of this set.
    pub lead: Option<ByteSet>,
    /// How many of the sets it takes to be rare.
    pub enough: usize,
    rarity: f64,
}

impl Factor {
    /// Finds a factor that is rare, or the rarest.
    ///
    /// # Errors
    /// A sentence, when a part of the pattern is too large.
    #[inline(never)]
    pub(crate) fn of(parts: &[Expr], whole: &Nfa, dfa: &Dfa) -> Result<Self, String> {
        let mut best = Self::at_start(whole, dfa);
        for beginning in 1..parts.len().min(BEGINNINGS_MAX) {
            if best.rarity <= RARE {
                break;
            }
            let (Some(lead), Some(rest)) = (parts.get(..beginning), parts.get(beginning..)) else {
                break;
            };
            let inner = Self::inside(
                lead,
                &Nfa::new(rest).map_err(|_| super::TOO_LARGE)?,
                &Nfa::new(lead).map_err(|_| super::TOO_LARGE)?,
            );
            // To walk back over a run costs something, so it has to be worth it.
            if inner.rarity * 16.0 < best.rarity {
                best = inner;
            }
        }
        Ok(best)
    }

    fn at_start(nfa: &Nfa, dfa: &Dfa) -> Self {
        let can_follow = |before: Neighbor| !dfa.start(before).stops();
        let before: ByteSet = (0..=u8::MAX)
            .filter(|byte| can_follow(Neighbor::of(Some(*byte))))
            .collect();
        let at_edge = can_follow(Neighbor::Edge);
        let anywhere = at_edge && before == ByteSet::ALL;
        let mut factor = Self::rare(nfa, (!anywhere).then_some(before), at_edge, None);
        if factor.sets.is_empty() {
            // Only the automaton knows that its assertions contradict each other where nothing is taken: something always is.
            factor = Self {
                sets: vec![ByteSet::ALL],
                enough: 1,
                rarity: 1.0,
                ..factor
            };
        }
        factor
    }

    fn inside(lead: &[Expr], rest: &Nfa, lead_nfa: &Nfa) -> Self {
        let run = lead_nfa
            .states()
            .iter()
            .fold(ByteSet::default(), |run, state| match state {
                State::Bytes(set, _) => run.union(*set),
                State::Split(_) | State::Look(..) | State::Match => run,
            });
        let needs_lead = !lead.iter().all(Expr::can_be_empty);
        Self::rare(rest, needs_lead.then_some(run), !needs_lead, Some(run))
    }

    fn rare(nfa: &Nfa, before: Option<ByteSet>, at_edge: bool, lead: Option<ByteSet>) -> Self {
        let sets = first_sets(nfa);
        let mut rarity = before.map_or(1.0, frequency);
        let mut enough = 0;
        for set in &sets {
            if rarity <= RARE && enough > 0 {
                break;
            }
            rarity *= frequency(*set);
            enough += 1;
        }
        if sets.is_empty() {
            rarity = f64::INFINITY; // what can be empty stands everywhere
        }
        Self {
            sets,
            before,
            at_edge,
            lead,
            enough,
            rarity,
        }
    }
}

/// The sets that the first bytes of every match are in, up to the length of the shortest match. Assertions count as holding.
fn first_sets(nfa: &Nfa) -> Vec<ByteSet> {
    let mut sets = Vec::new();
    let mut now = closure(nfa, [nfa.start()]);
    while sets.len() < FACTOR_BYTES_MAX
        && !now.is_empty()
        && !now.iter().any(|id| *nfa.state(*id) == State::Match)
    {
        let mut set = ByteSet::default();
        let mut nexts = Vec::new();
        for id in &now {
            if let State::Bytes(bytes, next) = nfa.state(*id) {
                set = set.union(*bytes);
                nexts.push(*next);
            }
        }
        sets.push(set);
        now = closure(nfa, nexts);
    }
    sets
}

fn closure(nfa: &Nfa, from: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let mut seen = vec![false; nfa.len()];
    let mut reached = Vec::new();
    let mut stack: Vec<u32> = from.into_iter().collect();
    while let Some(id) = stack.pop() {
        let Some(seen) = seen.get_mut(id as usize) else {
            continue;
        };
        if !std::mem::replace(seen, true) {
            reached.push(id);
            match nfa.state(id) {
                State::Split(targets) => stack.extend(targets),
                State::Look(_, next) => stack.push(*next),
                State::Bytes(..) | State::Match => {}
            }
        }
    }
    reached
}

/// About how often a byte of the set comes up, in the text that makes it come up most: digits in logs, letters in prose, and so on.
fn frequency(set: ByteSet) -> f64 {
    let sum: f64 = set
        .iter()
        .map(|byte| match byte {
            b' ' | b'a'..=b'z' => 1.0 / 16.0,
            b'0'..=b'9' | b'A'..=b'Z' => 1.0 / 24.0,
            b'\n' | b'!'..=b'~' => 1.0 / 48.0,
            _ => 1.0 / 128.0,
        })
        .sum();
    // Even letters do not come in endless runs.
    if set.len() > 200 { 1.0 } else { sum.min(0.9) }
}
