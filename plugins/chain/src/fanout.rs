//! One event to every policy, in order.

use crate::Turn;
use portcullis_policy::{
    Edit, Effects, Event, Exchange, Facts, HeaderEdit, Interest, Metric, Refusal, Side, Text,
    Verdict,
};
use portcullis_wire::TextSink;

/// The policies of one exchange and what they share.
pub(crate) struct Fanout {
    pub policies: Vec<(Interest, Box<dyn Exchange>)>,
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
        let mut out = Effects::new(turn.store);
        let mut result = Ok(());
        for (_, policy) in &mut self.policies {
            if let Verdict::Refuse(refusal) =
                policy.handle(turn.now, event, &mut self.facts, &mut out)
            {
                result = Err(refusal);
                break;
            }
        }
        self.metrics.append(&mut out.take_metrics());
        (out.take_headers(), result)
    }

    /// Tells every policy something that is no longer open to discussion.
    pub fn tell_all(&mut self, turn: &mut Turn<'_>, event: &Event<'_>) {
        let mut out = Effects::new(turn.store);
        for (_, policy) in &mut self.policies {
            policy.handle(turn.now, event, &mut self.facts, &mut out);
        }
        self.metrics.append(&mut out.take_metrics());
    }

    /// A sink for the texts of one message.
    pub const fn sink<'a, 't>(&'a mut self, turn: &'a mut Turn<'t>, side: Side) -> Sink<'a, 't> {
        Sink {
            fanout: self,
            turn,
            side,
        }
    }
}

/// Hands texts of one side to the policies that want them.
pub(crate) struct Sink<'a, 't> {
    fanout: &'a mut Fanout,
    turn: &'a mut Turn<'t>,
    side: Side,
}

impl TextSink for Sink<'_, '_> {
    fn text(&mut self, text: Text<'_>, edits: &mut Vec<Edit>) -> Result<Option<usize>, Refusal> {
        let mut out = Effects::new(self.turn.store);
        let event = match self.side {
            Side::Request => Event::RequestText(text),
            Side::Response => Event::ResponseText(text),
        };
        for (interest, policy) in &mut self.fanout.policies {
            let wanted = match self.side {
                Side::Request => interest.request_text,
                Side::Response => interest.response_text,
            };
            if wanted
                && let Verdict::Refuse(refusal) =
                    policy.handle(self.turn.now, &event, &mut self.fanout.facts, &mut out)
            {
                self.fanout.metrics.append(&mut out.take_metrics());
                return Err(refusal);
            }
        }
        self.fanout.metrics.append(&mut out.take_metrics());
        edits.append(&mut out.take_edits());
        Ok(out.take_undecided())
    }
}
