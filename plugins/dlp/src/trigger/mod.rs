//! Finds candidates of all rules at once: a shift-and automaton over bytes.
//!
//! Each rule's factor takes a [`lane`] of neighboring bits in a machine word, one bit for each of its byte sets. After a byte, a bit is set
//! when the bytes so far, up to that one, are in the sets of its lane up to that bit; the last bit of a lane is a candidate. A byte costs one
//! row of a [`table`] and four operations a word, whatever the text is: that makes about a gigabyte a second for up to 256 bits, in V8 too, and
//! hostile text costs the same as prose. Most of it is not even read, if no factor's [`prefilter`] could stand there. The bits that are set at the end of a piece tell exactly from where on the text is undecided.

mod lane;
mod prefilter;
mod table;

use crate::drive::bits;
use crate::teddy::PRINT;
use crate::window::Window;
use lane::{Lane, layout};
use portcullis_pattern::{ByteSet, Factor};
use prefilter::Prefilter;
use table::Table;

/// Bits of a word.
const WORD: usize = 64;

/// Most words. With eight, the table takes 16 KiB and half of the speed is left.
const WORDS_MAX: usize = 8;

/// Words that most policies need.
const WORDS_FEW: usize = 2;

/// Where the text stands in all lanes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress([u64; WORDS_MAX]);

impl Progress {
    fn word(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or_default()
    }

    fn set(&mut self, index: usize, bits: u64) {
        if let Some(word) = self.0.get_mut(index) {
            *word |= bits;
        }
    }
}

/// What is known of bytes before they are read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ahead<'a> {
    /// Nobody asks for the progress behind them.
    pub(crate) last: bool,
    /// Where factors can be complete, if somebody looked at all of them already: places in order…
    pub(crate) known: Option<&'a [usize]>,
    /// …of which this is the first byte's.
    pub(crate) base: usize,
}

impl Ahead<'_> {
    /// The text ends with them.
    pub(crate) const LAST: Self = Self {
        last: true,
        known: None,
        base: 0,
    };
}

/// The lanes of all rules.
#[derive(Debug)]
pub(crate) struct Trigger {
    /// By rule; a rule without a factor has none.
    lanes: Vec<Option<Lane>>,
    /// Which rule's lane ends with a bit.
    owners: [Option<u16>; WORDS_MAX * WORD],
    /// The last bits of all lanes.
    ends: Progress,
    /// The bits that stand for a begun, unfinished factor.
    begun: Progress,
    /// The bits that are set at the beginning of a text.
    at_edge: Progress,
    table: Width,
    prefilter: Option<Prefilter>,
}

/// A table of at least as many words as the lanes need.
#[derive(Debug)]
enum Width {
    Few(Box<Table<WORDS_FEW>>),
    All(Box<Table<WORDS_MAX>>),
}

impl Width {
    /// See [`Table::find`].
    fn find(&self, progress: &mut Progress, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Few(table) => table.find(progress, bytes),
            Self::All(table) => table.find(progress, bytes),
        }
    }

    /// See [`Table::goes_on`].
    fn goes_on(&self, places: &Progress, bytes: &[u8]) -> bool {
        match self {
            Self::Few(table) => table.goes_on(places, bytes),
            Self::All(table) => table.goes_on(places, bytes),
        }
    }
}

impl Trigger {
    /// Lays out the factors, at most one a rule. `None` when there are more than fit.
    pub(crate) fn new(factors: &[Option<Factor>]) -> Option<Self> {
        let present: Vec<&Factor> = factors.iter().flatten().collect();
        let (laid, words) = layout(&present)?;
        let prefilter = Prefilter::new(&present, &laid);
        let table = match words {
            0..=WORDS_FEW => Width::Few(Table::new(&present, &laid)),
            _ => Width::All(Table::new(&present, &laid)),
        };
        let mut laid = laid.into_iter();
        let lanes: Vec<Option<Lane>> = factors
            .iter()
            .map(|factor| factor.as_ref().and_then(|_| laid.next()))
            .collect();
        let mut owners = [None; WORDS_MAX * WORD];
        let [mut ends, mut begun, mut at_edge] = [Progress::default(); 3];
        for ((lane, factor), rule) in lanes.iter().zip(factors).zip(0..) {
            let (Some(lane), Some(factor)) = (lane, factor) else {
                continue;
            };
            if let Some(owner) = owners.get_mut(lane.word * WORD + lane.last() as usize) {
                *owner = Some(rule);
            }
            ends.set(lane.word, 1 << lane.last());
            begun.set(lane.word, lane.begun());
            if lane.before && factor.at_edge {
                at_edge.set(lane.word, 1 << lane.first);
            }
        }
        Some(Self {
            lanes,
            owners,
            ends,
            begun,
            at_edge,
            table,
            prefilter,
        })
    }

