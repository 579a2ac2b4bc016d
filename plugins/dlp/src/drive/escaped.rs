//! Text with escapes: `%2D` (RFC 3986), `\u002d`, `\x2d`, `\u{2d}`, `\U0000002d` and `\055` (JSON, JavaScript,
//! Python, Rust, C), `\-` (markdown, JSON's `\/`), a line that a
//! backslash continues, `&#45;`, `&#x2d;` and the names of HTML that stand for what tokens are made of. A token with an escape in it is decoded as
//! a whole.

use crate::window::Window;

/// How far back a token is followed from its first escape.
const TOKEN_BYTES_MAX: usize = 256;

/// Most bytes that are decoded at once.
const REGION_BYTES_MAX: usize = 4096;

/// What bytes begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// An escape of this many bytes and what it stands for.
    Escape(usize, char),
    /// More bytes are needed to tell.
    Unfinished,
    /// Something else.
    Other,
}

/// What stands for nothing: the view drops it.
const NOTHING: char = '\u{200B}';

const NAMES: [(&[u8], char); 20] = [
    (b"&amp;", '&'),
    (b"&lt;", '<'),
    (b"&gt;", '>'),
    (b"&quot;", '"'),
    (b"&apos;", '\''),
    (b"&nbsp;", ' '),
    (b"&commat;", '@'),
    (b"&period;", '.'),
    (b"&lowbar;", '_'),
    (b"&hyphen;", '-'),
    (b"&dash;", '-'),
    (b"&ndash;", '-'),
    (b"&mdash;", '-'),
    (b"&colon;", ':'),
    (b"&sol;", '/'),
    (b"&plus;", '+'),
    (b"&equals;", '='),
    (b"&shy;", NOTHING),
    (b"&zwnj;", NOTHING),
    (b"&zwj;", NOTHING),
];

/// Most letters of a name, and the sign behind them.
const NAME_BYTES_MAX: usize = 7;

fn unit(bytes: &[u8]) -> Unit {
    match bytes {
        [b'%', rest @ ..] => hexadecimal(1, rest, 2),
        [b'\\', b'u', b'{', rest @ ..] => braced(rest),
        [b'\\', b'u', rest @ ..] => hexadecimal(2, rest, 4),
        [b'\\', b'U', rest @ ..] => hexadecimal(2, rest, 8),
        [b'\\', b'0'..=b'3', rest @ ..] => octal(bytes, rest),
        [b'\\', b'x', rest @ ..] => hexadecimal(2, rest, 2),
        [
            b'\\',
            sign @ (b'-' | b'_' | b'.' | b'/' | b'+' | b'=' | b'@' | b':' | b'~'),
            ..,
        ] => Unit::Escape(2, char::from(*sign)),
        [b'\\', b'\n', ..] => Unit::Escape(2, NOTHING),
        [b'\\', b'\r', b'\n', ..] => Unit::Escape(3, NOTHING),
        [b'\\'] | [b'\\', b'\r'] => Unit::Unfinished,
        [b'&', b'#', rest @ ..] => reference(rest),
        [b'&', rest @ ..] => {
            // Mostly it is none: what follows up to a sign is no name of those, unless the sign is missing.
            let sign = rest
                .iter()
                .take(NAME_BYTES_MAX)
                .find(|byte| !byte.is_ascii_lowercase());
            if sign.is_some_and(|sign| *sign != b';')
                || sign.is_none() && rest.len() >= NAME_BYTES_MAX
            {
                return Unit::Other;
            }
            for (name, meaning) in NAMES {
                // Mostly it is none, and a comparison is a call.
                if rest.first().is_some_and(|next| name.get(1) != Some(next)) {
                    continue;
                }
                if bytes.starts_with(name) {
                    return Unit::Escape(name.len(), meaning);
                }
                if name.starts_with(bytes) {
                    return Unit::Unfinished;
                }
            }
            Unit::Other
        }
        _ => Unit::Other,
    }
}

fn hexadecimal(before: usize, bytes: &[u8], digits: usize) -> Unit {
    let mut code = 0;
    for index in 0..digits {
        let Some(byte) = bytes.get(index) else {
            return Unit::Unfinished;
        };
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return Unit::Other;
        };
        code = code << 4 | digit;
    }
    meaning(before + digits, code)
}

/// Three digits (C, shells).
fn octal(bytes: &[u8], rest: &[u8]) -> Unit {
    let digit = |at: usize| {
        let byte = bytes.get(at).filter(|byte| matches!(byte, b'0'..=b'7'));
        byte.map(|byte| u32::from(byte - b'0'))
    };
    match (digit(1), digit(2), digit(3)) {
        (Some(a), Some(b), Some(c)) => meaning(4, a << 6 | b << 3 | c),
        (Some(_), Some(_), None) if rest.len() < 2 => Unit::Unfinished,
        (Some(_), None, _) if rest.is_empty() => Unit::Unfinished,
        _ => Unit::Other,
    }
}

/// Up to six digits and `}`.
fn braced(bytes: &[u8]) -> Unit {
    let mut code = 0;
    for index in 0..=6 {
        match bytes.get(index).copied() {
            None => return Unit::Unfinished,
            Some(b'}') if index > 0 => return meaning(3 + index + 1, code),
            Some(byte) => match char::from(byte).to_digit(16) {
                Some(digit) => code = code << 4 | digit,
                None => return Unit::Other,
            },
        }
    }
    Unit::Other
}

