//! The JSON of one event: its strings, each with the place that says to which text it belongs.

use super::channels::Key;
use super::data::Data;
use super::shape::Spot;
use crate::document::{Observe, Value};
use crate::formats::{Compiled, Ends, Meaning, Voice};
use crate::json::{self, Malformed, NodeId, Raw, Token, Unescaped, Walker};
use crate::places::{Claim, Ground, Look};
use crate::usage::UsageCount;
use portcullis_policy::{Place, Role};
use std::fmt::Write;

/// A string of an event.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// As it is written in the event's data.
    pub raw: Raw<'a>,
    /// What is known of it.
    pub said: Said,
    /// It goes on in other events: where it stands.
    path: Option<Path<'a>>,
}

/// What is known of a string by where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// Part of the completion.
    pub completion: bool,
    /// A key of an object.
    pub key: bool,
    /// The value of the key before it.
    pub of_key: bool,
    /// What becomes of the stream depends on what it says, or it is no string: another event that fits says the same here.
    pub steers: bool,
    /// A number.
    pub number: bool,
    /// The event's own number: no text, and another one in each event.
    pub sequence: bool,
    /// Whose it is, and what it claims to be.
    ground: Ground,
}

#[derive(Debug, Clone, Copy)]
struct Path<'a> {
    parent: usize,
    segment: Segment<'a>,
    name: Option<Voice>,
}

/// How a value is reached from the array or object around it.
#[derive(Debug, Clone, Copy)]
enum Segment<'a> {
    Key(Raw<'a>),
    Element(usize),
}

/// An array or object of the event.
#[derive(Debug)]
struct Container<'a> {
    parent: Option<usize>,
    segment: Segment<'a>,
    region: Region,
    elements: usize,
    /// The value of its key `index`.
    index: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Region {
    Outside,
    Delta,
    Whole,
}

/// What a whole event holds. `index` may stand behind the strings that it is for, so nothing is known before the event's end.
#[derive(Debug, Default)]
pub(super) struct EventData<'a> {
    /// All strings in order; keys of no table too.
    pub strings: Vec<Found<'a>>,
    containers: Vec<Container<'a>>,
    /// Objects whose group of channels ends with this event.
    finished: Vec<usize>,
    /// All channels end with this event.
    pub ends_all: bool,
    counts: bool,
    /// There are counts in it.
    counted: bool,
    /// Which container is the array of answers.
    answers: Option<usize>,
    /// Where the event's type says to which text its strings belong: what all of them have in common.
    of: String,
    /// A number of the event that tells its texts apart.
    within: Option<u64>,
    /// The text that it says has ended.
    done: bool,
    /// Its number in the stream.
    pub sequence: Option<u64>,
}

/// Room for as many strings and containers as an event usually has.
const STRINGS_ROOM: usize = 8;
const CONTAINERS_ROOM: usize = 4;

/// Bytes of an `index` key; it is compared where no table reaches, too.
const INDEX: &str = "index";

impl Found<'_> {
    /// Where it stands in the event whose data this is.
    pub(super) fn spot(&self, data: &Data) -> Spot {
        let at = data.place(self.raw.at);
        Spot::new(at..at + self.raw.text.len(), self.raw.escaped, self.said)
    }
}

impl Said {
    const fn new(ground: Ground) -> Self {
        Self {
            completion: false,
            key: false,
            of_key: false,
            steers: false,
            number: false,
            sequence: false,
            ground,
        }
    }

    /// Whose text it is and where it stands, given what it says. A text that goes on must look opaque piece by piece.
    pub(super) fn of(self, text: &str, escaped: bool) -> (Role, Place) {
        if self.number {
            return (self.ground.role, Place::Number);
        }
        let claim = self.ground.claim;
        let opaque = claim != Claim::Prose
            && !escaped
            && claim.judge(text, true) == Look::Opaque
            && claim.still(text) == text.len();
        let place = if self.key {
            Place::Key
        } else if opaque {
            Place::Opaque
        } else {
            self.ground.place()
        };
        (self.ground.role, place)
    }
}

