//! Values that are assigned to a name: `API_TOKEN = "…"`, `"password": "…"`, `--secret …`, `<token>…</token>`.

use super::class::Class;
use super::words::is_word;
use super::{Context, Outcome};
use std::ops::Range;

/// The longest value.
pub(super) const VALUE_BYTES_MAX: usize = 512;
/// From so many bytes on the entropy of what is in quotes tells noise from code.
pub(super) const NOISE_BYTES_MIN: usize = 32;
/// How long the next cell of a table or member of a list is at least that belongs to a name.
const LISTED_BYTES_MIN: usize = 20;
/// The rest of a name around the word that makes it interesting.
pub(super) const NAME_REST_MAX: usize = 40;
/// What values are made of; a value with anything else in it is code or prose.
const VALUE: Class = Class::of("!#-&*+\\-./0-9:=?-Z^_a-z|~");
/// What leads to no other value of a URL.
const UNPARTED: Class = Class::of("!-%'-z|~");
/// What names are made of.
pub(super) const NAME: Class = Class::of("0-9A-Za-z_.\\-");

/// A value and how it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) range: Range<usize>,
    /// An operator or a tag leads to it; else only blanks do.
    pub(super) is_assigned: bool,
    /// What leads to it is a comma, a bar or the like, as between the members of a list: it may belong to something else.
    pub(super) is_listed: bool,
    /// It stands in quotes.
    pub(super) is_quoted: bool,
    /// Nothing in it is written in code or prose only.
    pub(super) is_plain: bool,
    /// It is handed to a function whose value is assigned: `String::from("…")`.
    pub(super) is_argument: bool,
}

impl Assigned {
    /// Whether the place says enough for a value that looks random: behind a blank alone it must be long.
    pub(super) fn may_be_random(&self) -> bool {
        (self.is_plain || self.range.len() >= NOISE_BYTES_MIN)
            && (self.is_assigned && !self.is_listed
                || self.is_quoted
                || self.range.len()
                    >= if self.is_assigned {
                        LISTED_BYTES_MIN
                    } else {
                        12
                    })
    }
}

/// What stands between a name and its value as words: Go's type, PHP's and XML's attributes, other options, a property of C#, prose and SQL.
const BETWEEN: [&[u8]; 10] = [
    b"string ",
    b"value=",
    b"content=",
    b"--value ",
    b"--body ",
    b"As String = ",
    b"{ get; set; } = ",
    b"is ",
    b"was ",
    b"by ",
];
/// What a name goes on with that is said to be something.
const OF: [&[u8]; 4] = [b"for ", b"of ", b"on ", b"to "];
/// How far it goes on.
const OF_BYTES_MAX: usize = 40;
/// In words.
const PHRASE: Class = Class::of("0-9A-Za-z _.'\\-");
/// The longest of them.
const BETWEEN_BYTES_MAX: usize = 16;
/// Types between a name and what it is set to: `password: str = "…"`; the element around an answer file's; what begins a block of YAML.
const TYPES: [&[u8]; 13] = [
    b"str = ",
    b"&str = ",
    b"&'static str = ",
    b"String = ",
    b"string = ",
    b"<Value>",
    b"<value>",
    b"<string>",
    b"<![CDATA[",
    b">-\n",
    b">\n",
    b"|-\n",
    b"|\n",
];
const TYPES_BEGIN: Class = Class::of("&Ss<>|");
/// The end of a property list's key.
const KEY_END: &[u8] = b"</key>";
/// What begins a block of code.
const FENCE: &[u8] = b"```";
/// What HTTP puts before a credential.
const SCHEMES: [&[u8]; 6] = [
    b"Bearer ", b"Basic ", b"Token ", b"bearer ", b"basic ", b"token ",
];
const SCHEMES_BEGIN: Class = Class::of("BTbt");
/// Signs between a name and its value that say nothing.
const NO_OPERATORS: [&[u8]; 7] = [b"-", b".", b"--", b"!", b"+", b"...", b"?"];

/// Whether signs between a name and its value assign it.
fn is_operator(signs: &[u8]) -> bool {
    let says = |sign: &u8| matches!(sign, b'=' | b':' | b'>' | b'|' | b',' | b'~');
    signs.iter().any(says) || !NO_OPERATORS.contains(&signs)
}

