//! Rows of keys as bytes. There are hundreds, of which most is a name and a mark: as values they would be pointers, padding and relocations,
//! several times as large as what they say. They are written as values, packed when they are compiled, and unpacked once, to what is read ever after.
//!
//! Packed, nothing is said twice. A row: its head; what is [`UNUSUAL`], and of runs of digits their lengths (4) and neighbor; its name without the
//! ending; how many shapes it has; these. A shape: its head; the entropy in tenths of a bit, unless it is the usual one; how many bytes its mark begins with
//! that begin the mark before it, unless it is the first; the others; what stands before the mark, as a piece; the pieces, unless they are those of
//! the shape before it.
//!
//! Unpacked, a shape is its length, the entropy, the mark's length and the mark, what stands before that (a piece, or [`NO_HEAD`]), the pieces.
//!
//! A piece: its kind and the number of its alphabet or text in one, then the least and the most characters (packed, how many more that is), as far as
//! its kind has them.

use super::keys::CENTIBITS_MIN;
use super::shape::{Piece, RUN_MAX, Run, Shape, is_same};
use super::{Before, Detector, Find, Grade, Group, Lengths, Trigger};

/// The head of a row: the length of its name, which ending that has, and whether something is unusual.
const NAME_LENGTH: u8 = 0x1F;
const ENDING_SHIFT: u32 = 5;
const UNUSUAL: u8 = 0x80;

/// How names end.
const ENDINGS: [&str; 4] = ["", "_key", "_token", "_secret"];

/// What is unusual of a row.
const SPARSE: u8 = 1;
const CLEAR: u8 = 2;
const DIGITS: u8 = 4;

/// The head of a shape: the length of its mark, and what follows.
const MARK_LENGTH: u8 = 0x1F;
const OWN_ENTROPY: u8 = 0x20;
const HEAD: u8 = 0x40;
const SAME_PIECES: u8 = 0x80;

/// Most pieces of a shape: its length is a byte.
const PIECES_MAX: usize = 48;

/// In an unpacked shape, where nothing stands before the mark.
const NO_HEAD: u8 = 0xFF;

/// The bits of a piece that are the number of an alphabet or a text.
const NUMBER: u8 = 0x1F;
/// No other piece follows in a packed shape.
const LAST: u8 = 0x20;
/// The bits that are its kind.
const KIND: u8 = 0xC0;
const EXACTLY: u8 = 0;
const AT_LEAST: u8 = 0x40;
const FROM_TO: u8 = 0x80;
const TEXT: u8 = 0xC0;

/// A detector of keys, as it is written.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The runs of digits that it is called at; else it is at its shapes' marks.
    pub(super) digits: Option<(Lengths, Before)>,
    pub(super) dense: bool,
    pub(super) opaque: bool,
    pub(super) shapes: &'static [Shape],
}

/// A name and the ending that it has without it.
const fn ending(name: &str) -> (&[u8], u8) {
    let (mut rest, mut number): (&[&str], u8) = (&ENDINGS, 0);
    let mut best = (name.as_bytes(), 0);
    while let [ending, behind @ ..] = rest {
        if let Some(at) = name.len().checked_sub(ending.len()) {
            let (begin, end) = name.as_bytes().split_at(at);
            if is_same(end, ending.as_bytes()) {
                best = (begin, number);
            }
        }
        rest = behind;
        number += 1;
    }
    best
}

/// Whether one shape's pieces are another's.
const fn are_same(mut one: &[Piece], mut other: &[Piece]) -> bool {
    while let ([a, one_behind @ ..], [b, other_behind @ ..]) = (one, other) {
        let is_same = match (*a, *b) {
            (Piece::Run(a), Piece::Run(b)) => {
                a.class == b.class && a.min == b.min && a.max == b.max
            }
            (Piece::Text(a), Piece::Text(b)) => a == b,
            _ => false,
        };
        if !is_same {
            return false;
        }
        (one, other) = (one_behind, other_behind);
    }
    one.is_empty() && other.is_empty()
}

