//! What was seen of a text, by rule: the same thing may be seen in several ways, and is one match.
//!
//! Matches come in the order in which they are decided, which is not that of their places; one counts unless it overlaps one that came before.

use std::ops::Range;

/// A match, and all that overlaps it.
#[derive(Debug, Clone)]
struct Match {
    range: Range<usize>,
    /// It stays as it is.
    stays: bool,
}

/// The matches of a text that others can still overlap.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// By rule, in the order of their places, apart from each other.
    rules: Vec<(u16, Vec<Match>)>,
}

impl Seen {
    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Forgets what ends before all that is still to come.
    pub(crate) fn forget(&mut self, before: usize) {
        for (_, matches) in &mut self.rules {
            let gone = matches.partition_point(|other| other.range.end < before);
            matches.drain(..gone);
        }
    }

    /// Whether what overlaps `range` stays as it is; `None` when nothing does. With `continues`, what ends where it begins counts, too.
    pub(crate) fn fate(&self, rule: u16, range: &Range<usize>, continues: bool) -> Option<bool> {
        let (_, matches) = self.rules.iter().find(|(other, _)| *other == rule)?;
        let touching = matches.get(touching(matches, range, continues))?;
        let mut fates = touching.iter().map(|other| other.stays);
        let first = fates.next()?;
        // What is to go of one of them goes of all.
        Some(fates.fold(first, |all, one| all && one))
    }

    /// A match, of which `stays` became.
    pub(crate) fn add(&mut self, rule: u16, range: Range<usize>, stays: bool, continues: bool) {
        let index = match self.rules.iter().position(|(other, _)| *other == rule) {
            Some(index) => index,
            None => {
                self.rules.push((rule, Vec::new()));
                self.rules.len() - 1
            }
        };
        let Some((_, matches)) = self.rules.get_mut(index) else {
            return;
        };
        let among = touching(matches, &range, continues);
        let mut all = Match { range, stays };
        for other in matches.get(among.clone()).unwrap_or_default() {
            all.range.start = all.range.start.min(other.range.start);
            all.range.end = all.range.end.max(other.range.end);
        }
        matches.splice(among, [all]);
    }
}

/// Which of them overlap a range.
fn touching(matches: &[Match], range: &Range<usize>, continues: bool) -> Range<usize> {
    let from = range.start + usize::from(!continues);
    let first = matches.partition_point(|other| other.range.end < from);
    let behind = matches.partition_point(|other| other.range.start < range.end);
    first..behind.max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_is_one() {
        let mut seen = Seen::default();
        let fate = |seen: &Seen, range: Range<usize>| seen.fate(1, &range, false);
        assert_eq!(fate(&seen, 0..5), None);
        seen.add(1, 30..40, true, false);
        seen.add(2, 0..9, false, false);
        // One that is known later, and stands before.
        assert_eq!(fate(&seen, 10..20), None);
        seen.add(1, 10..20, false, false);
        for (range, known) in [
            (0..10, None),
            (0..11, Some(false)),
            (19..25, Some(false)),
            (20..30, None),
            (20..31, Some(true)),
            (15..35, Some(false)),
            (40..50, None),
        ] {
            assert_eq!(fate(&seen, range.clone()), known, "{range:?}");
        }
        assert_eq!(seen.fate(1, &(20..25), true), Some(false));
        assert_eq!(seen.fate(1, &(40..50), true), Some(true));
        seen.add(1, 15..35, false, false);
        assert_eq!(fate(&seen, 38..39), Some(false));
        seen.add(1, 60..70, true, false);
        seen.forget(60);
        assert_eq!(fate(&seen, 38..39), None);
        assert_eq!(fate(&seen, 65..66), Some(true));
    }
}
