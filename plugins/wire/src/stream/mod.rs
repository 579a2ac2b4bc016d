//! Streamed responses: events in, events out, each as soon as every text in it is decided and everything before it has left.

mod channels;
mod data;
mod event;
mod flow;
mod held;
mod inner;
mod nested;
mod repeats;
mod shape;

use crate::TextSink;
use crate::formats::Compiled;
use crate::json::{self, Unescaped};
use crate::response::unreadable;
use crate::sse::{Line, Splitter, lines};
use crate::texts::{NestedIds, give, give_nested};
use crate::usage::UsageCount;
use channels::{Channels, Key};
use data::Data;
use event::EventData;
use flow::Teller;
use held::{Held, Piece, Rewrite, What};
use portcullis_policy::{Edit, Part, Place, Refusal, Role, Text, TextId};
use repeats::{Met, Repeats, Told};
use shape::{Shape, Spot};
use std::collections::VecDeque;
use std::ops::Range;

/// Bytes of one event: protects the worker's memory from an event without end. The largest events known are those that repeat a whole
/// answer or carry an image.
const EVENT_BYTES_MAX: usize = 4 << 20;

/// Bytes of events that wait for a decision: protects the worker's memory from a text that is never decided.
const HELD_BYTES_MAX: usize = 4 << 20;

/// The data of OpenAI's last event, and of its imitators'.
const DONE: &str = "[DONE]";

/// Rewrites a stream.
#[derive(Debug)]
pub(crate) struct EventStream {
    format: &'static Compiled,
    splitter: Splitter,
    first: bool,
    held: VecDeque<Held>,
    held_bytes: usize,
    /// Room for the pieces of the next event.
    room: Vec<Piece>,
    channels: Channels,
    ids: u64,
    nested: NestedIds,
    batch: Vec<Edit>,
    scratch: Unescaped,
    /// Of the event before, where another one may have it.
    shape: Option<Shape>,
    out: Vec<u8>,
    usage: UsageCount,
    completion_bytes: u64,
    /// Events that tell usage alone are not for the client.
    hides_usage: bool,
    /// What was said, where it is said again.
    repeats: Option<Box<Repeats>>,
    /// The number of the event that left last.
    sequence: Option<u64>,
}

impl EventStream {
    pub(crate) fn new(format: &'static Compiled) -> Self {
        Self {
            format,
            splitter: Splitter::default(),
            first: true,
            held: VecDeque::new(),
            held_bytes: 0,
            room: Vec::new(),
            channels: Channels::default(),
            ids: 0,
            nested: NestedIds::default(),
            batch: Vec::new(),
            scratch: Unescaped::new(),
            shape: None,
            out: Vec::new(),
            usage: UsageCount::default(),
            completion_bytes: 0,
            hides_usage: false,
            repeats: format.format().repeats.map(|_| Box::default()),
            sequence: None,
        }
    }

    /// From now on, events that tell usage and nothing else do not leave.
    pub(crate) const fn hide_usage(&mut self) {
        self.hides_usage = true;
    }

    /// Whether some events do not leave.
    pub(crate) const fn hides_usage(&self) -> bool {
        self.hides_usage
    }

    /// Tokens as the provider counts them.
    pub(crate) const fn usage(&self) -> &UsageCount {
        &self.usage
    }

    /// The number of the event that comes next, where events are numbered.
    pub(crate) fn next_number(&self) -> Option<u64> {
        let next = self.sequence.map_or(0, |last| last.saturating_add(1));
        self.repeats.as_ref().map(|_| next)
    }

    /// Bytes of the completion's text so far.
    pub(crate) const fn completion_bytes(&self) -> u64 {
        self.completion_bytes
    }

    /// Takes bytes; events that may leave are put aside for [`EventStream::take`].
    pub(crate) fn push(
        &mut self,
        mut chunk: &[u8],
        sink: &mut dyn TextSink,
    ) -> Result<(), Refusal> {
        while let Some(event) = self.splitter.next(&mut chunk) {
            if let Err(refusal) = self.event(event, sink) {
                // What is refused is still paid for: usage behind it counts, wherever the chunk was cut.
                self.skim(chunk);
                return Err(refusal);
            }
        }
        if self.splitter.begun() > EVENT_BYTES_MAX {
            Err(unreadable())
        } else {
            Ok(())
        }
    }

