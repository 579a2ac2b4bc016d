//! One exchange, from its reservation to its settlement.

use crate::account::Obstacle;
use crate::bucket::MINUTE;
use crate::claim::{Claim, Quota, Scope, Subject};
use crate::estimate::{self, Ratio, Reserve};
use crate::ledger::{Demand, Denial, Hold, Outcome, reserve, settle};
use crate::{Known, Rules};
use portcullis_policy::{
    Budget, Effects, Endpoint, Event, Exchange, Facts, Mode, Reason, Refusal, RequestMeaning,
    ResponseMeaning, Timestamp, Verdict,
};
use std::rc::Rc;

/// The status with which a proxy gives up on a provider that did not answer in time.
const GATEWAY_TIMEOUT: u16 = 504;

/// One exchange.
pub(crate) struct Metered {
    rules: Rc<Rules>,
    known: Rc<Known>,
    held: Option<Held>,
    /// The provider answered with this status: its work was done, whatever happens to the answer.
    answered: Option<u16>,
}

/// What an exchange took and has not settled.
struct Held {
    holds: Vec<Hold>,
    reserve: Reserve,
    /// Bytes of the prompt's text, when that is all of the prompt: what the provider counts for it can be learned from.
    text_bytes: Option<u64>,
}

impl Metered {
    pub const fn new(rules: Rc<Rules>, known: Rc<Known>) -> Self {
        Self {
            rules,
            known,
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
            Event::Refused(_) => self.finish(now, facts, out, None),
            Event::ResponseHead(head) if head.local && gave_up(head.status) => {
                self.finish(now, facts, out, Some(&given_up()));
            }
            Event::ResponseHead(head) if head.local => self.finish(now, facts, out, None),
            Event::ResponseHead(head) => self.answered = Some(head.status),
            Event::ResponseEnd(meaning) => self.finish(now, facts, out, Some(meaning)),
            Event::End { status } => {
                let cut_off = match self.answered {
                    Some(status) => Some(ResponseMeaning {
                        usage: facts.usage,
                        ..ResponseMeaning::unread(status, false)
                    }),
                    // The client went first, and nobody had refused: the request had left.
                    None if *status == 0 && facts.refusal.is_none() => Some(given_up()),
                    None => None,
                };
                self.finish(now, facts, out, cut_off.as_ref());
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
        let claims = match facts.endpoint {
            Some(endpoint) if endpoint.spends_tokens() => self.claims(meaning, facts)?,
            Some(Endpoint::AnthropicCountTokens) => {
                let claims = self.claims(meaning, facts)?.into_iter();
                claims.filter_map(Claim::counting).collect()
            }
            _ => return Ok(()),
        };
        let model = meaning.model.as_deref().unwrap_or_default();
        let counts_tokens = claims.iter().any(|claim| claim.quota.counts_tokens());
        let ratio = if counts_tokens {
            self.known.learned.ratio(now, out.store, model)
        } else {
            Ratio::DEFAULT
        };
        let reserved = Reserve {
            prompt: estimate::prompt(meaning, ratio),
            cap: meaning.completion_tokens_max,
            cap_default: self
                .rules
                .completion_tokens
                .saturating_mul(meaning.choices.max(1)),
            ratio,
        };
        let demand = Demand {
            now,
            tokens: reserved.total(),
            lease: self.rules.lease,
        };
        match reserve(out.store, &claims, demand) {
            Ok((holds, budget)) => {
                self.tell(budget, facts);
                self.held = Some(Held {
                    holds,
                    reserve: reserved,
                    text_bytes: (counts_tokens && meaning.unscanned.is_empty())
                        .then_some(meaning.text_bytes),
                });
                Ok(())
            }
            Err(Denial::Obstacle(obstacle, budget)) => {
                self.tell(budget, facts);
                Err(refusal(obstacle))
            }
            Err(Denial::Unavailable) => {
                Err(unavailable("The limits cannot be checked at the moment."))
            }
        }
    }

    /// The caller gets to know what is left, unless nobody is held to it.
    fn tell(&self, budget: Budget, facts: &mut Facts) {
        if self.rules.mode == Mode::Enforce {
            facts.budget = budget;
        }
    }

    /// Whose limits apply.
    #[inline(never)]
    fn claims(&self, meaning: &RequestMeaning, facts: &Facts) -> Result<Vec<Claim>, Refusal> {
        let rules = &self.rules;
        let mut claims = Vec::with_capacity(4);
        let mut add = |scope: Scope<'_>, quota: Option<&Rc<Quota>>| {
            if let Some(quota) = quota {
                claims.push(Claim {
                    subject: self.known.subjects.of(&scope.name(), Subject::named),
                    quota: Rc::clone(quota),
                });
            }
        };
        match (&facts.identity, facts.source) {
            (Some(identity), _) => {
                add(Scope::User(&identity.user), rules.user.as_ref());
                let key = rules.keys.get(&identity.key_id).unwrap_or(&rules.key);
                add(Scope::Key(&identity.key_id), key.as_ref());
                if let Some(team) = &identity.team {
                    let own = rules.teams.get(team).unwrap_or(&rules.team);
                    add(Scope::Team(team), own.as_ref());
                }
            }
            (None, Some(source)) => add(Scope::Source(source), rules.user.as_ref()),
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
                .filter(|(pattern, _)| pattern.matches(model));
            claims.extend(named.map(|(_, claim)| claim.clone()));
        }
        claims.extend(rules.global.clone());
        Ok(claims)
    }

    /// Settles what is held, once: by the answer, or as if nothing had been when there was none.
    #[inline(never)]
    fn finish(
        &mut self,
        now: Timestamp,
        facts: &Facts,
        out: &mut Effects<'_>,
        answer: Option<&ResponseMeaning>,
    ) {
        let Some(held) = self.held.take() else {
            return;
        };
        let reserved = held.reserve.total();
        let outcome = answer.map_or(Outcome::Undone, |response| {
            Outcome::Used(held.reserve.used(response))
        });
        for hold in held.holds {
            // A store that does not answer keeps what it has: the bucket fills by itself, and the permit has its lease.
            let _ = settle(out.store, now, hold, reserved, outcome);
        }
        let usage = answer
            .filter(|answer| answer.complete)
            .and_then(|answer| answer.usage);
        if let (Some(bytes), Some(usage), Some(model)) = (held.text_bytes, usage, &facts.model) {
            self.known
                .learned
                .learn(now, out.store, model, bytes, usage.input);
        }
    }
}

/// Whether the status of the proxy's own answer says that a provider was at work. Envoy's answer is no error when the client says so
/// (`x-envoy-upstream-rq-timeout-alt-response`), which must not make the request cheaper.
const fn gave_up(status: u16) -> bool {
    status == GATEWAY_TIMEOUT || status < 400
}

/// A request that left, and of whose answer nothing was seen.
fn given_up() -> ResponseMeaning {
    ResponseMeaning::unread(200, false)
}

fn is_of_response(refusal: &Refusal) -> bool {
    matches!(
        refusal.reason,
        Reason::ResponseBlocked | Reason::UnreadableResponse
    )
}

fn refusal(obstacle: Obstacle) -> Refusal {
    let message = match obstacle {
        Obstacle::TooLarge => {
            "This request asks for more tokens than its limit ever lets pass at once; lower its cap or shorten its prompt."
        }
        Obstacle::Wait(kind, _) => kind.message(),
        Obstacle::Parallel => "Too many requests are running at the same time.",
    };
    let wait = match obstacle {
        // Waiting does not help; a 429 says how long all the same.
        Obstacle::TooLarge => MINUTE,
        Obstacle::Wait(..) | Obstacle::Parallel => obstacle.wait(),
    };
    Refusal::new(obstacle.reason(), message).retry_after(wait)
}

fn unavailable(message: &'static str) -> Refusal {
    Refusal::new(Reason::PolicyUnavailable, message)
}
