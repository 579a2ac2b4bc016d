//! Who is calling, and may they: sources, keys, teams and their models.
//!
//! The order of questions, each asked only when those before it were answered well:
//!
//! 1. May this address call at all ([`Sources`])? Asked of every request, public paths included, before any key is looked at.
//! 2. Has it failed too often ([`Lockout`])? Asked of all but public paths, also before any key is looked at.
//! 3. Who holds this key? Everything but a public path needs one, also paths that do not exist: nobody maps the gateway without a key.
//! 4. May the caller's team use this model? Asked when the body has been read, of endpoints that name one.
//!
//! Secrets are never compared and never kept: a key is the SHA-256 digest of its secret, looked up in a hash table. How long that takes
//! can only tell of the digest of what the caller sent, which the caller knows already; and it is the same for ten keys and for ten
//! thousand.
//!
//! The client's credentials are taken off every request, whatever becomes of it. `auth.public_paths` and `auth.on_upgrade` stand in this
//! policy's section but say what is let through unread: `chain` reads those two, and this crate only sees their outcome.
//!
//! This crate knows no header of any provider, sends nothing and logs nothing.

mod config;
mod credential;
mod digest;
mod keys;
mod lockout;
mod source;

pub use config::configure;
pub use credential::CREDENTIAL_HEADERS;
pub use lockout::Lockout;
pub use source::{Network, Sources};

use credential::Credential;
use keys::Keys;
use portcullis_policy::config::Team;
use portcullis_policy::{
    AuthOutcome, Effects, Endpoint, Event, Exchange, Facts, HeaderEdit, Interest, Metric, Mode,
    Policy, Reason, Refusal, RequestHead, RequestMeaning, Timestamp, Verdict,
};
use std::borrow::Cow;
use std::rc::Rc;

/// The policy, configured.
pub struct Auth {
    rules: Rc<Rules>,
}

/// What a policy document says about access.
struct Rules {
    mode: Mode,
    sources: Sources,
    lockout: Option<Lockout>,
    keys: Keys,
}

impl Policy for Auth {
    fn interest(&self) -> Interest {
        Interest {
            request_body: self.rules.keys.restrict_models(),
            ..Interest::default()
        }
    }

    fn mode(&self) -> Mode {
        self.rules.mode
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(Access {
            rules: Rc::clone(&self.rules),
            team: None,
            upgrade: false,
        })
    }
}

/// One exchange's way through the questions.
struct Access {
    rules: Rc<Rules>,
    /// The caller's team, where it has one.
    team: Option<Rc<Team>>,
    /// The client asked for another protocol.
    upgrade: bool,
}

impl Exchange for Access {
    fn handle(
        &mut self,
        now: Timestamp,
        event: &Event<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict {
        let admitted = match event {
            Event::RequestHead(head) => {
                remove_credentials(head, out);
                self.admit(now, head, facts, out)
            }
            Event::RequestEnd(meaning) => self.admit_model(meaning, facts),
            Event::RequestText(_)
            | Event::Refused(_)
            | Event::ResponseHead(_)
            | Event::ResponseText(_)
            | Event::ResponseEnd(_)
            | Event::End { .. } => Ok(()),
        };
        admitted.map_or_else(Verdict::Refuse, |()| Verdict::Continue)
    }
}

impl Access {
    fn admit(
        &mut self,
        now: Timestamp,
        head: &RequestHead<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Result<(), Refusal> {
        let mut source = self.admit_source(head);
        if head.endpoint == Endpoint::Public {
            return source;
        }
        source = source.and_then(|()| self.refuse_locked_out(now, head, out));
        if source.is_err() && self.rules.mode == Mode::Enforce {
            return source;
        }
        // In shadow mode the request goes on: limits and the record still want to know whose it is.
        if let Err(refusal) = self.authenticate(now, head, facts) {
            facts.auth = AuthOutcome::Failure;
            out.count(Metric::AuthFailures, 1);
            self.note_failure(now, head, out);
            return source.and(Err(refusal));
        }
        self.upgrade = head.upgrade;
        source
    }

    fn admit_source(&self, head: &RequestHead<'_>) -> Result<(), Refusal> {
        if self.rules.sources.allow(head.source) {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::SourceNotAllowed,
            "Requests from this network address are not allowed.",
        ))
    }

