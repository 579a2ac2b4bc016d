//! What a pattern says: the tree that its text is read into.
//!
//! The language is that of [regex-lite](https://docs.rs/regex-lite/0.1/#syntax): ASCII classes (`\d`, `\w`, `\b`), case ignored for ASCII
//! letters only, no Unicode properties, no set operations, no nested classes. A test compares both on random patterns and texts.

use super::chars::Chars;
use super::look::Look;
use regex_syntax::ast::{
    Assertion, AssertionKind, Ast, ClassAsciiKind, ClassBracketed, ClassPerl, ClassPerlKind,
    ClassSet, ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind, Repetition, RepetitionKind,
    RepetitionRange, parse::ParserBuilder,
};

/// Deepest nesting of groups in a pattern. Protects the stack, which in a module is 256 KiB.
const NEST_MAX: u32 = 32;

/// A pattern, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    /// Matches nothing, everywhere.
    Empty,
    /// Matches nothing where the assertion holds.
    Look(Look),
    /// Matches one character of a set.
    Chars(Chars),
    /// One after the other.
    Concat(Vec<Expr>),
    /// The first that leads to a match.
    Alternate(Vec<Expr>),
    /// Again and again.
    Repeat {
        /// What is repeated.
        of: Box<Expr>,
        /// At least so often.
        min: u32,
        /// At most so often.
        max: Option<u32>,
        /// As often as possible, not as seldom.
        greedy: bool,
    },
}

impl Expr {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and that never repeats the pattern at length.
    pub(crate) fn parse(pattern: &str, ignore_case: bool) -> Result<Self, String> {
        let ast = ParserBuilder::new()
            .nest_limit(NEST_MAX)
            .build()
            .parse(pattern)
            .map_err(|error| {
                format!(
                    "not a regular expression: {} (character {})",
                    error.kind(),
                    error.span().start.column
                )
            })?;
        Translator {
            flags: Modes {
                ignore_case,
                ..Modes::default()
            },
        }
        .expr(&ast)
    }

    /// A text that stands for itself.
    pub(crate) fn literal(text: &str, ignore_case: bool) -> Self {
        Self::Concat(
            text.chars()
                .map(|char| Self::char(char, ignore_case))
                .collect(),
        )
    }

    fn char(char: char, ignore_case: bool) -> Self {
        let chars = Chars::one(char);
        Self::Chars(if ignore_case { chars.fold() } else { chars })
    }

    /// Whether it can match without taking a character.
    pub(crate) fn can_be_empty(&self) -> bool {
        match self {
            Self::Empty | Self::Look(_) => true,
            Self::Chars(_) => false,
            Self::Concat(parts) => parts.iter().all(Self::can_be_empty),
            Self::Alternate(parts) => parts.iter().any(Self::can_be_empty),
            Self::Repeat { of, min, .. } => *min == 0 || of.can_be_empty(),
        }
    }
}

/// The flags in force at a place of the pattern.
#[derive(Debug, Clone, Copy, Default)]
struct Modes {
    ignore_case: bool,
    multi_line: bool,
    dot_matches_line_end: bool,
    crlf: bool,
    swap_greed: bool,
}

struct Translator {
    flags: Modes,
}

