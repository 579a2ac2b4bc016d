//! Who is calling, and may they: sources, keys, teams and their models.
//!
//! The order of questions, each asked only when those before it were answered well:
//!
//! 1. May this address call at all ([`Sources`])? Asked of every request, public paths included, before any key is looked at.
//! 2. Has it failed too often ([`Lockout`])? Asked of all but public paths, also before any key is looked at.
//! 3. Who holds this key, or whom did the proxy verify? Everything but a public path needs somebody, also paths that do not exist: nobody
//!    maps the gateway without a key.
//! 4. May the caller use this model: does the list of the team cover it, and that of the key? Asked when the body has been read, of
//!    endpoints that name one. A list of models shows those only.
//!
//! Secrets are never compared and never kept: a key is the SHA-256 digest of its secret, looked up in a hash table. How long that takes
//! can only tell of the digest of what the caller sent, which the caller knows already; it is the same for ten keys and for ten
//! thousand, and digests are compared in constant time.
//!
//! The client's credentials are taken off every request, whatever becomes of it. `auth.public_paths` and `auth.on_upgrade` stand in this
//! policy's section but say what is let through unread: `chain` reads those two, and this crate only sees their outcome.
//!
//! This crate knows no header of any provider, sends nothing and logs nothing.

mod config;
mod credential;
mod digest;
mod holder;
mod identities;
mod keys;
mod lockout;
mod source;

pub use config::{WARN_BEFORE_DEFAULT, configure};
pub use credential::CREDENTIAL_HEADERS;
pub use lockout::Lockout;
pub use source::{Network, Sources};

use credential::Credential;
use digest::Digest;
use holder::Holder;
use identities::{Identities, Require};
use keys::Keys;
use portcullis_policy::{
    Attribute, AuthOutcome, Effects, Endpoint, Event, Exchange, Facts, HeaderEdit, Interest,
    Metric, Mode, Policy, Reason, Refusal, RequestHead, RequestMeaning, Timestamp, Verdict,
};
use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

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
    warn_before: Duration,
    identities: Identities,
    require: Require,
}

impl Policy for Auth {
    fn interest(&self) -> Interest {
        Interest {
            request_body: self.rules.keys.restrict_models()
                || self.rules.identities.restrict_models(),
            source: true,
            identity: true,
            ..Interest::default()
        }
    }

    fn mode(&self) -> Mode {
        self.rules.mode
    }

    fn attributes(&self) -> Vec<Attribute> {
        self.rules.identities.attributes()
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(Access {
            rules: Rc::clone(&self.rules),
            holder: None,
            upgrade: false,
        })
    }
}

/// One exchange's way through the questions.
struct Access {
    rules: Rc<Rules>,
    /// Who was let in.
    holder: Option<Rc<Holder>>,
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
        if let Err(refusal) = self.authenticate(now, head, facts, out) {
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

    #[inline(never)]
    fn note_failure(&self, now: Timestamp, head: &RequestHead<'_>, out: &mut Effects<'_>) {
        let Some((lockout, source)) = self.rules.lockout.zip(head.source) else {
            return;
        };
        // A store without an answer changes nothing for this request, which is refused already; the next one will not get past it.
        if lockout.note_failure(out.store, now, source) == Ok(true) {
            out.count(Metric::Lockouts, 1);
        }
    }

    #[inline(never)]
    fn authenticate(
        &mut self,
        now: Timestamp,
        head: &RequestHead<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Result<(), Refusal> {
        let holder = match credential::read(head) {
            Credential::Key(digest) => self.key_holder(now, &digest, facts, out)?,
            Credential::Invalid => return Err(invalid_key()),
            Credential::Missing => self.verified(head)?,
        };
        if self.rules.require == Require::KeyAndIdentity
            && !self.rules.identities.confirm(head, &holder)
        {
            // The same words as for a wrong key: nobody learns that this one exists.
            return Err(invalid_key());
        }
        if facts.identity.is_none() {
            facts.identity = Some(Rc::clone(&holder.identity));
        }
        facts.auth = AuthOutcome::Success;
        if head.endpoint == Endpoint::Models
            && holder.models.restrict()
            && self.rules.mode == Mode::Enforce
        {
            facts.listed_models = Some(holder.models.clone());
        }
        self.holder = Some(holder);
        Ok(())
    }

    /// Whose key this is, when its time is now.
    fn key_holder(
        &self,
        now: Timestamp,
        digest: &Digest,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Result<Rc<Holder>, Refusal> {
        let key = self.rules.keys.find(digest).ok_or_else(invalid_key)?;
        // Whoever gets this far holds the secret: the record may say whose key it is, also when its time is over.
        facts.identity = Some(Rc::clone(&key.holder.identity));
        let refused = if key.revoked {
            Some((Reason::RevokedApiKey, "The API key was revoked."))
        } else if key.ends_at.is_some_and(|end| now >= end) {
            Some((Reason::ExpiredApiKey, "The API key has expired."))
        } else if key.not_before.is_some_and(|start| now < start) {
            Some((Reason::ExpiredApiKey, "The API key is not valid yet."))
        } else {
            None
        };
        if let Some((reason, message)) = refused {
            return Err(Refusal::new(reason, message));
        }
        if let Some(end) = key.ends_at
            && end.since(now) <= self.rules.warn_before
        {
            facts.key_expires_at = Some(end);
            out.count(Metric::ExpiringKeyRequests, 1);
        }
        Ok(Rc::clone(&key.holder))
    }

    /// Whom the proxy verified, of a request without a key.
    fn verified(&self, head: &RequestHead<'_>) -> Result<Rc<Holder>, Refusal> {
        let identities = match self.rules.require {
            Require::KeyOrIdentity => Some(&self.rules.identities),
            Require::KeyAndIdentity => None,
        };
        let holder = identities.and_then(|identities| identities.find(head));
        holder.map(Rc::new).ok_or_else(|| {
            let message = "No API key was sent. Send one as `Authorization: Bearer <key>` or as `x-api-key: <key>`.";
            Refusal::new(Reason::MissingApiKey, message)
        })
    }

    fn admit_model(&self, meaning: &RequestMeaning, facts: &Facts) -> Result<(), Refusal> {
        let Some(holder) = self
            .holder
            .as_ref()
            .filter(|holder| holder.models.restrict())
        else {
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
            Some(model) if holder.models.may_use(model) => Ok(()),
            Some(_) | None => Err(model_not_allowed()),
        }
    }
}

fn invalid_key() -> Refusal {
    Refusal::new(Reason::InvalidApiKey, "The API key is not valid.")
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