impl<'a> EventData<'a> {
    /// Reads the data of an event. Counts of tokens go to `usage`; other numbers with at least so many digits are texts.
    pub(super) fn read(
        data: &'a str,
        format: &Compiled,
        numbers_from: usize,
        usage: &mut UsageCount,
    ) -> Result<Self, Malformed> {
        let mut event = Self {
            strings: Vec::with_capacity(STRINGS_ROOM),
            containers: Vec::with_capacity(CONTAINERS_ROOM),
            ..Self::default()
        };
        let mut walker = Walker::new(Ground::of(Role::Assistant));
        let mut current: Option<usize> = None;
        let mut key: Option<Raw<'a>> = None;
        while let Some(step) = walker.step(&format.event, data, true)? {
            let meaning = format.event.meaning(step.node);
            if let Token::Key(raw) = step.token {
                key = Some(raw);
                if step.node == NodeId::UNKNOWN {
                    let said = Said {
                        key: true,
                        steers: true,
                        ..Said::new(walker.around())
                    };
                    event.found(raw, said, None);
                }
                continue;
            }
            if let Token::Close { .. } = step.token {
                current = current
                    .and_then(|at| event.containers.get(at))
                    .and_then(|closed| closed.parent);
                continue;
            }
            let around = current.and_then(|at| event.containers.get_mut(at));
            let (segment, outer) = match (around, key.take()) {
                (Some(container), Some(key)) => (Segment::Key(key), container.region),
                (Some(container), None) => {
                    container.elements += 1;
                    (Segment::Element(container.elements - 1), container.region)
                }
                (None, _) => (Segment::Element(0), Region::Outside),
            };
            let region = match meaning {
                Some(Meaning::Delta) => Region::Delta,
                Some(Meaning::Whole) => Region::Whole,
                _ => outer,
            };
            if meaning == Some(Meaning::Finish) && !matches!(step.token, Token::Null) {
                event.finished.extend(current);
            }
            match step.token {
                Token::Open { .. } => {
                    event.containers.push(Container {
                        parent: current,
                        segment,
                        region,
                        elements: 0,
                        index: None,
                    });
                    current = Some(event.containers.len() - 1);
                    match meaning {
                        Some(Meaning::Usage) => event.counts = true,
                        Some(Meaning::Answers) => event.answers = current,
                        _ => {}
                    }
                }
                Token::Piece { raw, .. } => {
                    if current == Some(0)
                        && let Some(Meaning::Kind | Meaning::KindOfText) = meaning
                    {
                        event.kind(raw, meaning == Some(Meaning::KindOfText), format);
                    }
                    let ground = format.event.ground(step.node, walker.around());
                    event.string(raw, meaning, region, ground, current, segment);
                }
                Token::Number(text) => {
                    if json::may_have(text, numbers_from) {
                        let ground = format.event.ground(step.node, walker.around());
                        event.digits(walker.number(text), numbers_from, ground, segment);
                    }
                    event.number(walker.number(text), meaning, segment, current);
                    if let Some(meaning) = meaning {
                        event.counted |=
                            matches!(meaning, Meaning::InputTokens(_) | Meaning::OutputTokens);
                        usage.value(meaning, Value::Number(text))?;
                    }
                }
                Token::Bool(_) | Token::Null | Token::Key(_) | Token::Close { .. } => {}
            }
        }
        Ok(event)
    }

    /// Whether the event tells usage and nothing of any answer.
    pub(super) fn is_usage_only(&self) -> bool {
        let answers = self.answers.and_then(|at| self.containers.get(at));
        self.counts && answers.is_none_or(|answers| answers.elements == 0)
    }

    /// Whether it holds texts alone: what it does to the stream, another one does that differs in texts.
    pub(super) fn is_plain(&self) -> bool {
        !self.counts && !self.counted && self.finished.is_empty() && !self.ends_all && !self.done
    }

    /// Takes its type; `of_text`: it says to which text its strings belong.
    fn kind(&mut self, raw: Raw<'_>, of_text: bool, format: &Compiled) {
        let mut room = Unescaped::new();
        let kind = if raw.escaped {
            room.of(raw.text)
        } else {
            raw.text
        };
        if of_text {
            let of = kind.strip_suffix(".delta");
            self.done = of.is_none() && kind.ends_with(".done");
            self.of.push_str(of.unwrap_or(kind));
        }
        match format.format().ends.iter().find(|(its, _)| *its == kind) {
            Some((_, Ends::Index)) => self.finished.push(0),
            Some((_, Ends::All)) => self.ends_all = true,
            None => {}
        }
    }

    /// The text that has ended with this event, if it says so of one.
    pub(super) fn ended_text(&self) -> Option<Key> {
        let of = self.of.strip_suffix(".done").filter(|_| self.done)?;
        let group = self.containers.first().and_then(|event| event.index);
        let mut name = self.named(of);
        voice_into(Voice::Text, &mut name);
        Some(Key { group, name })
    }

    /// What the names of all texts of an event begin with that is about `of`.
    fn named(&self, of: &str) -> String {
        let mut name = of.to_owned();
        if let Some(within) = self.within {
            written(&mut name, format_args!("#{within}"));
        }
        name
    }

    #[inline(never)]
    fn found(&mut self, raw: Raw<'a>, said: Said, path: Option<Path<'a>>) {
        self.strings.push(Found { raw, said, path });
    }