    /// The stream is over: an event that was begun is read as it is, and every text has ended.
    pub(crate) fn finish(&mut self, sink: &mut dyn TextSink) -> Result<(), Refusal> {
        let rest = self.splitter.rest();
        if !rest.is_empty() {
            self.event(rest, sink)?;
        }
        self.close(&|_| true, sink)?;
        self.release();
        Ok(())
    }

    /// The events that may leave, once.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Reads on for usage alone.
    pub(crate) fn skim(&mut self, mut chunk: &[u8]) {
        while let Some(event) = self.splitter.next(&mut chunk) {
            self.skim_event(&event);
        }
        if self.splitter.begun() > EVENT_BYTES_MAX {
            self.splitter.rest();
        }
    }

    /// The stream that was skimmed is over.
    pub(crate) fn skim_rest(&mut self) {
        let rest = self.splitter.rest();
        self.skim_event(&rest);
    }

    /// Reads on for usage alone; events that are not hidden are put aside for [`EventStream::take`] as they are.
    pub(crate) fn relay(&mut self, mut chunk: &[u8]) {
        while let Some(event) = self.splitter.next(&mut chunk) {
            self.relay_event(&event);
        }
        if self.splitter.begun() > EVENT_BYTES_MAX {
            // Too long to be read: it passes, and what follows of it passes as events that mean nothing.
            let begun = self.splitter.rest();
            self.out.extend_from_slice(&begun);
        }
    }

    /// The stream that was relayed is over.
    pub(crate) fn relay_rest(&mut self) {
        let rest = self.splitter.rest();
        self.relay_event(&rest);
    }

    fn relay_event(&mut self, event: &[u8]) {
        if !self.skim_event(event) {
            self.out.extend_from_slice(event);
        }
    }

    /// Forgets what was held.
    pub(crate) fn drop_held(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
    }

    /// Whether it tells usage alone.
    fn skim_event(&mut self, bytes: &[u8]) -> bool {
        let text = simdutf8::basic::from_utf8(bytes).unwrap_or_default();
        let mut shape = self.shape.take();
        let known = shape.as_mut();
        if let Some(spots) = known.and_then(|shape| shape.fit(text, &mut self.scratch)) {
            self.completion_bytes += spots.iter().map(Spot::completion_bytes).sum::<u64>();
            self.shape = shape;
            return false;
        }
        let data = Data::of(text, &lines(text, std::mem::take(&mut self.first)));
        let read = EventData::read(data.text(text), self.format, usize::MAX, &mut self.usage);
        let Ok(event) = read else {
            return false;
        };
        let spots: Vec<_> = event
            .strings
            .iter()
            .map(|found| found.spot(&data))
            .collect();
        self.completion_bytes += spots.iter().map(Spot::completion_bytes).sum::<u64>();
        if event.is_plain() {
            self.shape = Shape::new(text, spots, shape);
        }
        event.is_usage_only()
    }