impl Translator {
    fn expr(&mut self, ast: &Ast) -> Result<Expr, String> {
        match ast {
            Ast::Empty(_) => Ok(Expr::Empty),
            Ast::Flags(set) => {
                self.set(&set.flags);
                Ok(Expr::Empty)
            }
            Ast::Literal(literal) => Ok(Expr::char(literal.c, self.flags.ignore_case)),
            Ast::Dot(_) => Ok(Expr::Chars(self.dot())),
            Ast::Assertion(assertion) => Ok(Expr::Look(self.look(assertion))),
            Ast::ClassUnicode(_) => Err("Unicode classes (\\p) are not supported".to_owned()),
            Ast::ClassPerl(class) => Ok(Expr::Chars(perl(class))),
            Ast::ClassBracketed(class) => Ok(Expr::Chars(self.bracketed(class)?)),
            Ast::Repetition(repetition) => self.repetition(repetition),
            Ast::Group(group) => {
                let outside = self.flags;
                match &group.kind {
                    GroupKind::NonCapturing(flags) => self.set(flags),
                    GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } => {}
                }
                let inside = self.expr(&group.ast);
                self.flags = outside;
                inside
            }
            Ast::Alternation(alternation) => Ok(Expr::Alternate(
                alternation
                    .asts
                    .iter()
                    .map(|part| self.expr(part))
                    .collect::<Result<_, _>>()?,
            )),
            Ast::Concat(concat) => {
                let mut parts = Vec::with_capacity(concat.asts.len());
                for part in &concat.asts {
                    match self.expr(part)? {
                        Expr::Empty => {}
                        Expr::Concat(inner) => parts.extend(inner),
                        part @ (Expr::Look(_)
                        | Expr::Chars(_)
                        | Expr::Alternate(_)
                        | Expr::Repeat { .. }) => parts.push(part),
                    }
                }
                Ok(match parts.len() {
                    0 => Expr::Empty,
                    1 => parts.remove(0),
                    _ => Expr::Concat(parts),
                })
            }
        }
    }

    fn set(&mut self, flags: &Flags) {
        let mut on = true;
        for item in &flags.items {
            match item.kind {
                FlagsItemKind::Negation => on = false,
                FlagsItemKind::Flag(Flag::CaseInsensitive) => self.flags.ignore_case = on,
                FlagsItemKind::Flag(Flag::MultiLine) => self.flags.multi_line = on,
                FlagsItemKind::Flag(Flag::DotMatchesNewLine) => {
                    self.flags.dot_matches_line_end = on
                }
                FlagsItemKind::Flag(Flag::SwapGreed) => self.flags.swap_greed = on,
                FlagsItemKind::Flag(Flag::CRLF) => self.flags.crlf = on,
                // As in regex-lite: `u` changes nothing. `x` was the parser's.
                FlagsItemKind::Flag(Flag::Unicode | Flag::IgnoreWhitespace) => {}
            }
        }
    }

    fn dot(&self) -> Chars {
        let mut not = Vec::new();
        if !self.flags.dot_matches_line_end {
            not.push((u32::from('\n'), u32::from('\n')));
            if self.flags.crlf {
                not.push((u32::from('\r'), u32::from('\r')));
            }
        }
        Chars::new(not).negate()
    }

    const fn look(&self, assertion: &Assertion) -> Look {
        match (&assertion.kind, self.flags.multi_line, self.flags.crlf) {
            (AssertionKind::StartText, _, _) | (AssertionKind::StartLine, false, _) => Look::Start,
            (AssertionKind::EndText, _, _) | (AssertionKind::EndLine, false, _) => Look::End,
            (AssertionKind::StartLine, true, false) => Look::StartLine,
            (AssertionKind::StartLine, true, true) => Look::StartLineCrlf,
            (AssertionKind::EndLine, true, false) => Look::EndLine,
            (AssertionKind::EndLine, true, true) => Look::EndLineCrlf,
            (AssertionKind::WordBoundary, _, _) => Look::Word,
            (AssertionKind::NotWordBoundary, _, _) => Look::NotWord,
            (AssertionKind::WordBoundaryStart | AssertionKind::WordBoundaryStartAngle, _, _) => {
                Look::WordStart
            }
            (AssertionKind::WordBoundaryEnd | AssertionKind::WordBoundaryEndAngle, _, _) => {
                Look::WordEnd
            }
            (AssertionKind::WordBoundaryStartHalf, _, _) => Look::WordStartHalf,
            (AssertionKind::WordBoundaryEndHalf, _, _) => Look::WordEndHalf,
        }
    }

    fn bracketed(&self, class: &ClassBracketed) -> Result<Chars, String> {
        let mut ranges = Vec::new();
        match &class.kind {
            ClassSet::Item(item) => items(item, &mut ranges)?,
            ClassSet::BinaryOp(_) => {
                return Err(
                    "set operations in character classes (&&, --, ~~) are not supported".to_owned(),
                );
            }
        }
        // The case is folded before the negation: `(?i)[^x]` excludes `X` too.
        let mut chars = Chars::new(ranges);
        if self.flags.ignore_case {
            chars = chars.fold();
        }
        Ok(if class.negated { chars.negate() } else { chars })
    }

    fn repetition(&mut self, repetition: &Repetition) -> Result<Expr, String> {
        let of = Box::new(self.expr(&repetition.ast)?);
        let (min, max) = match repetition.op.kind {
            RepetitionKind::ZeroOrOne => (0, Some(1)),
            RepetitionKind::ZeroOrMore => (0, None),
            RepetitionKind::OneOrMore => (1, None),
            RepetitionKind::Range(RepetitionRange::Exactly(times)) => (times, Some(times)),
            RepetitionKind::Range(RepetitionRange::AtLeast(min)) => (min, None),
            RepetitionKind::Range(RepetitionRange::Bounded(min, max)) => (min, Some(max)),
        };
        Ok(match (&*of, min, max) {
            // Nothing a billion times is nothing: `(){1000000000}` must not take a billion steps to compile.
            (Expr::Empty, _, _) | (_, _, Some(0)) => Expr::Empty,
            (_, 1, Some(1)) => *of,
            (_, _, _) => Expr::Repeat {
                of,
                min,
                max,
                greedy: repetition.greedy != self.flags.swap_greed,
            },
        })
    }
}

