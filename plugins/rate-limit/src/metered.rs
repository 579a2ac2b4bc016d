//! One exchange, from its reservation to its settlement.

use crate::Rules;
use crate::bucket::WINDOW_NANOS;
use crate::claim::{Claim, Scope, Subject};
use crate::estimate::{self, Reserve};
use crate::ledger::{Demand, Denial, Hold, Outcome, reserve, settle};
use portcullis_policy::config::Limits;
use portcullis_policy::{
    Effects, Event, Exchange, Facts, Reason, Refusal, RequestMeaning, ResponseMeaning, Timestamp,
    Verdict,
};
use std::rc::Rc;
use std::time::Duration;

/// One exchange.
pub(crate) struct Metered {
    rules: Rc<Rules>,
    held: Option<Held>,
    /// The provider answered with this status: its work was done, whatever happens to the answer.
    answered: Option<u16>,
}

/// What an exchange took and has not settled.
struct Held {
    holds: Vec<Hold>,
    reserve: Reserve,
}

impl Metered {
    pub fn new(rules: Rc<Rules>) -> Self {
        Self {
            rules,
            held: None,
            answered: None,
        }
    }
}

impl Exchange for Metered {
    fn handle(
        &mut self,
        now: Timestamp,
        event: &Event<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict {
        match event {
            Event::RequestEnd(meaning) => {
                return self
                    .reserve(now, meaning, facts, out)
                    .map_or_else(Verdict::Refuse, |()| Verdict::Continue);
            }
            // The provider did answer; only the client does not get to see it.
            Event::Refused(refusal) if is_of_response(refusal) => {
                self.answered = self.answered.or(Some(200));
            }
            Event::Refused(_) if self.answered.is_some() => {}
            Event::Refused(_) => self.finish(now, out, None),
            Event::ResponseHead(head) if head.local => self.finish(now, out, None),
            Event::ResponseHead(head) => self.answered = Some(head.status),
            Event::ResponseEnd(meaning) => self.finish(now, out, Some(meaning)),
            Event::End { .. } => {
                let cut_off = self.answered.map(|status| ResponseMeaning {
                    status,
                    usage: facts.usage,
                    ..ResponseMeaning::default()
                });
                self.finish(now, out, cut_off.as_ref());
            }
            Event::RequestHead(_) | Event::RequestText(_) | Event::ResponseText(_) => {}
        }
        Verdict::Continue
    }
}

impl Metered {
    fn reserve(
        &mut self,
        now: Timestamp,
        meaning: &RequestMeaning,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Result<(), Refusal> {
        if !facts
            .endpoint
            .is_some_and(|endpoint| endpoint.spends_tokens())
        {
            return Ok(());
        }
        let claims = self.claims(meaning, facts)?;
        let reserved = Reserve {
            prompt: estimate::tokens(meaning.text_bytes),
            cap: meaning.completion_tokens_max,
            cap_default: self.rules.completion_tokens,
        };
        let demand = Demand {
            now,
            tokens: reserved.total(),
            lease: self.rules.lease,
        };
        match reserve(out.store, &claims, demand) {
            Ok((holds, budget)) => {
                facts.budget = budget;
                self.held = Some(Held {
                    holds,
                    reserve: reserved,
                });
                Ok(())
            }
            Err(Denial::TooLarge(budget)) => {
                facts.budget = budget;
                let message = "This request asks for more tokens than the limit per minute; lower its cap or shorten its prompt.";
                // Waiting does not help; a 429 says how long all the same, and after a minute every bucket is full.
                Err(Refusal::new(Reason::RequestExceedsLimit, message)
                    .retry_after(Duration::from_nanos(WINDOW_NANOS)))
            }
            Err(Denial::Wait(reason, wait, budget)) => {
                facts.budget = budget;
                let message = if reason == Reason::RateLimitParallel {
                    "Too many requests are running at the same time."
                } else if reason == Reason::RateLimitTokens {
                    "The limit of tokens per minute is reached."
                } else {
                    "The limit of requests per minute is reached."
                };
                Err(Refusal::new(reason, message).retry_after(wait))
            }
            Err(Denial::Unavailable) => {
                Err(unavailable("The limits cannot be checked at the moment."))
            }
        }
    }

    /// Whose limits apply.
    fn claims(&self, meaning: &RequestMeaning, facts: &Facts) -> Result<Vec<Claim>, Refusal> {
        let rules = &self.rules;
        let mut claims = Vec::with_capacity(4);
        let mut add = |scope: Scope<'_>, limits: Limits| {
            if !limits.is_empty() {
                claims.push(Claim {
                    subject: Subject::of(scope),
                    limits,
                });
            }
        };
        match (&facts.identity, facts.source) {
            (Some(identity), _) => {
                add(Scope::User(&identity.user), rules.user);
                if let Some(team) = &identity.team {
                    add(
                        Scope::Team(team),
                        rules.teams.get(team).copied().unwrap_or(rules.team),
                    );
                }
            }
            (None, Some(source)) => add(Scope::Source(source), rules.user),
            (None, None) => {
                return Err(unavailable(
                    "The caller is not known, so no limit can be checked.",
                ));
            }
        }
        if let Some(model) = &meaning.model {
            let named = rules
                .models
                .iter()
                .filter(|(pattern, claim)| !claim.limits.is_empty() && pattern.matches(model));
            claims.extend(named.map(|(_, claim)| claim.clone()));
        }
        if !rules.global.limits.is_empty() {
            claims.push(rules.global.clone());
        }
        Ok(claims)
    }

    /// Settles what is held, once: by the answer, or as if nothing had been when there was none.
    fn finish(&mut self, now: Timestamp, out: &mut Effects<'_>, answer: Option<&ResponseMeaning>) {
        let Some(Held { holds, reserve }) = self.held.take() else {
            return;
        };
        let outcome = answer.map_or(Outcome::Undone, |response| {
            Outcome::Used(reserve.used(response))
        });
        for hold in holds {
            // A store that does not answer keeps what it has: the bucket fills by itself, and the permit has its lease.
            let _ = settle(out.store, now, hold, reserve.total(), outcome);
        }
    }
}

fn is_of_response(refusal: &Refusal) -> bool {
    matches!(
        refusal.reason,
        Reason::ResponseBlocked | Reason::UnreadableResponse
    )
}

fn unavailable(message: &'static str) -> Refusal {
    Refusal::new(Reason::PolicyUnavailable, message)
}
