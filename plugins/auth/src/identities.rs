//! Callers whom the proxy itself verified: by a client certificate, or by a token that its `jwt_authn` filter checked.
//!
//! Each rule says of which verified attributes somebody is known, and who that is. Nothing here verifies anything: an attribute is what the
//! proxy says of a connection or a token, and it says nothing of a token that it did not verify.

use crate::holder::Holder;
use portcullis_policy::config::Glob;
use portcullis_policy::{AllowedModels, Attribute, Identity, RequestHead};
use std::collections::HashMap;
use std::rc::Rc;

/// Longest name that is taken from a certificate or token. Protects records and counters from what an identity provider lets people choose.
pub(crate) const NAME_BYTES_MAX: usize = 256;

/// What a request must bring to be let in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Require {
    /// A key or a verified identity; a key that is sent must be right, and then says who calls.
    #[default]
    KeyOrIdentity,
    /// A key, and a verified identity that agrees with it.
    KeyAndIdentity,
}

/// Where a name comes from.
#[derive(Debug)]
pub(crate) enum Name {
    /// From the policy.
    Literal(String),
    /// From what was verified.
    Of(Attribute),
}

/// How somebody is known.
#[derive(Debug)]
pub(crate) struct Rule {
    /// What records call it.
    pub id: String,
    /// All must be there, and match.
    pub conditions: Vec<(Attribute, Glob)>,
    /// Who it is.
    pub user: Name,
    /// The policy says who: then a key that comes with it must be that user's.
    pub binds_user: bool,
    /// Of which team.
    pub team: Option<Name>,
    /// `models` of the rule itself.
    pub models: Option<Rc<[Glob]>>,
}

/// The models of each team: `None` where the team may use all.
pub(crate) type TeamModels = HashMap<String, Option<Rc<[Glob]>>>;

/// All rules, in order: the first that matches says who it is.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    pub rules: Vec<Rule>,
    pub teams: TeamModels,
}

impl Identities {
    /// Who the proxy verified.
    pub fn find(&self, head: &RequestHead<'_>) -> Option<Holder> {
        self.rules.iter().find_map(|rule| self.holder(rule, head))
    }

    /// Whether the proxy verified somebody who may use this holder's key.
    pub fn confirm(&self, head: &RequestHead<'_>, holder: &Holder) -> bool {
        self.rules.iter().any(|rule| {
            self.holder(rule, head).is_some_and(|verified| {
                let same_user = verified.identity.user == holder.identity.user;
                let same_team = verified.identity.team == holder.identity.team;
                (!rule.binds_user || same_user) && (rule.team.is_none() || same_team)
            })
        })
    }

    /// Everything that rules ask for.
    pub fn attributes(&self) -> Vec<Attribute> {
        let names = |rule: &Rule| {
            let team = rule.team.as_ref().and_then(Name::attribute);
            rule.user
                .attribute()
                .into_iter()
                .chain(team)
                .cloned()
                .collect::<Vec<_>>()
        };
        let conditions = |rule: &Rule| {
            rule.conditions
                .iter()
                .map(|(attribute, _)| attribute.clone())
                .collect::<Vec<_>>()
        };
        self.rules
            .iter()
            .flat_map(|rule| conditions(rule).into_iter().chain(names(rule)))
            .collect()
    }

    /// Whether somebody may not use every model.
    pub fn restrict_models(&self) -> bool {
        self.rules.iter().any(|rule| {
            let team_restricts = match &rule.team {
                None => false,
                Some(Name::Literal(team)) => self.teams.get(team).is_some_and(Option::is_some),
                Some(Name::Of(_)) => self.teams.values().any(Option::is_some),
            };
            rule.models.is_some() || team_restricts
        })
    }

    fn holder(&self, rule: &Rule, head: &RequestHead<'_>) -> Option<Holder> {
        let matches = |(attribute, glob): &(Attribute, Glob)| {
            head.attribute(attribute).any(|value| glob.matches(value))
        };
        if !rule.conditions.iter().all(matches) {
            return None;
        }
        let user = match &rule.user {
            Name::Literal(user) => user.clone(),
            Name::Of(attribute) => only_name(head.attribute(attribute))?.to_owned(),
        };
        let team = match &rule.team {
            None => None,
            Some(Name::Literal(team)) => Some(team.as_str()),
            // Who may be of several teams could choose the limits that count.
            Some(Name::Of(attribute)) => Some(only(
                head.attribute(attribute)
                    .filter(|name| self.teams.contains_key(*name)),
            )?),
        };
        let team_models = team.and_then(|team| self.teams.get(team)?.clone());
        // Limits and records count by key: each user has one.
        let key_id = match &rule.user {
            Name::Literal(_) => rule.id.clone(),
            Name::Of(_) => format!("{}:{user}", rule.id),
        };
        Some(Holder {
            identity: Rc::new(Identity {
                user,
                team: team.map(str::to_owned),
                key_id,
            }),
            models: AllowedModels::new(team_models.into_iter().chain(rule.models.clone())),
        })
    }
}

impl Name {
    const fn attribute(&self) -> Option<&Attribute> {
        match self {
            Self::Literal(_) => None,
            Self::Of(attribute) => Some(attribute),
        }
    }
}

/// The only one; `None` when there are several, or none.
fn only<'a>(mut values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// The only one, when it can be a name.
fn only_name<'a>(values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    only(values).filter(|name| {
        !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(char::is_control)
    })
}