    fn string(
        &mut self,
        raw: Raw<'a>,
        meaning: Option<Meaning>,
        region: Region,
        ground: Ground,
        parent: Option<usize>,
        segment: Segment<'a>,
    ) {
        let name = match meaning {
            Some(Meaning::Channel(name)) => Some(name),
            _ => None,
        };
        let goes_on = name.is_some() || region == Region::Delta;
        let path = parent.filter(|_| goes_on).map(|parent| Path {
            parent,
            segment,
            name,
        });
        let of_key = self.is_last(segment);
        let said = Said {
            completion: goes_on,
            of_key,
            steers: matches!(
                meaning,
                Some(Meaning::Kind | Meaning::KindOfText | Meaning::Finish)
            ),
            ..Said::new(ground)
        };
        self.found(raw, said, path);
    }

    /// A number that is a text if it has so many digits, and is none of the API's own.
    #[inline(never)]
    fn digits(&mut self, raw: Raw<'a>, numbers_from: usize, ground: Ground, segment: Segment<'a>) {
        let mut room = Unescaped::new();
        if ground.claim.is_own_number("")
            || json::integer(raw.text, numbers_from, &mut room).is_none()
        {
            return;
        }
        let of_key = self.is_last(segment);
        let said = Said {
            of_key,
            steers: true,
            number: true,
            ..Said::new(ground)
        };
        self.found(raw, said, None);
    }

    /// Whether the key of a value is the string before it.
    fn is_last(&self, segment: Segment<'_>) -> bool {
        match (segment, self.strings.last()) {
            (Segment::Key(key), Some(last)) => last.said.key && last.raw.at == key.at,
            _ => false,
        }
    }

    /// Takes a number that may say where in a stream the event belongs, and to which of its texts a string does.
    fn number(
        &mut self,
        raw: Raw<'a>,
        meaning: Option<Meaning>,
        segment: Segment<'a>,
        current: Option<usize>,
    ) {
        let of_object = match (meaning, segment) {
            (Some(Meaning::Group), _) => true,
            (_, Segment::Key(key)) => json::means(key, INDEX),
            _ => false,
        };
        let (within, sequence) = (
            meaning == Some(Meaning::Within),
            meaning == Some(Meaning::Sequence),
        );
        if !(of_object || within || sequence) {
            return;
        }
        let number = raw.text.parse().ok();
        if within {
            self.within = number;
        } else if sequence {
            self.sequence = number;
            let said = Said {
                sequence: true,
                ..Said::new(Ground::default())
            };
            self.found(raw, said, None);
        } else if let Some(container) = current.and_then(|at| self.containers.get_mut(at)) {
            container.index = number;
        }
    }

    /// The channel of a string; `None` for a text of its own.
    pub(super) fn channel(&self, found: &Found<'_>) -> Option<Key> {
        let path = found.path?;
        let mut above = Vec::with_capacity(CONTAINERS_ROOM);
        let mut at = Some(path.parent);
        while let Some(container) = at.and_then(|at| self.containers.get(at)) {
            above.push(container);
            at = container.parent;
        }
        let mut group = None;
        let mut name = self.named(&self.of);
        for container in above.into_iter().rev() {
            match (container.segment, container.index) {
                (_, Some(index)) if group.is_none() => group = Some(index),
                (_, Some(index)) => written(&mut name, format_args!("#{index}")),
                (Segment::Element(at), None) if path.name.is_none() => {
                    written(&mut name, format_args!("@{at}"))
                }
                (Segment::Element(_) | Segment::Key(_), None) => {}
            }
            if let (Segment::Key(key), None) = (container.segment, path.name) {
                key_into(key, &mut name);
            }
        }
        match (path.name, path.segment) {
            (Some(voice), _) => voice_into(voice, &mut name),
            (None, Segment::Key(key)) => key_into(key, &mut name),
            (None, Segment::Element(at)) => written(&mut name, format_args!("@{at}")),
        }
        Some(Key { group, name })
    }

    /// The groups of channels that end with this event.
    pub(super) fn ended_groups(&self) -> impl Iterator<Item = Option<u64>> {
        self.finished.iter().map(|at| {
            let mut group = None;
            let mut at = Some(*at);
            while let Some(container) = at.and_then(|at| self.containers.get(at)) {
                group = container.index.or(group);
                at = container.parent;
            }
            group
        })
    }
}

/// A key behind its length, so that no key can look like two.
fn key_into(key: Raw<'_>, name: &mut String) {
    let mut unescaped = Unescaped::new();
    let text = if key.escaped {
        unescaped.of(key.text)
    } else {
        key.text
    };
    for part in ["/", &text.len().to_string(), ":", text] {
        name.push_str(part);
    }
}

fn voice_into(voice: Voice, name: &mut String) {
    name.push('=');
    name.push(char::from(voice as u8));
}

/// Writing to a string cannot fail.
fn written(name: &mut String, what: std::fmt::Arguments<'_>) {
    let _ = name.write_fmt(what);
}
