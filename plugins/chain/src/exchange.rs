//! One HTTP exchange from its first header to its end.

use crate::fanout::{Fanout, Member};
use crate::request::RequestState;
use crate::response::{ResponseState, SUCCESS};
use crate::shared::{self, Published, Stage};
use crate::{Completeness, Gateway, Step};
use portcullis_policy::{
    Attribute, Budget, Endpoint, Event, Facts, HeaderEdit, Metric, Reason, Refusal,
    ResponseMeaning, Store, Timestamp,
};
use portcullis_wire::{Dialect, LocalReply, budget_headers, refusal as spell_refusal};
use std::rc::Rc;

/// What an exchange needs from outside for one step.
pub struct Turn<'a> {
    /// The time of this step.
    pub now: Timestamp,
    /// Counters shared by all workers.
    pub store: &'a mut dyn Store,
    /// What other modules of the filter chain wrote for this exchange, by the names of [`crate::names`].
    pub filter_state: &'a dyn Fn(&str) -> Option<String>,
}

/// Who made a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The provider.
    Provider,
    /// The proxy itself, or another filter of it.
    Proxy,
}

/// State of one exchange. Methods are called in the order of the wire; [`Exchange::end`] always, last.
pub struct Exchange {
    pub(crate) gateway: Rc<Gateway>,
    pub(crate) fanout: Fanout,
    pub(crate) request: RequestState,
    pub(crate) response: ResponseState,
    pub(crate) dialect: Dialect,
    pub(crate) header_edits: Vec<HeaderEdit>,
    pub(crate) trailer_edits: Vec<HeaderEdit>,
    attested: Vec<(Attribute, String)>,
    /// The list of models as far as it came, where the caller may not see all of it.
    pub(crate) listing: Option<Vec<u8>>,
    /// The request asks for the usage of its stream, and the client did not.
    pub(crate) usage_hidden: bool,
    pub(crate) published: Published,
    /// A success went on from here whole.
    passed: bool,
    ended: bool,
}

impl Exchange {
    pub(crate) fn new(gateway: Rc<Gateway>) -> Self {
        let policies = gateway
            .policies
            .iter()
            .map(|(interest, mode, policy)| Member {
                interest: *interest,
                mode: *mode,
                exchange: policy.open(),
            })
            .collect();
        Self {
            gateway,
            fanout: Fanout {
                policies,
                facts: Facts::default(),
                metrics: Vec::new(),
            },
            request: RequestState::Idle,
            response: ResponseState::Idle,
            dialect: Dialect::OpenAi,
            header_edits: Vec::new(),
            trailer_edits: Vec::new(),
            attested: Vec::new(),
            listing: None,
            usage_hidden: false,
            published: Published::default(),
            passed: false,
            ended: false,
        }
    }

