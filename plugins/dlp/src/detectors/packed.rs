//! Rows of keys as bytes. There are hundreds, of which most is a name and a mark: as values they would be pointers, padding and relocations,
//! several times as large as what they say. They are written as values, packed when they are compiled, and read from the bytes ever after.
//!
//! A row: its length (2), [`DENSE`] and such, the name's length and the name, of runs of digits their lengths (4) and neighbor, the shapes.
//! A shape: its length, entropy in tenths of a bit, the mark's length and the mark, the head (a piece, or [`NO_HEAD`]), the pieces.
//! A piece: its kind and the number of its alphabet or text in one, then the least and (2) the most characters, as far as its kind has them.

use super::shape::{Piece, RUN_MAX, Run, Shape};
use super::{Before, Detector, Find, Grade, Group, Lengths, Trigger};

const DENSE: u8 = 1;
const OPAQUE: u8 = 2;
const DIGITS: u8 = 4;

const NO_HEAD: u8 = 0xFF;

/// The bits of a piece that are the number of an alphabet or a text.
const NUMBER: u8 = 0x3F;
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

/// Bytes that rows are written to, or only counted.
struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    const fn put(&mut self, byte: u8) {
        self.set(self.at, byte);
        self.at += 1;
    }

    // Evaluated when the rows are compiled.
    #[expect(clippy::indexing_slicing, reason = "at compile time")]
    const fn set(&mut self, at: usize, byte: u8) {
        if at < self.bytes.len() {
            self.bytes[at] = byte;
        }
    }

    const fn put_text(&mut self, text: &str) {
        assert!(text.len() <= u8::MAX as usize);
        self.put(text.len() as u8);
        let mut rest = text.as_bytes();
        while let [byte, behind @ ..] = rest {
            self.put(*byte);
            rest = behind;
        }
    }

    const fn put_run(&mut self, run: Run) {
        assert!(run.class < NUMBER);
        let [low, high] = run.max.to_le_bytes();
        match run.max {
            RUN_MAX => {
                self.put(AT_LEAST | run.class);
                self.put(run.min);
            }
            max if max == run.min as u16 => {
                self.put(EXACTLY | run.class);
                self.put(run.min);
            }
            _ => {
                self.put(FROM_TO | run.class);
                self.put(run.min);
                self.put(low);
                self.put(high);
            }
        }
    }

    const fn put_shape(&mut self, shape: &Shape) {
        let start = self.at;
        self.put(0);
        assert!(shape.centibits_min.is_multiple_of(10));
        self.put((shape.centibits_min / 10) as u8);
        self.put_text(shape.mark);
        match shape.head {
            Some(run) => self.put_run(run),
            None => self.put(NO_HEAD),
        }
        let mut rest = shape.pieces;
        while let [piece, behind @ ..] = rest {
            match *piece {
                Piece::Run(run) => self.put_run(run),
                Piece::Text(number) => self.put(TEXT | number),
            }
            rest = behind;
        }
        let length = self.at - start;
        assert!(length <= u8::MAX as usize);
        self.set(start, length as u8);
    }

    const fn put_row(&mut self, row: &Row) {
        let start = self.at;
        self.put(0);
        self.put(0);
        let flags = [
            if row.dense { DENSE } else { 0 },
            if row.opaque { OPAQUE } else { 0 },
            if row.digits.is_some() { DIGITS } else { 0 },
        ];
        let [dense, opaque, digits] = flags;
        self.put(dense | opaque | digits);
        self.put_text(row.name);
        if let Some((lengths, before)) = row.digits {
            let [a, b, c, d] = lengths.0.to_le_bytes();
            self.put(a);
            self.put(b);
            self.put(c);
            self.put(d);
            self.put(before as u8);
        }
        let mut rest = row.shapes;
        while let [shape, behind @ ..] = rest {
            self.put_shape(shape);
            rest = behind;
        }
        let length = self.at - start;
        assert!(length <= u16::MAX as usize);
        self.set(start, length as u8);
        self.set(start + 1, (length >> 8) as u8);
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

    fn text(&mut self) -> &'static str {
        let length = self.byte();
        std::str::from_utf8(self.bytes(length.into())).unwrap_or_default()
    }

    fn run(&mut self, kind: u8) -> Run {
        let min = self.byte();
        let max = match kind & !NUMBER {
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
        Some(if kind & TEXT == TEXT {
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
    let mut rest = Reader(bytes);
    let mut detectors = Vec::new();
    while let [low, high, ..] = rest.0 {
        let length = u16::from_le_bytes([*low, *high]);
        let mut row = Reader(rest.bytes(length.into()));
        row.bytes(2);
        let (flags, name) = (row.byte(), row.text());
        let digits = (flags & DIGITS != 0).then(|| {
            let lengths = [row.byte(), row.byte(), row.byte(), row.byte()];
            let before = match row.byte() {
                0 => Before::Letter,
                1 => Before::Other,
                _ => Before::Any,
            };
            Trigger::Digits(Lengths(u32::from_le_bytes(lengths)), before)
        });
        let shapes = Shapes(row);
        detectors.push(Detector {
            name,
            group: Group::Secrets,
            grade: Grade::Precise,
            dense: flags & DENSE != 0,
            opaque: flags & OPAQUE != 0,
            trigger: digits.unwrap_or(Trigger::Marks(shapes)),
            find: Find::Key(shapes),
        });
    }
    detectors
}