/// Bytes that rows are written to, or only counted.
struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    // Evaluated when the rows are compiled.
    #[expect(clippy::indexing_slicing, reason = "at compile time")]
    const fn put(&mut self, byte: u8) {
        if self.at < self.bytes.len() {
            self.bytes[self.at] = byte;
        }
        self.at += 1;
    }

    const fn put_all(&mut self, mut bytes: &[u8]) {
        while let [byte, behind @ ..] = bytes {
            self.put(*byte);
            bytes = behind;
        }
    }

    const fn put_run(&mut self, run: Run, last: u8) {
        assert!(run.class <= NUMBER);
        let more = run.max - run.min as u16;
        match (run.max, more) {
            (RUN_MAX, _) => {
                self.put(AT_LEAST | last | run.class);
                self.put(run.min);
            }
            (_, 0) => {
                self.put(EXACTLY | last | run.class);
                self.put(run.min);
            }
            _ => {
                assert!(more <= u8::MAX as u16);
                self.put(FROM_TO | last | run.class);
                self.put(run.min);
                self.put(more as u8);
            }
        }
    }

    const fn put_shape(&mut self, shape: &Shape, before: Option<&Shape>) {
        let is_usual = shape.centibits_min == CENTIBITS_MIN;
        let is_same = match before {
            Some(before) => are_same(before.pieces, shape.pieces),
            None => shape.pieces.is_empty(),
        };
        // Else nothing would say which is the last.
        assert!(is_same || !shape.pieces.is_empty());
        assert!(shape.mark.len() <= MARK_LENGTH as usize && shape.pieces.len() <= PIECES_MAX);
        assert!(shape.centibits_min.is_multiple_of(10));
        let own_entropy = if is_usual { 0 } else { OWN_ENTROPY };
        let head = if shape.head.is_some() { HEAD } else { 0 };
        let same_pieces = if is_same { SAME_PIECES } else { 0 };
        self.put(shape.mark.len() as u8 | own_entropy | head | same_pieces);
        if !is_usual {
            self.put((shape.centibits_min / 10) as u8);
        }
        let mut mark = shape.mark.as_bytes();
        if let Some(before) = before {
            let (mut begin, mut shared) = (before.mark.as_bytes(), 0);
            while let ([a, other @ ..], [b, rest @ ..]) = (begin, mark) {
                if *a != *b {
                    break;
                }
                (begin, mark, shared) = (other, rest, shared + 1);
            }
            self.put(shared);
        }
        self.put_all(mark);
        if let Some(run) = shape.head {
            self.put_run(run, 0);
        }
        let mut rest = if is_same { &[] } else { shape.pieces };
        while let [piece, behind @ ..] = rest {
            let last = if behind.is_empty() { LAST } else { 0 };
            match *piece {
                Piece::Run(run) => self.put_run(run, last),
                Piece::Text(number) => {
                    assert!(number <= NUMBER);
                    self.put(TEXT | last | number);
                }
            }
            rest = behind;
        }
    }

    const fn put_row(&mut self, row: &Row) {
        let sparse = if row.dense { 0 } else { SPARSE };
        let clear = if row.opaque { 0 } else { CLEAR };
        let digits = if row.digits.is_some() { DIGITS } else { 0 };
        let flags = sparse | clear | digits;
        let unusual = if flags == 0 { 0 } else { UNUSUAL };
        let (name, ending) = ending(row.name);
        assert!(name.len() <= NAME_LENGTH as usize);
        self.put(name.len() as u8 | ending << ENDING_SHIFT | unusual);
        if flags != 0 {
            self.put(flags);
        }
        if let Some((lengths, before)) = row.digits {
            self.put_all(&lengths.0.to_le_bytes());
            self.put(before as u8);
        }
        self.put_all(name);
        assert!(row.shapes.len() <= u8::MAX as usize);
        self.put(row.shapes.len() as u8);
        let (mut rest, mut before) = (row.shapes, None);
        while let [shape, behind @ ..] = rest {
            self.put_shape(shape, before);
            (before, rest) = (Some(shape), behind);
        }
    }
}