    /// What the policies want to know of what the proxy verified about the caller.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.gateway.attributes
    }

    /// What the proxy verified about the caller, before [`Exchange::request_head`].
    pub fn attest(&mut self, attributes: Vec<(Attribute, String)>) {
        self.attested = attributes;
    }

    /// Whether the answer is a list of models of which the caller may see a part.
    pub(crate) fn lists_models(&self) -> bool {
        let facts = &self.fanout.facts;
        facts.listed_models.is_some() && facts.endpoint == Some(Endpoint::Models)
    }

    pub(crate) fn take_attested(&mut self) -> Vec<(Attribute, String)> {
        std::mem::take(&mut self.attested)
    }

    /// Whether somebody wants to know where the request comes from.
    pub(crate) fn wants_source(&self) -> bool {
        let interest = self.gateway.interest;
        interest.source || (interest.source_of_strangers && self.fanout.facts.identity.is_none())
    }

    /// The proxy did not do what the last step of a body said, and closed the stream: nobody knows what the client got.
    pub const fn was_cut_off(&mut self) {
        self.passed = false;
    }

    /// The exchange is over; `status` asks the proxy what the client got, 0 when it got nothing.
    pub fn end(&mut self, turn: &mut Turn<'_>, status: &dyn Fn() -> u16) {
        if self.ended {
            return;
        }
        self.ended = true;
        if self.stands_with_others() {
            let interest = self.gateway.interest;
            let (facts, filter_state) = (&mut self.fanout.facts, turn.filter_state);
            self.published.import_refusal(facts, filter_state);
            if interest.record {
                self.published.import_all(facts, filter_state);
            } else if interest.response_usage {
                self.published.import_usage(facts, filter_state);
            }
        }
        let status = self.end_status(status);
        self.close_response(turn, status);
        self.fanout.tell_all(turn, &Event::End { status });
    }

    /// What the client got, where somebody wants to know. Asking the proxy is dear, and a success that went on whole is what the client gets, as long
    /// as no module nearer to it refused.
    fn end_status(&self, ask: &dyn Fn() -> u16) -> u16 {
        if !self.gateway.interest.end_status {
            0
        } else if self.passed && self.fanout.facts.refusal.is_none() {
            SUCCESS
        } else {
            ask()
        }
    }

    /// What is known so far.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.fanout.facts
    }

    /// Whether pieces of the request's body are of interest now; when not, only the last one's callback counts.
    #[must_use]
    pub const fn reads_request(&self) -> bool {
        !matches!(self.request, RequestState::Unread | RequestState::Sent)
    }

    /// The same for the response's body.
    #[must_use]
    pub const fn reads_response(&self) -> bool {
        matches!(
            self.response,
            ResponseState::Reading(_) | ResponseState::Stopped(_) | ResponseState::Refusing(..)
        )
    }

    /// Header edits of the message at hand that the last step asked for.
    pub fn take_header_edits(&mut self) -> Vec<HeaderEdit> {
        std::mem::take(&mut self.header_edits)
    }

    /// The same of its trailers.
    pub fn take_trailer_edits(&mut self) -> Vec<HeaderEdit> {
        std::mem::take(&mut self.trailer_edits)
    }

    /// What was counted since the last call.
    pub fn take_metrics(&mut self) -> Vec<(Metric, u64)> {
        std::mem::take(&mut self.fanout.metrics)
    }

    /// Writes facts to filter state: those that changed since the last call, under the names of the contract.
    pub fn write_filter_state(&mut self, write: &mut dyn FnMut(&'static str, &str)) {
        let stage = Stage {
            told: self.gateway.settings.told,
            others: self.stands_with_others(),
            ended: self.ended,
        };
        self.published
            .write_changes(&self.fanout.facts, stage, write);
    }

    /// The host does not do what must be done for the message at hand, so the exchange is refused. `message` is what the client reads.
    pub fn give_up(&mut self, turn: &mut Turn<'_>, message: &'static str) -> Step {
        self.header_edits.clear();
        self.trailer_edits.clear();
        self.refuse_request(turn, Refusal::new(Reason::PolicyUnavailable, message))
    }

    /// Refuses the request, before anything of it left.
    pub(crate) fn refuse_request(&mut self, turn: &mut Turn<'_>, refusal: Refusal) -> Step {
        self.fanout.tell_all(turn, &Event::Refused(&refusal));
        self.request = RequestState::Refused;
        if self.stands_with_others() {
            self.published
                .withdraw_model(&self.fanout.facts, turn.filter_state);
        }
        Step::Reply(self.refusal_reply(turn, refusal))
    }

    /// The client's answer in place of the provider's.
    pub(crate) fn refusal_reply(&mut self, turn: &Turn<'_>, refusal: Refusal) -> LocalReply {
        let facts = &mut self.fanout.facts;
        let mut reply = spell_refusal(self.dialect, &refusal, &facts.request_id);
        reply
            .headers
            .extend(budget(self.dialect, &facts.budget, turn.now));
        for name in request_id_headers(self.dialect) {
            if !facts.request_id.is_empty() {
                reply.headers.push((*name, facts.request_id.clone()));
            }
        }
        facts.refusal = Some(refusal);
        reply
    }

    /// Whether facts of other modules are to be read, where this one stands in a chain of several.
    pub(crate) fn stands_with_others(&self) -> bool {
        self.gateway.completeness == Completeness::Part
    }

    /// The response will not go on: what was seen of it is all there is.
    fn close_response(&mut self, turn: &mut Turn<'_>, status: u16) {
        let meaning = match std::mem::replace(&mut self.response, ResponseState::Done) {
            ResponseState::Done => return,
            ResponseState::Reading(reader)
            | ResponseState::Stopped(reader)
            | ResponseState::Refusing(reader, _) => reader.meaning(),
            ResponseState::Unread { status, .. } => ResponseMeaning::unread(status, false),
            ResponseState::Idle => {
                // The provider did answer, but a filter nearer to it took the answer away before this one saw it: tokens were spent.
                let taken_away = self.fanout.facts.refusal.as_ref().is_some_and(|refusal| {
                    matches!(
                        refusal.reason,
                        Reason::ResponseBlocked | Reason::UnreadableResponse
                    )
                });
                if !taken_away {
                    return;
                }
                ResponseMeaning {
                    usage: self.fanout.facts.usage,
                    ..ResponseMeaning::unread(status, false)
                }
            }
        };
        self.end_response(turn, meaning);
    }

    /// Tells the policies what the response was.
    pub(crate) fn end_response(&mut self, turn: &mut Turn<'_>, mut meaning: ResponseMeaning) {
        self.response = ResponseState::Done;
        if meaning.usage.is_none()
            && self.gateway.interest.response_usage
            && self.stands_with_others()
        {
            // A module nearer to the provider may have put an error in the place of an answer that was paid for.
            meaning.usage = shared::usage(turn.filter_state);
        }
        if meaning.usage.is_some() {
            self.fanout.facts.usage = meaning.usage;
        }
        self.passed = meaning.complete && meaning.status == SUCCESS;
        self.fanout.tell_all(turn, &Event::ResponseEnd(&meaning));
    }
}

/// Whether nobody outside may say anything under this name.
pub(crate) fn is_ours(header: &str) -> bool {
    header.starts_with("x-portcullis-")
}

/// Where the exchange's id stands in an answer: under the contract's name, and where Anthropic's SDKs look for it.
pub(crate) const fn request_id_headers(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::OpenAi => &["x-request-id"],
        Dialect::Anthropic => &["x-request-id", "request-id"],
    }
}

/// Header fields that say what a caller has left, where there is a policy that counts it.
pub(crate) fn budget(
    dialect: Dialect,
    budget: &Budget,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    if cfg!(feature = "limits") {
        budget_headers(dialect, budget, now)
    } else {
        Vec::new()
    }
}
