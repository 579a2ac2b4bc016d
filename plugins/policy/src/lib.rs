//! The vocabulary of Portcullis: what a policy sees, what it may answer, what it learns.
//!
//! A [`Policy`] is configured once and opens one [`Exchange`] for each HTTP exchange. An exchange is a state machine without
//! I/O: events go in ([`Event`], in the order of the wire), a [`Verdict`] comes out, edits and other wishes go to [`Effects`],
//! what was learned goes to [`Facts`]. Time is an argument, counters live behind a [`Store`].
//!
//! This crate knows no wire format, no proxy and no clock. It does not decide anything.

mod attribute;
mod background;
pub mod config;
mod effects;
mod event;
mod facts;
mod identity;
pub mod json;
mod models;
mod pseudonym;
mod refusal;
mod remembered;
mod sha256;
pub mod sort;
mod spread;
mod store;
mod text;
mod time;
pub mod words;

pub use attribute::Attribute;
pub use background::{ANSWER_BYTES_MAX, Answer, Background, Call, CallId, Outbox};
pub use effects::{Edit, Effects, HeaderEdit, Metric};
pub use event::{
    Endpoint, Event, RequestHead, RequestMeaning, ResponseHead, ResponseMeaning, Usage,
};
pub use facts::{Action, AuthOutcome, Budget, Decision, Facts, Finding, Raised, Side, Window};
pub use identity::Identity;
pub use models::AllowedModels;
pub use pseudonym::Pseudonyms;
pub use refusal::{Reason, Refusal};
pub use remembered::{NAME_BYTES_MAX, NAMES_MAX, Remembered};
pub use sha256::sha256;
pub use spread::{Spread, SpreadHasher};
pub use store::{CAS_ATTEMPTS_MAX, MemoryStore, NoStore, Store, StoreError, update};
pub use text::{Batch, Part, Place, Placed, Role, Text, TextId};
pub use time::Timestamp;

use std::cell::RefCell;
use std::rc::Rc;

/// What a policy answers to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Continue,
    /// The exchange must not go on. The first refusal of a chain wins and every policy then sees [`Event::Refused`].
    Refuse(Refusal),
}

/// What a policy wants to see, so that nobody pays for what nobody reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Interest {
    /// The request's body is parsed, so that [`Event::RequestEnd`] knows what it means.
    pub request_body: bool,
    /// [`Event::RequestText`] is wanted; implies `request_body`.
    pub request_text: bool,
    /// Numbers whose integer part has at least so many digits are texts, too ([`Place::Number`]); `None`: no number is.
    pub numbers_from: Option<u8>,
    /// [`Edit`]s of the request may come.
    pub request_edits: bool,
    /// [`Facts::model`] must be known before the first [`Event::RequestText`]. Costs a second look at the body as far as the model's field.
    pub request_model_first: bool,
    /// The response's usage is wanted in [`Event::ResponseEnd`].
    pub response_usage: bool,
    /// [`Event::ResponseText`] is wanted, and [`Edit`]s of the response may come.
    pub response_text: bool,
    /// Where a request comes from is wanted. Asking the proxy costs a microsecond; where nobody wants to know, it is not known.
    pub source: bool,
    /// The same, only where nobody is known to call ([`Facts::identity`]) when the request's head comes.
    pub source_of_strangers: bool,
    /// From [`Event::RequestHead`] on, [`Facts::identity`] must hold whom another module of the filter chain found to call.
    pub identity: bool,
    /// At [`Event::End`], [`Facts`] must hold what the other modules of the filter chain learned.
    pub record: bool,
    /// [`Event::End`] must say what the client got. Asking the proxy costs a microsecond; where nobody wants to know, it says 0.
    pub end_status: bool,
}

impl Interest {
    /// What either side wants.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            request_body: self.request_body || other.request_body,
            request_text: self.request_text || other.request_text,
            numbers_from: match (self.numbers_from, other.numbers_from) {
                (Some(one), Some(other)) => Some(if one < other { one } else { other }),
                (one, None) => one,
                (None, other) => other,
            },
            request_edits: self.request_edits || other.request_edits,
            request_model_first: self.request_model_first || other.request_model_first,
            response_usage: self.response_usage || other.response_usage,
            response_text: self.response_text || other.response_text,
            source: self.source || other.source,
            source_of_strangers: self.source_of_strangers || other.source_of_strangers,
            identity: self.identity || other.identity,
            record: self.record || other.record,
            end_status: self.end_status || other.end_status,
        }
    }

    /// Whether it wants the texts of a message.
    #[must_use]
    pub const fn wants_text(&self, side: Side) -> bool {
        match side {
            Side::Request => self.request_text,
            Side::Response => self.response_text,
        }
    }
}

/// Whether what a policy decides is carried out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    #[default]
    Enforce,
    /// It is only noted, in [`Facts::shadow`] and a metric: the way to roll a policy out.
    Shadow,
}

/// A configured policy, shared by all exchanges of a worker.
pub trait Policy {
    /// What this policy wants to see of each exchange.
    fn interest(&self) -> Interest;
    /// Whether its refusals are carried out. In shadow mode its exchange is told of everything that follows a refusal as if there had been
    /// none.
    fn mode(&self) -> Mode {
        Mode::Enforce
    }
    /// What this policy wants to know of what the proxy verified about each caller.
    fn attributes(&self) -> Vec<Attribute> {
        Vec::new()
    }
    /// State for one exchange.
    fn open(&self) -> Box<dyn Exchange>;
    /// The part that no exchange drives, for a policy that has one.
    fn background(&self) -> Option<Rc<RefCell<dyn Background>>> {
        None
    }
}

/// One policy's view of one HTTP exchange.
///
/// Events arrive in this order: `RequestHead`, `RequestText`*, `RequestEnd`, `ResponseHead`, `ResponseText`*, `ResponseEnd`, `End`.
/// `Refused` can come anywhere before `End`; after it only response events of the refusal's own answer are left out and `End` follows.
/// `End` always comes, exactly once, also when nothing else did (a client that vanished, a request that Envoy refused).
pub trait Exchange {
    /// Takes one event. `now` never goes back within an exchange.
    fn handle(
        &mut self,
        now: Timestamp,
        event: &Event<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict;

    /// Which of several texts must be told, a bit each, the first one's being the lowest: of the others the exchange knows already that they are nothing
    /// to it, and they do not come as events.
    fn sift(&mut self, side: Side, batch: Batch<'_>, facts: &Facts) -> u64 {
        let _ = (side, batch, facts);
        u64::MAX
    }
}