    /// At the beginning of a text.
    pub(crate) const fn start(&self) -> Progress {
        self.at_edge
    }

    /// Goes on up to the first byte that completes a factor, and returns that byte's index; `None` when all bytes were taken.
    pub(crate) fn find(
        &self,
        progress: &mut Progress,
        bytes: &[u8],
        ahead: Ahead<'_>,
    ) -> Option<usize> {
        match &self.prefilter {
            Some(prefilter) => {
                let begun = self.any_begun(progress);
                prefilter.find(&self.table, progress, bytes, begun, ahead)
            }
            None => self.table.find(progress, bytes),
        }
    }

    /// The sets of a print of each factor, by which somebody else can look for them; none where they would be everywhere.
    pub(crate) fn prints(&self) -> &[[ByteSet; PRINT]] {
        self.prefilter.as_ref().map_or(&[], Prefilter::sets)
    }

    /// Calls `found` for each place where a print of a factor could begin, in order; false when somebody must look everywhere.
    pub(crate) fn each_place(&self, bytes: &[u8], mut found: impl FnMut(usize)) -> bool {
        let Some(prefilter) = &self.prefilter else {
            return false;
        };
        prefilter.each(bytes, &mut |from, positions| {
            bits(positions).for_each(|bit| found(from + bit));
            true
        });
        true
    }

    /// Whether a factor can be complete of which a print begins with these bytes.
    pub(crate) fn goes_on(&self, bytes: &[u8]) -> bool {
        let prefilter = self.prefilter.as_ref();
        prefilter.is_none_or(|prefilter| prefilter.goes_on(&self.table, bytes))
    }

    /// Whether a factor is complete of which a print begins at a position, in a text that begins at `from`.
    #[inline(never)]
    pub(crate) fn completes(&self, window: Window<'_>, position: usize, from: usize) -> bool {
        let Some(prefilter) = &self.prefilter else {
            return true;
        };
        let around = prefilter.around(position);
        let mut progress = if around.start <= from {
            self.at_edge
        } else {
            Progress::default()
        };
        let bytes = window.range(around.start.max(from)..around.end);
        self.table.find(&mut progress, bytes).is_some()
    }

    /// The rules whose factor the last byte completed, in no order, and how many bytes their factors have.
    pub(crate) fn completed(&self, progress: &Progress) -> impl Iterator<Item = (u16, usize)> {
        let words = progress
            .0
            .iter()
            .zip(&self.ends.0)
            .zip(self.owners.chunks_exact(WORD));
        words.flat_map(move |((word, ends), owners)| {
            Bits(word & ends).filter_map(move |bit| {
                let rule = owners.get(bit as usize).copied().flatten()?;
                let lane = self.lanes.get(usize::from(rule))?.as_ref()?;
                Some((rule, lane.sets()))
            })
        })
    }

    /// Whether any factor is begun and not complete.
    pub(crate) fn any_begun(&self, progress: &Progress) -> bool {
        progress
            .0
            .iter()
            .zip(&self.begun.0)
            .any(|(word, begun)| word & begun != 0)
    }

    /// How many of the last bytes are the beginning of a rule's factor: the longest that can still be completed; 0 when there is none.
    pub(crate) fn begun(&self, progress: &Progress, rule: usize) -> usize {
        let lane = self.lanes.get(rule).and_then(Option::as_ref);
        lane.map_or(0, |lane| lane.longest(progress.word(lane.word)))
    }
}

/// The set bits of a word, from the lowest.
struct Bits(u64);

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let bit = (self.0 != 0).then(|| self.0.trailing_zeros())?;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}
