//! Facts in filter state: written for access logs, native filters and the other modules of a chain, read by those modules.

use crate::told::{Name, Told};
use portcullis_policy::config::Value;
use portcullis_policy::{
    Action, AuthOutcome, Decision, Facts, Finding, Identity, Reason, Refusal, Side, Timestamp,
    Usage, words,
};
use serde::Serialize;
use std::rc::Rc;

/// The names of the contract.
pub mod names {
    /// The record, one line of JSON.
    pub const AUDIT: &str = "portcullis.audit";
    /// Who calls.
    pub const USER: &str = "portcullis.user";
    /// Team id.
    pub const TEAM: &str = "portcullis.team";
    /// The id of the key.
    pub const KEY_ID: &str = "portcullis.key_id";
    /// The model asked for, as far as its name is one that cannot be a secret ([`words::plain_name`]).
    ///
    /// [`words::plain_name`]: portcullis_policy::words::plain_name
    pub const MODEL: &str = "portcullis.model";
    /// Tokens of the prompt.
    pub const TOKENS_IN: &str = "portcullis.tokens_in";
    /// Tokens of the completion.
    pub const TOKENS_OUT: &str = "portcullis.tokens_out";
    /// Both.
    pub const TOKENS_TOTAL: &str = "portcullis.tokens_total";
    /// `allow`, `flag`, `redact`, `refuse`.
    pub const DECISION: &str = "portcullis.decision";
    /// A code of the contract, or empty.
    pub const REASON: &str = "portcullis.reason";
    /// User, team and key id as JSON: what `auth` hands to the other modules.
    pub const IDENTITY: &str = "portcullis.identity";
    /// `success`, `failure`, `none`.
    pub const AUTH: &str = "portcullis.auth";
    /// `renamed` once the provider's own headers have their `x-upstream-` names, so that the next module does not take ours for theirs.
    pub const UPSTREAM_HEADERS: &str = "portcullis.upstream_headers";
    /// When the caller's key ends, RFC 3339; only where that is near enough to be warned of.
    pub const KEY_EXPIRES_AT: &str = "portcullis.key_expires_at";
    /// What policies in shadow mode would have refused this for: codes of the contract with commas between.
    pub const SHADOW: &str = "portcullis.shadow";
    /// What DLP found, as the record spells it: rule, action, count, where.
    pub const FINDINGS: &str = "portcullis.findings";
    /// What was not scanned: media types with commas between.
    pub const UNSCANNED: &str = "portcullis.unscanned";
}

/// What decides what is written, beside the facts themselves.
#[derive(Clone, Copy)]
pub(crate) struct Stage {
    /// The names that somebody reads.
    pub told: Told,
    /// Other modules stand in the same filter chain.
    pub others: bool,
    /// The exchange is over.
    pub ended: bool,
}

/// What was written so far, so that nothing is written twice.
#[derive(Debug, Default)]
pub(crate) struct Published {
    identity: Option<Rc<Identity>>,
    auth: AuthOutcome,
    key_expires_at: Option<Timestamp>,
    model: Option<String>,
    /// Another module wrote a model, and this one found that what stands there must not be told.
    model_withdrawn: bool,
    usage: Option<Usage>,
    findings: Vec<Finding>,
    unscanned: Vec<String>,
    shadow: Vec<Reason>,
    decided: Option<(Decision, Option<Reason>)>,
    /// What another module wrote of it: the strongest stands.
    told: Option<Decision>,
    record: bool,
    /// The provider's headers were renamed by this module, and others must know.
    pub renamed: bool,
    renamed_told: bool,
}

impl Published {
    /// The request is refused for a body whose model this module will not name: no other module's word for it stays.
    pub fn withdraw_model(&mut self, facts: &Facts, filter_state: &dyn Fn(&str) -> Option<String>) {
        self.model_withdrawn = facts.model.is_none() && filter_state(names::MODEL).is_some();
    }