/// Writes rows, as far as there is room for them; how many bytes they are.
pub(super) const fn pack(lists: &[&[Row]], bytes: &mut [u8]) -> usize {
    let mut writer = Writer { bytes, at: 0 };
    let mut lists = lists;
    while let [list, others @ ..] = lists {
        let mut rows = *list;
        while let [row, behind @ ..] = rows {
            writer.put_row(row);
            rows = behind;
        }
        lists = others;
    }
    writer.at
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
struct Reader(&'static [u8]);

impl Reader {
    /// The next byte; 0 behind the end.
    fn byte(&mut self) -> u8 {
        let first = self.0.split_first();
        first.map_or(0, |(byte, behind)| {
            self.0 = behind;
            *byte
        })
    }

    /// The next bytes; none when they are not all there.
    fn bytes(&mut self, count: usize) -> &'static [u8] {
        let (bytes, behind) = self.0.split_at_checked(count).unwrap_or_default();
        self.0 = behind;
        bytes
    }

    fn run(&mut self, kind: u8) -> Run {
        let min = self.byte();
        let max = match kind & KIND {
            EXACTLY => min.into(),
            FROM_TO => u16::from_le_bytes([self.byte(), self.byte()]),
            _ => RUN_MAX,
        };
        let class = kind & NUMBER;
        Run { class, min, max }
    }
}

/// Pieces of a shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pieces(Reader);

impl Pieces {
    /// Whether none is left.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.is_empty() {
            return None;
        }
        let kind = self.0.byte();
        Some(if kind & KIND == TEXT {
            Piece::Text(kind & NUMBER)
        } else {
            Piece::Run(self.0.run(kind))
        })
    }
}

/// A [`Shape`], read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(super) head: Option<Run>,
    pub(super) mark: &'static [u8],
    pub(super) pieces: Pieces,
    pub(super) centibits_min: u16,
}

impl Form {
    /// Whether nothing of it stands behind a letter or a digit.
    pub(super) fn begins_words(&self) -> bool {
        self.head.is_none() && self.mark.first().is_some_and(u8::is_ascii_alphanumeric)
    }
}

/// Shapes of a detector.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shapes(Reader);

impl Shapes {
    /// All marks.
    pub(crate) fn marks(self) -> impl Iterator<Item = &'static str> {
        self.map(|form| std::str::from_utf8(form.mark).unwrap_or_default())
    }

    /// Those from the first to the last whose mark this trigger begins with.
    pub(crate) fn of_mark(self, trigger: &str) -> Self {
        let Reader(all) = self.0;
        let (mut rest, mut from, mut to) = (self, all.len(), 0);
        loop {
            let before = all.len() - rest.0.0.len();
            let Some(form) = rest.next() else {
                break;
            };
            if trigger.as_bytes().starts_with(form.mark) {
                from = from.min(before);
                to = all.len() - rest.0.0.len();
            }
        }
        Self(Reader(all.get(from..to).unwrap_or_default()))
    }

    /// The next shape whose mark a trigger begins with.
    #[inline]
    pub(super) fn next_marked(&mut self, trigger: &[u8]) -> Option<Form> {
        self.next_of(|mark| {
            let part = trigger.get(..mark.len());
            part.is_some_and(|part| is_mark(part, mark))
        })
    }

    /// The next shape with such a mark; the others are not read.
    #[inline]
    fn next_of(&mut self, is_mark: impl Fn(&[u8]) -> bool) -> Option<Form> {
        while let [length, tenths, marked, ..] = *self.0.0 {
            let mut reader = Reader(self.0.bytes(length.into()));
            reader.bytes(3);
            let mark = reader.bytes(marked.into());
            if is_mark(mark) {
                let head = match reader.byte() {
                    NO_HEAD => None,
                    kind => Some(reader.run(kind)),
                };
                return Some(Form {
                    head,
                    mark,
                    pieces: Pieces(reader),
                    centibits_min: u16::from(tenths) * 10,
                });
            }
        }
        None
    }
}