    fn refuse_locked_out(
        &self,
        now: Timestamp,
        head: &RequestHead<'_>,
        out: &mut Effects<'_>,
    ) -> Result<(), Refusal> {
        let Some((lockout, source)) = self.rules.lockout.zip(head.source) else {
            return Ok(());
        };
        match lockout.blocked(out.store, now, source) {
            Ok(None) => Ok(()),
            Ok(Some(left)) => {
                let message = "Too many requests from this network address failed to authenticate.";
                Err(Refusal::new(Reason::SourceLockedOut, message).retry_after(left))
            }
            Err(_) => {
                let message = "Access cannot be checked at the moment.";
                Err(Refusal::new(Reason::PolicyUnavailable, message))
            }
        }
    }

    fn note_failure(&self, now: Timestamp, head: &RequestHead<'_>, out: &mut Effects<'_>) {
        let Some((lockout, source)) = self.rules.lockout.zip(head.source) else {
            return;
        };
        // A store without an answer changes nothing for this request, which is refused already; the next one will not get past it.
        if lockout.note_failure(out.store, now, source) == Ok(true) {
            out.count(Metric::Lockouts, 1);
        }
    }

    fn authenticate(
        &mut self,
        now: Timestamp,
        head: &RequestHead<'_>,
        facts: &mut Facts,
    ) -> Result<(), Refusal> {
        let invalid = || Refusal::new(Reason::InvalidApiKey, "The API key is not valid.");
        let digest = match credential::read(head) {
            Credential::Key(digest) => digest,
            Credential::Invalid => return Err(invalid()),
            Credential::Missing => {
                let message = "No API key was sent. Send one as `Authorization: Bearer <key>` or as `x-api-key: <key>`.";
                return Err(Refusal::new(Reason::MissingApiKey, message));
            }
        };
        let key = self.rules.keys.find(&digest).ok_or_else(invalid)?;
        // Whoever gets this far holds the secret: the record may say whose key it is, also when its time is over.
        facts.identity = Some(key.identity.clone());
        if key.revoked {
            return Err(Refusal::new(
                Reason::RevokedApiKey,
                "The API key was revoked.",
            ));
        }
        if key.expires_at.is_some_and(|end| now >= end) {
            return Err(Refusal::new(
                Reason::ExpiredApiKey,
                "The API key has expired.",
            ));
        }
        if key.not_before.is_some_and(|start| now < start) {
            return Err(Refusal::new(
                Reason::ExpiredApiKey,
                "The API key is not valid yet.",
            ));
        }
        facts.auth = AuthOutcome::Success;
        self.team.clone_from(&key.team);
        Ok(())
    }

    fn admit_model(&self, meaning: &RequestMeaning, facts: &Facts) -> Result<(), Refusal> {
        let Some(team) = self.team.as_ref().filter(|team| team.models.is_some()) else {
            return Ok(());
        };
        if self.upgrade {
            // What an upgraded connection carries is not read, so neither is the model.
            return Err(model_not_allowed());
        }
        if !facts
            .endpoint
            .is_some_and(|endpoint| endpoint.names_model())
        {
            return Ok(());
        }
        match &meaning.model {
            Some(model) if team.may_use(model) => Ok(()),
            Some(_) | None => Err(model_not_allowed()),
        }
    }
}

/// The message does not repeat the model: it is the client's own text.
fn model_not_allowed() -> Refusal {
    Refusal::new(
        Reason::ModelNotAllowed,
        "This API key may not use the requested model.",
    )
}

/// Takes the client's credentials off the request: the gateway brings its own.
fn remove_credentials(head: &RequestHead<'_>, out: &mut Effects<'_>) {
    for name in CREDENTIAL_HEADERS {
        if head.values(name).next().is_some() {
            out.header(HeaderEdit::Remove(Cow::Borrowed(name)));
        }
    }
}

#[cfg(test)]
mod tests;