    /// Writes what changed, under its name. The decision is written when it is a refusal, and at the end.
    #[inline(never)]
    pub fn write_changes(
        &mut self,
        facts: &Facts,
        stage: Stage,
        write: &mut dyn FnMut(&'static str, &str),
    ) {
        let Stage {
            told,
            others,
            ended,
        } = stage;
        if facts.auth != self.auth && others {
            self.auth = facts.auth;
            write(names::AUTH, facts.auth.name());
        }
        if facts.identity != self.identity
            && let Some(identity) = &facts.identity
        {
            if told.has(Name::User) {
                write(names::USER, &identity.user);
            }
            if told.has(Name::Team)
                && let Some(team) = &identity.team
            {
                write(names::TEAM, team);
            }
            if told.has(Name::KeyId) {
                write(names::KEY_ID, &identity.key_id);
            }
            if told.has(Name::Identity) {
                write(names::IDENTITY, &identity.to_json());
            }
            self.identity.clone_from(&facts.identity);
        }
        if facts.key_expires_at != self.key_expires_at
            && let Some(end) = facts.key_expires_at
        {
            write(names::KEY_EXPIRES_AT, &end.to_rfc3339());
            self.key_expires_at = facts.key_expires_at;
        }
        if told.has(Name::Model)
            && facts.model != self.model
            && let Some(model) = &facts.model
        {
            // Whoever writes this may not hold the policy that would know a secret, so only what cannot be one is written.
            write(names::MODEL, words::plain_name(model));
            self.model.clone_from(&facts.model);
        }
        if std::mem::take(&mut self.model_withdrawn) {
            // Another module wrote it, whether or not this one would.
            write(names::MODEL, "");
        }
        if facts.findings != self.findings {
            write(names::FINDINGS, &findings_to_json(&facts.findings));
            self.findings.clone_from(&facts.findings);
        }
        if facts.unscanned != self.unscanned {
            write(names::UNSCANNED, &facts.unscanned.join(","));
            self.unscanned.clone_from(&facts.unscanned);
        }
        if facts.shadow != self.shadow {
            let codes: Vec<&str> = facts.shadow.iter().map(|reason| reason.code()).collect();
            write(names::SHADOW, &codes.join(","));
            self.shadow.clone_from(&facts.shadow);
        }
        if facts.usage != self.usage
            && let Some(usage) = facts.usage
        {
            let total = usage.input.saturating_add(usage.output);
            for (name, key, tokens) in [
                (Name::TokensIn, names::TOKENS_IN, usage.input),
                (Name::TokensOut, names::TOKENS_OUT, usage.output),
                (Name::TokensTotal, names::TOKENS_TOTAL, total),
            ] {
                if told.has(name) {
                    write(key, &tokens.to_string());
                }
            }
            self.usage = facts.usage;
        }
        let decided = decided(facts);
        let due = decided.0 == Decision::Refuse || (ended && self.told < Some(decided.0));
        if due && self.decided != Some(decided) {
            if told.has(Name::Decision) {
                write(names::DECISION, decided.0.name());
            }
            if told.has(Name::Reason)
                && let Some(reason) = decided.1
            {
                write(names::REASON, reason.code());
            }
            self.decided = Some(decided);
        }
        if self.renamed && !self.renamed_told {
            write(names::UPSTREAM_HEADERS, "renamed");
            self.renamed_told = true;
        }
        if let Some(record) = &facts.record
            && !self.record
        {
            write(names::AUDIT, record);
            self.record = true;
        }
    }

    /// Reads who calls, as the modules before this one found out. What they wrote is not written again; nor is anything below.
    pub fn import_identity(
        &mut self,
        facts: &mut Facts,
        filter_state: &dyn Fn(&str) -> Option<String>,
    ) {
        if facts.identity.is_none() {
            facts.identity = filter_state(names::IDENTITY)
                .and_then(|json| Identity::from_json(&json).map(Rc::new));
            self.identity.clone_from(&facts.identity);
        }
    }

    /// Reads whether another module refused.
    pub fn import_refusal(
        &mut self,
        facts: &mut Facts,
        filter_state: &dyn Fn(&str) -> Option<String>,
    ) {
        if facts.refusal.is_some() {
            return;
        }
        let decision = filter_state(names::DECISION);
        self.told = decision.as_deref().and_then(Decision::from_name);
        if self.told == Some(Decision::Refuse) {
            let reason = filter_state(names::REASON).and_then(|code| Reason::from_code(&code));
            facts.refusal = reason.map(|reason| Refusal::new(reason, ""));
            self.decided = facts.refusal.is_some().then(|| decided(facts));
        }
    }

    /// Reads all that other modules learned by the end of the exchange, where this one does not know better itself.
    pub fn import_all(&mut self, facts: &mut Facts, filter_state: &dyn Fn(&str) -> Option<String>) {
        self.import_identity(facts, filter_state);
        import_shadow(facts, filter_state);
        if facts.auth == AuthOutcome::None {
            // Whose key it was stands there also where it was refused, but then that refusal does as well: without one, nobody needs to be asked.
            let refused = self.told == Some(Decision::Refuse)
                || facts.refusal.is_some()
                || !facts.shadow.is_empty();
            facts.auth = match &facts.identity {
                Some(_) if !refused => AuthOutcome::Success,
                Some(_) | None => auth(filter_state),
            };
            self.auth = facts.auth;
        }
        if facts.model.is_none() {
            facts.model = filter_state(names::MODEL).filter(|model| !model.is_empty());
            self.model.clone_from(&facts.model);
        }
        if facts.key_expires_at.is_none() {
            facts.key_expires_at = filter_state(names::KEY_EXPIRES_AT)
                .and_then(|text| Timestamp::parse_rfc3339(&text));
            self.key_expires_at = facts.key_expires_at;
        }
        // What this module found itself stands in filter state too, so nothing is lost.
        if let Some(json) = filter_state(names::FINDINGS) {
            facts.findings = findings_from_json(&json);
            self.findings.clone_from(&facts.findings);
        }
        // Of a request that a module before this one refused, only that one knows what was in it.
        if facts.unscanned.is_empty()
            && let Some(types) = filter_state(names::UNSCANNED)
        {
            facts.unscanned = types.split(',').map(str::to_owned).collect();
            self.unscanned.clone_from(&facts.unscanned);
        }
        self.import_usage(facts, filter_state);
    }

    /// Reads what a module nearer to the provider read of its count.
    pub fn import_usage(
        &mut self,
        facts: &mut Facts,
        filter_state: &dyn Fn(&str) -> Option<String>,
    ) {
        if facts.usage.is_none() {
            facts.usage = usage(filter_state);
            self.usage = facts.usage;
        }
    }
}

/// What became of the request so far, and why.
fn decided(facts: &Facts) -> (Decision, Option<Reason>) {
    let reason = facts.refusal.as_ref().map(|refusal| refusal.reason);
    (facts.decision(), reason)
}

/// What became of the caller's credentials.
fn auth(filter_state: &dyn Fn(&str) -> Option<String>) -> AuthOutcome {
    match filter_state(names::AUTH).as_deref() {
        Some("success") => AuthOutcome::Success,
        Some("failure") => AuthOutcome::Failure,
        _ => AuthOutcome::None,
    }
}

/// Reads what policies in shadow mode would have refused, those of modules before this one first: whoever writes, writes all of it.
pub(crate) fn import_shadow(facts: &mut Facts, filter_state: &dyn Fn(&str) -> Option<String>) {
    let Some(codes) = filter_state(names::SHADOW) else {
        return;
    };
    let own = std::mem::take(&mut facts.shadow);
    for reason in codes.split(',').filter_map(Reason::from_code).chain(own) {
        facts.shadowed(reason);
    }
}

/// The provider's count as a module nearer to it read it.
pub(crate) fn usage(filter_state: &dyn Fn(&str) -> Option<String>) -> Option<Usage> {
    let tokens = |name| filter_state(name)?.parse().ok();
    Some(Usage {
        input: tokens(names::TOKENS_IN)?,
        output: tokens(names::TOKENS_OUT)?,
    })
}

fn findings_to_json(findings: &[Finding]) -> String {
    let list: Vec<Written<'_>> = findings
        .iter()
        .map(|finding| Written {
            action: finding.action.name(),
            count: finding.count,
            rule: &finding.rule,
            side: finding.side.name(),
        })
        .collect();
    // Strings and numbers always serialize.
    serde_json::to_string(&list).unwrap_or_default()
}

/// A finding as other modules read it.
#[derive(Serialize)]
struct Written<'a> {
    action: &'static str,
    count: u32,
    rule: &'a str,
    #[serde(rename = "where")]
    side: &'static str,
}