/// The value that is assigned to a name which ends at `from`.
///
/// # Errors
/// [`Outcome::None`] or [`Outcome::Undecided`] when there is none.
pub(super) fn value(context: &Context<'_>, from: usize) -> Result<Assigned, Outcome> {
    // `"name"`, `name']`, `$name}`, `--name`, `name)`, escaped quotes too.
    let mut closed = context.end_of(from, 4, &CLOSERS)?;
    let mut is_said = false;
    match context.byte(closed) {
        // `.api_key("…")`, `std::string token{"…"}`.
        Some(b'(' | b'{') => {
            return argument(context, closed).map(|range| Assigned {
                range,
                is_assigned: true,
                is_listed: false,
                is_quoted: true,
                is_plain: true,
                is_argument: true,
            });
        }
        Some(b'<') => match context.has(closed, KEY_END) {
            Some(true) => (closed, is_said) = (closed + KEY_END.len(), true),
            Some(false) => {}
            None => return Err(Outcome::Undecided),
        },
        _ => {}
    }
    let mut spaced = context.end_of(closed, 8, &BLANKS)?;
    if let Some(value) = beside(context, closed)? {
        (spaced, is_said) = (value, true);
    } else if spaced > closed {
        if context.is_open(spaced + BETWEEN_BYTES_MAX) {
            return Err(Outcome::Undecided);
        }
        let begins = |word: &&&[u8]| is_word(context.bytes(spaced..spaced + word.len()), word);
        if let Some(word) = BETWEEN.iter().find(begins) {
            spaced += word.len();
            is_said = *word != b"string ";
        } else if OF.iter().any(|word| begins(&word)) {
            // `the password for db1 is …`.
            let end = context.end_of(spaced, OF_BYTES_MAX, &PHRASE)?;
            let phrase = context.bytes(spaced..end);
            if let Some(is) = phrase.windows(4).position(|word| word == b" is ") {
                (spaced, is_said) = (spaced + is + 4, true);
            }
        }
    }
    let is_tag = context.before(closed) == Some(b'>') && closed > from;
    // An element within another.
    let operator = match context.byte(spaced) {
        Some(b'<') if is_tag => spaced,
        _ => context.end_of(spaced, 5, &OPERATORS)?,
    };
    // `**Token:** …`
    let behind_mark = context.end_of(operator, 2, &MARKS)?;
    let is_assigned =
        is_said || is_tag || operator > spaced && is_operator(context.bytes(spaced..operator));
    let is_listed = is_assigned
        && !is_said
        && !is_tag
        && !context
            .bytes(spaced..operator)
            .iter()
            .any(|byte| matches!(byte, b'=' | b':' | b'>'));
    // `key < 0x1f2e…` compares.
    if operator > spaced
        && context
            .bytes(spaced..operator)
            .iter()
            .all(|byte| *byte == b'<')
    {
        return Err(Outcome::None);
    }
    // `--token value`, `SECRET value`: a gap may only be a blank, and the value must prove itself.
    if !is_assigned && spaced == closed {
        return Err(Outcome::None);
    }
    let gap = context.end_of(behind_mark, 24, &WHITE)?;
    let typed = behind(context, gap, &TYPES, &TYPES_BEGIN)?;
    let gap = if typed > gap {
        context.end_of(typed, 24, &WHITE)?
    } else {
        gap
    };
    let gap = quoted(context, gap)?;
    let mut opened = context.end_of(gap, 4, &OPENERS)?;
    if context.bytes(gap..opened) == FENCE {
        let language = context.end_of(opened, 16, &NAME)?;
        opened = context.end_of(language, 2, &WHITE)?;
    }
    let opened = behind(context, opened, &SCHEMES, &SCHEMES_BEGIN)?;
    let mut end = context.end_of(opened, VALUE_BYTES_MAX, &VALUE)?;
    let mut is_quoted = opened > gap && context.byte(end).is_some_and(|byte| QUOTES.has(byte));
    let mut is_plain = true;
    // In quotes there may be anything but blanks.
    let quote = context
        .before(opened)
        .filter(|byte| matches!(byte, b'"' | b'\''));
    let is_other = |quote| {
        matches!(context.byte(end), Some(b'"' | b'\'' | b'`')) && context.byte(end) != Some(quote)
    };
    if let Some(quote) = quote.filter(|quote| opened > gap && (!is_quoted || is_other(*quote))) {
        let class = if quote == b'"' {
            &IN_DOUBLE
        } else {
            &IN_SINGLE
        };
        let last = context.end_of(opened, VALUE_BYTES_MAX, class)?;
        if context.byte(last) == Some(quote) {
            (end, is_quoted, is_plain) = (last, true, false);
        }
    }
    if !is_quoted {
        // Nearly no value has what could lead to another.
        if context.run_of(opened, end - opened, &UNPARTED) < end {
            end = opened + parameter(context.bytes(opened..end));
        }
        // A sentence's stop, a bracket's end.
        while end > opened && context.before(end).is_some_and(|byte| STOPS.has(byte)) {
            end -= 1;
        }
        // `name(…)`, `name[…]` and `name{…}` are code.
        // A tag that closes is none.
        if context.is_open(end + 1) {
            return Err(Outcome::Undecided);
        }
        let is_closed = context.bytes(end..end + 2) == b"</";
        if context.byte(end).is_some_and(|byte| CODE.has(byte)) && !is_closed {
            let argument = argument(context, end)?;
            return Ok(Assigned {
                range: argument,
                is_assigned,
                is_listed,
                is_quoted: true,
                is_plain: true,
                is_argument: true,
            });
        }
    }
    Ok(Assigned {
        range: opened..end,
        is_assigned,
        is_listed,
        is_quoted,
        is_plain,
        is_argument: false,
    })
}