/// `&#` with up to seven digits and `;`.
fn reference(bytes: &[u8]) -> Unit {
    let (radix, before) = match bytes.first() {
        Some(b'x' | b'X') => (16, 1),
        _ => (10, 0),
    };
    let mut code = 0;
    for index in before..before + 8 {
        match bytes.get(index).copied() {
            None => return Unit::Unfinished,
            Some(b';') if index > before => return meaning(2 + index + 1, code),
            Some(byte) => match char::from(byte).to_digit(radix) {
                Some(digit) => code = code * radix + digit,
                None => return Unit::Other,
            },
        }
    }
    Unit::Other
}

/// Bytes of UTF-8 that are escaped one by one stand for themselves as far as they are ASCII, which is what detectors look for.
fn meaning(len: usize, code: u32) -> Unit {
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    Unit::Escape(len, character)
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'_'
                | b'.'
                | b'+'
                | b'/'
                | b'='
                | b'@'
                | b':'
                | b'~'
                | b'?'
                | b'#'
                | b'!'
                | b'$'
        )
}

/// A token with an escape in it, decoded.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// Where each byte of it stands in the view, from the token's beginning on, and one more for the end.
    pub(super) places: Vec<u16>,
    /// The token's beginning in the view.
    pub(super) start: usize,
    /// How much of the view it takes to know it.
    pub(super) decided: usize,
}

/// Follows tokens with escapes through a text.
#[derive(Debug, Default)]
pub(super) struct Escaped {
    /// The token that goes on: from, up to.
    open: Option<(usize, usize)>,
    /// What begins before was looked at.
    done: usize,
    /// Where something begins that could be an escape once more is known.
    unfinished: Option<usize>,
}

impl Escaped {
    /// From where on the view is needed, and undecided.
    pub(super) fn undecided(&self) -> Option<usize> {
        let token = |escape: usize| escape.saturating_sub(TOKEN_BYTES_MAX);
        let open = self.open.map(|(start, _)| start);
        open.or(self.unfinished.map(token))
    }

    /// A byte that can begin an escape stands at `position`.
    pub(super) fn look(
        &mut self,
        position: usize,
        window: Window<'_>,
        last: bool,
        decoded: &mut Vec<Decoded>,
    ) {
        if position < self.done || self.open.is_some() || self.unfinished.is_some() {
            return;
        }
        match unit(window.from(position)) {
            Unit::Other => {}
            Unit::Unfinished if last => {}
            Unit::Unfinished => self.unfinished = Some(position),
            Unit::Escape(..) => {
                let floor = self.done.max(position.saturating_sub(TOKEN_BYTES_MAX));
                let mut start = position;
                while start > floor && window.byte(start - 1).is_some_and(is_token) {
                    start -= 1;
                }
                self.open = Some((start, position));
                self.go_on(window, last, decoded);
            }
        }
    }

    /// More is known: what was left open goes on.
    pub(super) fn resume(&mut self, window: Window<'_>, last: bool, decoded: &mut Vec<Decoded>) {
        if self.open.is_some() {
            self.go_on(window, last, decoded);
        }
        while let Some(position) = self.unfinished.take() {
            self.look(position, window, last, decoded);
            if self.unfinished.is_some() {
                return;
            }
        }
    }

    fn go_on(&mut self, window: Window<'_>, last: bool, decoded: &mut Vec<Decoded>) {
        let Some((start, mut at)) = self.open.take() else {
            return;
        };
        let decided = loop {
            if at >= start + REGION_BYTES_MAX {
                break at;
            }
            let Some(byte) = window.byte(at) else {
                if last {
                    break at;
                }
                self.open = Some((start, at));
                return;
            };
            if is_token(byte) {
                at += 1;
                continue;
            }
            match unit(window.from(at)) {
                Unit::Escape(len, _) => at += len,
                Unit::Unfinished if !last => {
                    self.open = Some((start, at));
                    return;
                }
                Unit::Unfinished => break window.end(),
                Unit::Other => break at + seen(window.from(at)),
            }
        };
        self.done = at;
        decoded.push(Decoded {
            start,
            decided,
            ..decode(window.range(start..at))
        });
    }
}

/// How many bytes it takes to see that they begin with no escape.
fn seen(bytes: &[u8]) -> usize {
    (1..bytes.len())
        .find(|len| unit(bytes.get(..*len).unwrap_or_default()) == Unit::Other)
        .unwrap_or(bytes.len())
}

/// The character whose bytes in UTF-8 are escaped one by one: `%E2%80%93`.
fn utf8(token: &[u8], first: char) -> Option<(usize, char)> {
    let len = match first {
        '\u{C2}'..='\u{DF}' => 2,
        '\u{E0}'..='\u{EF}' => 3,
        '\u{F0}'..='\u{F4}' => 4,
        _ => return None,
    };
    let mut bytes = [0; 4];
    let bytes = bytes.get_mut(..len)?;
    let mut at = 0;
    for byte in bytes.iter_mut() {
        let Unit::Escape(len, character) = unit(token.get(at..)?) else {
            return None;
        };
        *byte = u8::try_from(character).ok()?;
        at += len;
    }
    let character = str::from_utf8(bytes).ok()?.chars().next()?;
    Some((at, character))
}

fn decode(token: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    let mut index = 0;
    while let Some(byte) = token.get(index) {
        let rest = token.get(index..).unwrap_or_default();
        let (len, character) = match unit(rest) {
            Unit::Escape(len, character) => utf8(rest, character).unwrap_or((len, character)),
            Unit::Unfinished | Unit::Other => (1, char::from(*byte)),
        };
        decoded.text.push(character);
        let place = u16::try_from(index).unwrap_or(u16::MAX);
        decoded.places.resize(decoded.text.len(), place);
        index += len;
    }
    decoded
        .places
        .push(u16::try_from(index).unwrap_or(u16::MAX));
    decoded
}