fn findings_from_json(json: &str) -> Vec<Finding> {
    let Ok(Value::List(list)) = Value::from_json(json) else {
        return Vec::new();
    };
    list.iter().filter_map(finding_from_json).collect()
}

fn finding_from_json(value: &Value) -> Option<Finding> {
    let text = |name| value.get(name).and_then(Value::as_str);
    Some(Finding {
        rule: text("rule")?.to_owned(),
        action: [Action::Flag, Action::Mask, Action::Redact, Action::Block]
            .into_iter()
            .find(|action| Some(action.name()) == text("action"))?,
        count: u32::try_from(value.get("count")?.as_u64()?).ok()?,
        side: [Side::Request, Side::Response]
            .into_iter()
            .find(|side| Some(side.name()) == text("where"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn changes(
        published: &mut Published,
        facts: &Facts,
        ended: bool,
    ) -> Vec<(&'static str, String)> {
        let mut changes = Vec::new();
        let stage = Stage {
            told: Told::ALL,
            others: true,
            ended,
        };
        published.write_changes(facts, stage, &mut |name, value| {
            changes.push((name, value.to_owned()));
        });
        changes
    }

    #[test]
    fn what_one_module_writes_another_reads() {
        let mut written = Facts {
            identity: Some(
                Identity {
                    user: "a@b".into(),
                    team: Some("t".into()),
                    key_id: "k".into(),
                }
                .into(),
            ),
            auth: AuthOutcome::Success,
            key_expires_at: Timestamp::parse_rfc3339("2026-04-01T00:00:00Z"),
            model: Some("m".into()),
            usage: Some(Usage {
                input: 3,
                output: 4,
            }),
            refusal: Some(Refusal::new(Reason::DlpBlocked, "text")),
            unscanned: vec!["image/png".into(), "audio/wav".into()],
            ..Facts::default()
        };
        written.shadowed(Reason::RateLimitTokens);
        written.found("ssn", Action::Block, Side::Request, 2);
        let state: HashMap<_, _> = changes(&mut Published::default(), &written, true)
            .into_iter()
            .collect();
        let mut read = Facts::default();
        let mut reader = Published::default();
        let filter_state = |name: &str| state.get(name).cloned();
        reader.import_refusal(&mut read, &filter_state);
        reader.import_all(&mut read, &filter_state);
        let again = changes(&mut reader, &read, true);
        assert_eq!(
            again,
            [(names::SHADOW, "rate_limit_tokens".to_owned())],
            "nothing else is written a second time"
        );
        assert_eq!(read.identity, written.identity);
        assert_eq!(read.auth, written.auth);
        assert_eq!(read.model, written.model);
        assert_eq!(read.usage, written.usage);
        assert_eq!(read.findings, written.findings);
        assert_eq!(read.unscanned, written.unscanned);
        assert_eq!(read.shadow, written.shadow);
        assert_eq!(read.key_expires_at, written.key_expires_at);
        assert_eq!(
            read.refusal.map(|refusal| refusal.reason),
            Some(Reason::DlpBlocked)
        );
        assert_eq!(
            state.get(names::TOKENS_TOTAL).map(String::as_str),
            Some("7")
        );
    }

    #[test]
    fn who_was_not_refused_has_authenticated() {
        let identity = Identity {
            user: "a@b".into(),
            team: None,
            key_id: "k".into(),
        };
        let read = |auth: &str, other: Option<(&'static str, &str)>| {
            let mut asked = HashMap::from([
                (names::IDENTITY, identity.to_json()),
                (names::AUTH, auth.to_owned()),
            ]);
            asked.extend(other.map(|(name, value)| (name, value.to_owned())));
            let mut facts = Facts::default();
            let mut published = Published::default();
            let filter_state = |name: &str| asked.get(name).cloned();
            published.import_refusal(&mut facts, &filter_state);
            published.import_all(&mut facts, &filter_state);
            facts.auth
        };
        assert_eq!(read("anything", None), AuthOutcome::Success);
        let shadowed = Some((names::SHADOW, "expired_api_key"));
        assert_eq!(read("failure", shadowed), AuthOutcome::Failure);
        let limited = Some((names::SHADOW, "rate_limit_tokens"));
        assert_eq!(read("success", limited), AuthOutcome::Success);
    }

    #[test]
    fn what_several_modules_would_have_refused_adds_up() {
        let earlier = |name: &str| (name == names::SHADOW).then(|| "missing_api_key".to_owned());
        let mut facts = Facts::default();
        facts.shadowed(Reason::RateLimitTokens);
        import_shadow(&mut facts, &earlier);
        import_shadow(&mut facts, &earlier);
        let written = changes(&mut Published::default(), &facts, false);
        assert_eq!(
            written,
            [(
                names::SHADOW,
                "missing_api_key,rate_limit_tokens".to_owned()
            )]
        );
    }

    #[test]
    fn no_secret_becomes_a_model() {
        for secret in [
            "sk-ant-api03-Zq9",
            "a\nb",
            "078-05-1120",
            "AKIAIOSFODNN7EXAMPLE",
        ] {
            let facts = Facts {
                model: Some(secret.into()),
                ..Facts::default()
            };
            let written = changes(&mut Published::default(), &facts, false);
            assert_eq!(written, [(names::MODEL, words::OMITTED.to_owned())]);
        }
    }

    #[test]
    fn a_model_that_must_not_be_told_is_taken_back() {
        let written = |name: &str| (name == names::MODEL).then(|| "falcon".to_owned());
        let mut published = Published::default();
        published.withdraw_model(&Facts::default(), &written);
        let withdrawn = changes(&mut published, &Facts::default(), false);
        assert_eq!(withdrawn, [(names::MODEL, String::new())]);
        assert_eq!(changes(&mut published, &Facts::default(), false), []);
        let mut facts = Facts::default();
        Published::default()
            .import_all(&mut facts, &|name| (name == names::MODEL).then(String::new));
        assert_eq!(facts.model, None);
    }

    #[test]
    fn nothing_is_written_twice() {
        let facts = Facts {
            model: Some("m".into()),
            ..Facts::default()
        };
        let mut published = Published::default();
        assert_eq!(changes(&mut published, &facts, false).len(), 1);
        assert_eq!(changes(&mut published, &facts, false), []);
        assert_eq!(
            changes(&mut published, &facts, true),
            [(names::DECISION, "allow".to_owned())]
        );
    }
}
