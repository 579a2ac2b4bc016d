//! One event to every policy, in order.

use crate::contention::Watched;
use crate::{Turn, shared};
use portcullis_policy::{
    Batch, Edit, Effects, Event, Exchange, Facts, HeaderEdit, Interest, Metric, Mode, Refusal,
    Side, Text, Timestamp, Verdict,
};
use portcullis_wire::TextSink;

/// One policy's part in an exchange.
pub(crate) struct Member {
    pub interest: Interest,
    pub mode: Mode,
    pub exchange: Box<dyn Exchange>,
}

impl Member {
    /// Tells the policy; the refusal of one in shadow mode is noted and goes no further.
    fn tell(
        &mut self,
        now: Timestamp,
        event: &Event<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Result<(), Refusal> {
        match self.exchange.handle(now, event, facts, out) {
            Verdict::Continue => Ok(()),
            Verdict::Refuse(refusal) if self.mode == Mode::Shadow => {
                facts.shadowed(refusal.reason);
                let reason = refusal.reason.code();
                out.count(Metric::ShadowRefusals { reason }, 1);
                Ok(())
            }
            Verdict::Refuse(refusal) => Err(refusal),
        }
    }
}

/// The policies of one exchange and what they share.
pub(crate) struct Fanout {
    pub policies: Vec<Member>,
    pub facts: Facts,
    pub metrics: Vec<(Metric, u64)>,
}

impl Fanout {
    /// Tells every policy until one refuses; answers the header edits wished by those that were told.
    pub fn tell(
        &mut self,
        turn: &mut Turn<'_>,
        event: &Event<'_>,
    ) -> (Vec<HeaderEdit>, Result<(), Refusal>) {
        let mut store = Watched::new(turn.store);
        let mut out = Effects::new(&mut store);
        let mut result = Ok(());
        let noted = self.facts.shadow.len();
        for member in &mut self.policies {
            result = member.tell(turn.now, event, &mut self.facts, &mut out);
            if result.is_err() {
                break;
            }
        }
        if self.facts.shadow.len() > noted {
            shared::import_shadow(&mut self.facts, turn.filter_state);
        }
        self.metrics.append(&mut out.take_metrics());
        let headers = out.take_headers();
        self.metrics.extend(store.contention());
        (headers, result)
    }

    /// Tells every policy something that is no longer open to discussion.
    pub fn tell_all(&mut self, turn: &mut Turn<'_>, event: &Event<'_>) {
        let mut store = Watched::new(turn.store);
        let mut out = Effects::new(&mut store);
        for member in &mut self.policies {
            member
                .exchange
                .handle(turn.now, event, &mut self.facts, &mut out);
        }
        self.metrics.append(&mut out.take_metrics());
        self.metrics.extend(store.contention());
    }

    /// A sink for the texts of one message.
    pub fn sink<'a>(&'a mut self, turn: &'a mut Turn<'_>, side: Side) -> Sink<'a> {
        let members = self.policies.iter();
        let numbers_from = members.filter_map(|member| member.interest.numbers_from);
        Sink {
            numbers_from: numbers_from.min().map(usize::from),
            fanout: self,
            now: turn.now,
            out: Effects::new(turn.store),
            side,
            dismissed: false,
        }
    }
}

/// Hands texts of one side to the policies that want them.
pub(crate) struct Sink<'a> {
    fanout: &'a mut Fanout,
    now: Timestamp,
    /// Empty between two texts: nearly all of them leave nothing to be done.
    out: Effects<'a>,
    side: Side,
    numbers_from: Option<usize>,
    /// The text just told is nothing to any policy.
    dismissed: bool,
}

impl TextSink for Sink<'_> {
    fn model(&mut self, model: &str) {
        self.fanout.facts.model = Some(model.to_owned());
    }

    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        let event = match self.side {
            Side::Request => Event::RequestText(text),
            Side::Response => Event::ResponseText(text),
        };
        let (mut result, mut told) = (Ok(()), 0);
        for member in &mut self.fanout.policies {
            if member.interest.wants_text(self.side) {
                told += 1;
                result = member.tell(self.now, &event, &mut self.fanout.facts, &mut self.out);
                if result.is_err() {
                    break;
                }
            }
        }
        let dismissed = self.out.take_dismissed() == told;
        if self.out.is_empty() && result.is_ok() {
            self.dismissed = dismissed;
            return Ok(None);
        }
        self.dismissed = false;
        self.fanout.metrics.append(&mut self.out.take_metrics());
        edits.append(&mut self.out.take_edits());
        let undecided = self.out.take_undecided();
        result.map(|()| undecided)
    }

    fn sift(&mut self, batch: Batch<'_>) -> u64 {
        let mut told = 0;
        for member in &mut self.fanout.policies {
            if member.interest.wants_text(self.side) {
                told |= member.exchange.sift(self.side, batch, &self.fanout.facts);
            }
        }
        told
    }

    fn numbers_from(&self) -> Option<usize> {
        self.numbers_from
    }

    fn dismisses(&self) -> bool {
        self.dismissed
    }
}