fn items(item: &ClassSetItem, ranges: &mut Vec<(u32, u32)>) -> Result<(), String> {
    match item {
        ClassSetItem::Empty(_) => {}
        ClassSetItem::Literal(literal) => ranges.push((u32::from(literal.c), u32::from(literal.c))),
        ClassSetItem::Range(range) => {
            ranges.push((u32::from(range.start.c), u32::from(range.end.c)))
        }
        ClassSetItem::Ascii(class) => {
            let chars = Chars::new(ascii(&class.kind));
            ranges.extend(if class.negated { chars.negate() } else { chars }.ranges());
        }
        ClassSetItem::Unicode(_) => {
            return Err("Unicode classes (\\p) are not supported".to_owned());
        }
        ClassSetItem::Perl(class) => ranges.extend(perl(class).ranges()),
        ClassSetItem::Bracketed(_) => {
            return Err("nested character classes are not supported".to_owned());
        }
        ClassSetItem::Union(union) => {
            for item in &union.items {
                items(item, ranges)?;
            }
        }
    }
    Ok(())
}

fn perl(class: &ClassPerl) -> Chars {
    let chars = Chars::new(ascii(&match class.kind {
        ClassPerlKind::Digit => ClassAsciiKind::Digit,
        ClassPerlKind::Space => ClassAsciiKind::Space,
        ClassPerlKind::Word => ClassAsciiKind::Word,
    }));
    if class.negated { chars.negate() } else { chars }
}

fn ascii(kind: &ClassAsciiKind) -> Vec<(u32, u32)> {
    let ranges: &[(char, char)] = match kind {
        ClassAsciiKind::Alnum => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        ClassAsciiKind::Alpha => &[('A', 'Z'), ('a', 'z')],
        ClassAsciiKind::Ascii => &[('\x00', '\x7F')],
        ClassAsciiKind::Blank => &[('\t', '\t'), (' ', ' ')],
        ClassAsciiKind::Cntrl => &[('\x00', '\x1F'), ('\x7F', '\x7F')],
        ClassAsciiKind::Digit => &[('0', '9')],
        ClassAsciiKind::Graph => &[('!', '~')],
        ClassAsciiKind::Lower => &[('a', 'z')],
        ClassAsciiKind::Print => &[(' ', '~')],
        ClassAsciiKind::Punct => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        ClassAsciiKind::Space => &[('\t', '\r'), (' ', ' ')],
        ClassAsciiKind::Upper => &[('A', 'Z')],
        ClassAsciiKind::Word => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        ClassAsciiKind::Xdigit => &[('0', '9'), ('A', 'F'), ('a', 'f')],
    };
    ranges
        .iter()
        .map(|(first, last)| (u32::from(*first), u32::from(*last)))
        .collect()
}