    fn event(&mut self, bytes: Vec<u8>, sink: &mut dyn TextSink) -> Result<(), Refusal> {
        if bytes.len() > EVENT_BYTES_MAX || self.held_bytes + bytes.len() > HELD_BYTES_MAX {
            return Err(unreadable());
        }
        let text = simdutf8::basic::from_utf8(&bytes).map_err(|_| unreadable())?;
        let mut held = Held {
            pieces: std::mem::take(&mut self.room),
            ..Held::default()
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut of_key = Unescaped::new();
        let mut shape = self.shape.take();
        let known = shape.as_mut();
        if let Some(spots) = known.and_then(|shape| shape.fit(text, &mut scratch)) {
            let mut before = None;
            for spot in spots {
                if spot.said.sequence {
                    held.sequence = spot.sequence(text);
                } else if !spot.dismissed {
                    let said = spot.text(text, &mut scratch);
                    if !said.is_empty() {
                        let key = spot.key(before, text, &mut of_key);
                        self.string(said, spot, key, &mut held, sink)?;
                    }
                }
                before = Some(spot);
            }
            self.shape = shape;
        } else if self.read(text, shape, &mut scratch, &mut held, sink)? {
            return Ok(());
        }
        self.scratch = scratch;
        self.held_bytes += bytes.len();
        held.bytes = bytes;
        self.held.push_back(held);
        self.release();
        Ok(())
    }

    /// Reads an event that looks like no other, `before` being one that came before it. Whether it is to be hidden.
    #[inline(never)]
    fn read(
        &mut self,
        text: &str,
        before: Option<Shape>,
        scratch: &mut Unescaped,
        held: &mut Held,
        sink: &mut dyn TextSink,
    ) -> Result<bool, Refusal> {
        let lines = lines(text, std::mem::take(&mut self.first));
        let mut plain = true;
        for line in &lines {
            match line {
                Line::Name(range) | Line::Other(range) => {
                    plain &= !self.plain(text, range, held, sink)?;
                }
                Line::Data(_) => {}
            }
        }
        let data = Data::of(text, &lines);
        let json = data.text(text);
        if json == DONE {
            self.close(&|_| true, sink)?;
        }
        if json == DONE || json.is_empty() {
            return Ok(false);
        }
        let numbers_from = sink.numbers_from().unwrap_or(usize::MAX);
        let event = EventData::read(json, self.format, numbers_from, &mut self.usage)
            .map_err(|_| unreadable())?;
        held.sequence = event.sequence;
        if let Some(text) = event.ended_text() {
            // It comes once more in the event itself.
            self.close(&|key| *key == text, sink)?;
        }
        let mut spots: Vec<Spot> = Vec::with_capacity(event.strings.len());
        let mut of_key = Unescaped::new();
        for found in &event.strings {
            let mut spot = found.spot(&data);
            let said = spot.text(text, scratch);
            if spot.said.sequence {
                // No text.
            } else if said.is_empty() {
                // Its channel is not open yet.
                plain &= !spot.said.completion;
            } else {
                if let Some(key) = event.channel(found) {
                    let of = spot.said.of(said, spot.escaped);
                    let (ids, repeats) = (&mut self.ids, &mut self.repeats);
                    let keep = || repeats.as_mut()?.begin(of.1);
                    let id = self.channels.at(key, of, || fresh(ids), keep);
                    spot.channel = Some(id.ok_or_else(unreadable)?);
                }
                let key = spot.key(spots.last(), text, &mut of_key);
                spot.dismissed = self.string(said, &spot, key, held, sink)?;
            }
            spots.push(spot);
        }
        for group in event.ended_groups() {
            self.close(&|key| key.group == group, sink)?;
        }
        if event.ends_all {
            self.close(&|_| true, sink)?;
        }
        if plain && event.is_plain() {
            self.shape = Shape::new(text, spots, before);
        }
        Ok(self.hides_usage && event.is_usage_only())
    }

    /// Part of a line that is not JSON: a text of its own, unless it is known. Whether it was told.
    fn plain(
        &mut self,
        event: &str,
        range: &Range<usize>,
        held: &mut Held,
        sink: &mut dyn TextSink,
    ) -> Result<bool, Refusal> {
        let text = event.get(range.clone()).unwrap_or_default();
        if text.is_empty() || self.format.format().event_names.contains(&text) {
            return Ok(false);
        }
        let told = Told {
            text,
            key: "",
            what: What::Line,
            of: (Role::Assistant, Place::Prose),
        };
        // Where all is kept, the name of a kind of events is told with the first of them.
        let dismissed = self.whole(told, range.clone(), held, sink)?;
        Ok(!(dismissed && self.repeats.is_some()))
    }

    /// Tells a string that is not empty; whether it need not be told again where it comes again.
    fn string(
        &mut self,
        text: &str,
        spot: &Spot,
        key: &str,
        held: &mut Held,
        sink: &mut dyn TextSink,
    ) -> Result<bool, Refusal> {
        if spot.said.completion {
            self.completion_bytes += text.len() as u64;
        }
        if let Some(id) = spot.channel {
            let mut teller = Teller {
                sink,
                batch: &mut self.batch,
                ids: &mut self.nested,
            };
            let channel = self.channels.find(id).ok_or_else(unreadable)?;
            if let (Some(repeats), Some(at)) = (&mut self.repeats, channel.said) {
                repeats.say(at, text);
            }
            let range = channel.tell(text, false, &mut teller)?;
            held.pieces.push(Piece {
                place: spot.now.clone(),
                channel: id,
                text: range,
            });
            return Ok(false);
        }
        let told = Told {
            text,
            key,
            what: if spot.said.number {
                What::Number
            } else {
                What::String
            },
            of: spot.said.of(text, spot.escaped),
        };
        self.whole(told, spot.now.clone(), held, sink)
    }

    /// Tells a text that does not go on, unless it was told before; whether it need not be told again.
    #[inline(never)]
    fn whole(
        &mut self,
        told: Told<'_>,
        place: Range<usize>,
        held: &mut Held,
        sink: &mut dyn TextSink,
    ) -> Result<bool, Refusal> {
        let kept = self
            .repeats
            .as_mut()
            .map_or(Met::Unkept, |repeats| repeats.meet(told));
        if let Met::Before(at, dismissed) = kept {
            if !dismissed {
                held.rewrites.push(Rewrite {
                    place,
                    what: What::Again(at),
                    changes: Vec::new(),
                });
            }
            return Ok(dismissed);
        }
        let mut changes = Vec::new();
        let whole = Text {
            id: self.fresh(),
            piece: told.text,
            last: true,
            role: told.of.0,
            place: told.of.1,
            part: Part::Alone,
            key: told.key,
        };
        give(whole, sink, &mut self.batch, &mut changes)?;
        let mut dismissed = sink.dismisses();
        if !matches!(told.what, What::Line) && json::hides_text(told.text) {
            changes.extend(give_nested(
                told.text,
                told.of,
                &mut self.nested,
                sink,
                &mut self.batch,
            )?);
            dismissed = false;
        }
        if let (Met::First(at), Some(repeats)) = (kept, &mut self.repeats) {
            repeats.became(at, told.what, &changes, dismissed);
        }
        held.rewrite(place, told.what, changes);
        Ok(dismissed)
    }

    /// Ends channels.
    fn close(
        &mut self,
        ends: &dyn Fn(&Key) -> bool,
        sink: &mut dyn TextSink,
    ) -> Result<(), Refusal> {
        for id in self.channels.close(ends) {
            let mut teller = Teller {
                sink,
                batch: &mut self.batch,
                ids: &mut self.nested,
            };
            if let Some(channel) = self.channels.find(id) {
                channel.tell("", true, &mut teller)?;
                if let (Some(repeats), Some(at)) = (&mut self.repeats, channel.said) {
                    repeats.end(at);
                }
            }
            self.channels.forget(id);
        }
        Ok(())
    }

    fn fresh(&mut self) -> TextId {
        fresh(&mut self.ids)
    }

    /// Lets go of the events in front that are decided.
    fn release(&mut self) {
        while let Some(held) = self.held.front() {
            let decided = held.pieces.iter().all(|piece| {
                self.channels
                    .find(piece.channel)
                    .is_none_or(|channel| channel.is_decided(piece.text.end))
            });
            if !decided {
                return;
            }
            let Some(mut held) = self.held.pop_front() else {
                return;
            };
            self.held_bytes -= held.bytes.len();
            let mut pieces = std::mem::take(&mut held.pieces);
            for piece in pieces.drain(..) {
                let Some(channel) = self.channels.find(piece.channel) else {
                    continue;
                };
                let changes = channel.changes_in(&piece.text);
                if !changes.is_empty() {
                    if let (Some(repeats), Some(at)) = (&mut self.repeats, channel.said) {
                        repeats.change(at, piece.text.start, &changes);
                    }
                    held.rewrite(piece.place, What::Piece, changes);
                }
                channel.release(piece.text.end);
                if channel.is_over() {
                    self.channels.forget(piece.channel);
                }
            }
            self.room = pieces;
            self.sequence = held.sequence.or(self.sequence);
            held.render(self.repeats.as_deref(), &mut self.out);
        }
    }
}

fn fresh(ids: &mut u64) -> TextId {
    *ids += 1;
    TextId(*ids)
}