/// Where a value ends that another parameter of a URL follows: `…&page=2`.
fn parameter(value: &[u8]) -> usize {
    let is_next = |at: &usize| {
        let rest = value.get(at + 1..).unwrap_or_default();
        let name = rest.iter().take_while(|byte| NAME.has(**byte)).count();
        name > 0 && rest.get(name) == Some(&b'=')
    };
    memchr::memchr_iter(b'&', value)
        .find(is_next)
        .unwrap_or(value.len())
}

/// Where the operator stands that leads to the value beside a name: `name: NAME`, `value: …` on the next line, `"name": "NAME", "value": …`.
fn beside(context: &Context<'_>, closed: usize) -> Result<Option<usize>, Outcome> {
    const MEMBER: [&[u8]; 3] = [b"value", b"Value", b"default"];
    let is_open = match context.byte(closed) {
        Some(b',' | b'\n' | b'\r') => true,
        Some(b' ') => matches!(context.has(closed, b" {"), Some(true) | None),
        _ => false,
    };
    if !is_open {
        return Ok(None);
    }
    let begin = context.end_of(closed, 24, &MEMBERS_GAP)?;
    let behind = behind(context, begin, &MEMBER, &MEMBER_BEGINS)?;
    if behind == begin {
        return Ok(None);
    }
    let operator = context.end_of(behind, 4, &MEMBER_ENDS)?;
    let is_one = matches!(context.byte(operator), Some(b':' | b'='));
    Ok(is_one.then_some(operator))
}

/// Behind what stands before a text in quotes in some languages: `@"…"`, `b'…'`.
fn quoted(context: &Context<'_>, from: usize) -> Result<usize, Outcome> {
    let end = context.end_of(from, 2, &TEXT_PREFIX)?;
    let is_quote = matches!(context.byte(end), Some(b'"' | b'\''));
    Ok(if is_quote { end } else { from })
}

/// The text in quotes that alone is handed to the function whose bracket stands at `bracket`.
fn argument(context: &Context<'_>, bracket: usize) -> Result<Range<usize>, Outcome> {
    let [open @ (b'(' | b'{'), quote @ (b'"' | b'\'')] = context.bytes(bracket..bracket + 2) else {
        return Err(context.lacking(bracket + 1));
    };
    let close = if *open == b'(' { b')' } else { b'}' };
    let begin = bracket + 2;
    let end = context.end_of(begin, VALUE_BYTES_MAX, &VALUE)?;
    if context.is_open(end + 1) {
        return Err(Outcome::Undecided);
    }
    if context.bytes(end..end + 2) == [*quote, close] {
        Ok(begin..end)
    } else {
        Err(Outcome::None)
    }
}

const CLOSERS: Class = Class::of("\"'`\\\\[])}>*");
const OPENERS: Class = Class::of("\"'`\\\\([{");
const OPERATORS: Class = Class::of("=:<>?|,\\-!~+.");
const MARKS: Class = Class::of("*");
const QUOTES: Class = Class::of("\"'`\\\\");
const IN_DOUBLE: Class = Class::of("!#-~");
const IN_SINGLE: Class = Class::of("!-&(-~");
const BLANKS: Class = Class::of(" \t");
const MEMBERS_GAP: Class = Class::of(" \t\n\r,\"'{");
const MEMBER_BEGINS: Class = Class::of("Vvd");
const MEMBER_ENDS: Class = Class::of("\"' ");
const TEXT_PREFIX: Class = Class::of("@$BFLRUbfru");
const WHITE: Class = Class::of(" \t\n\r\u{C}");
const STOPS: Class = Class::of(".:!?*|");
const CODE: Class = Class::of("([{<$");

/// Behind one of these texts, where one stands; `begins` are their first characters.
fn behind(
    context: &Context<'_>,
    from: usize,
    texts: &[&[u8]],
    begins: &Class,
) -> Result<usize, Outcome> {
    if context.byte(from).is_some_and(|byte| !begins.has(byte)) {
        return Ok(from);
    }
    for text in texts {
        match context.has(from, text) {
            Some(true) => return Ok(from + text.len()),
            Some(false) => {}
            None => return Err(Outcome::Undecided),
        }
    }
    Ok(from)
}

/// Whether a value is a member of something: names with dots between them, none longer than names are.
pub(super) fn is_member(value: &[u8]) -> bool {
    let is_name = |part: &[u8]| {
        (1..=24).contains(&part.len())
            && !part.first().is_some_and(u8::is_ascii_digit)
            && part
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    value.contains(&b'.') && value.split(|byte| *byte == b'.').all(is_name)
}