/// Whether as many bytes are a mark. Marks of one detector are alike, and differ in their last bytes mostly.
#[inline]
fn is_mark(part: &[u8], mark: &[u8]) -> bool {
    match (part.last_chunk::<4>(), mark.last_chunk::<4>()) {
        (Some(one), Some(other)) => {
            one == other
                && part.first_chunk::<4>() == mark.first_chunk()
                && (mark.len() <= 8 || part == mark)
        }
        // Three, as a rule.
        _ => {
            part.last() == mark.last()
                && part.first_chunk::<2>() == mark.first_chunk()
                && (mark.len() >= 2 || part == mark)
        }
    }
}

impl Iterator for Shapes {
    type Item = Form;

    fn next(&mut self) -> Option<Form> {
        self.next_of(|_| true)
    }
}

/// The detectors of packed rows.
pub(super) fn unpack(bytes: &'static [u8]) -> Vec<Detector> {
    let mut packed = Reader(bytes);
    let mut detectors = Vec::new();
    while !packed.0.is_empty() {
        detectors.push(packed.row());
    }
    detectors
}

impl Reader {
    /// The next row, unpacked.
    fn row(&mut self) -> Detector {
        let head = self.byte();
        let flags = if head & UNUSUAL == 0 { 0 } else { self.byte() };
        let digits = (flags & DIGITS != 0).then(|| {
            let lengths = [self.byte(), self.byte(), self.byte(), self.byte()];
            let before = match self.byte() {
                0 => Before::Letter,
                1 => Before::Other,
                _ => Before::Any,
            };
            Trigger::Digits(Lengths(u32::from_le_bytes(lengths)), before)
        });
        let begin = self.bytes(usize::from(head & NAME_LENGTH));
        let ending = ENDINGS.get(usize::from((head & !UNUSUAL) >> ENDING_SHIFT));
        let name = [begin, ending.map_or(&[], |ending| ending.as_bytes())].concat();
        let shapes = Shapes(Reader(self.shapes().leak()));
        Detector {
            name: std::str::from_utf8(name.leak()).unwrap_or_default(),
            group: Group::Secrets,
            grade: Grade::Precise,
            dense: flags & SPARSE == 0,
            opaque: flags & CLEAR == 0,
            trigger: digits.unwrap_or(Trigger::Marks(shapes)),
            find: Find::Key(shapes),
        }
    }

    /// All shapes of a row.
    fn shapes(&mut self) -> Vec<u8> {
        let (mut shapes, mut pieces, mut mark) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..self.byte() {
            let head = self.byte();
            let tenths = match head & OWN_ENTROPY {
                0 => (CENTIBITS_MIN / 10) as u8,
                _ => self.byte(),
            };
            let shared = if index == 0 { 0 } else { self.byte() };
            mark.truncate(shared.into());
            mark.extend(self.bytes(usize::from((head & MARK_LENGTH).saturating_sub(shared))));
            let mut shape = vec![0, tenths, head & MARK_LENGTH];
            shape.extend(&mark);
            if head & HEAD == 0 {
                shape.push(NO_HEAD);
            } else {
                self.piece(&mut shape);
            }
            if head & SAME_PIECES == 0 {
                pieces.clear();
                while !self.piece(&mut pieces) {}
            }
            shape.append(&mut pieces.clone());
            let length = shape.len() as u8;
            if let Some(first) = shape.first_mut() {
                *first = length;
            }
            shapes.append(&mut shape);
        }
        shapes
    }

    /// The next piece, unpacked to the end of what is there; whether it is the last.
    fn piece(&mut self, unpacked: &mut Vec<u8>) -> bool {
        let kind = self.byte();
        unpacked.push(kind & !LAST);
        if kind & KIND != TEXT {
            let min = self.byte();
            unpacked.push(min);
            if kind & KIND == FROM_TO {
                let max = u16::from(min) + u16::from(self.byte());
                unpacked.extend(max.to_le_bytes());
            }
        }
        kind & LAST != 0 || self.0.is_empty()
    }
}
