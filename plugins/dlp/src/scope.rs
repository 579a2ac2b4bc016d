//! Where a rule applies: to which messages, whose texts, which models and teams.
//!
//! What is not known never takes a text out of a rule's reach: a text that is nobody's is everybody's, a caller whom nobody named is in every
//! team. Otherwise a field that no API knows would be the way around a rule.

use portcullis_policy::config::Glob;
use portcullis_policy::{Identity, Role, Side};

/// The rules that apply, by their place in the policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RuleSet(u64);

impl RuleSet {
    /// All.
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// Whether it holds a rule.
    pub(crate) const fn contains(self, rule: u16) -> bool {
        rule < 64 && self.0 & (1 << rule) != 0
    }

    /// Whether no rule applies.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rules of both.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl FromIterator<u16> for RuleSet {
    fn from_iter<I: IntoIterator<Item = u16>>(rules: I) -> Self {
        let bits = rules.into_iter().filter(|rule| *rule < 64);
        Self(bits.fold(0, |set, rule| set | 1 << rule))
    }
}

/// Where one rule applies. Absent lists mean everywhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Only messages of this side.
    pub(crate) direction: Option<Side>,
    /// Only texts of these roles, and those of nobody.
    pub(crate) roles: Option<Vec<Role>>,
    /// Only calls of these models.
    pub(crate) models: Option<Vec<Glob>>,
    /// Only calls by members of these teams.
    pub(crate) teams: Option<Vec<String>>,
}

impl Scope {
    /// Whether it reaches a side.
    pub(crate) fn reaches(&self, side: Side) -> bool {
        self.direction.is_none_or(|only| only == side)
    }

    /// Whether it reaches texts of a role.
    pub(crate) fn reaches_role(&self, role: Role) -> bool {
        let known = |roles: &Vec<Role>| role == Role::Unknown || roles.contains(&role);
        self.roles.as_ref().is_none_or(known)
    }

    /// Whether it reaches calls of a model by somebody.
    pub(crate) fn reaches_call(&self, model: Option<&str>, caller: Option<&Identity>) -> bool {
        let of_model = |globs: &Vec<Glob>| {
            model.is_none_or(|model| globs.iter().any(|glob| glob.matches(model)))
        };
        let of_team = |teams: &Vec<String>| {
            caller.is_none_or(|caller| {
                caller
                    .team
                    .as_ref()
                    .is_some_and(|team| teams.contains(team))
            })
        };
        self.models.as_ref().is_none_or(of_model) && self.teams.as_ref().is_none_or(of_team)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_within_reach() {
        let scope = Scope {
            direction: Some(Side::Request),
            roles: Some(vec![Role::User]),
            models: Some(vec![Glob::new("gpt-*")]),
            teams: Some(vec!["eng".to_owned()]),
        };
        assert!(scope.reaches(Side::Request) && !scope.reaches(Side::Response));
        assert!(scope.reaches_role(Role::User) && scope.reaches_role(Role::Unknown));
        assert!(!scope.reaches_role(Role::Tool));
        let of = |team: Option<&str>| Identity {
            team: team.map(str::to_owned),
            ..Identity::default()
        };
        assert!(scope.reaches_call(None, None));
        assert!(scope.reaches_call(Some("gpt-4o"), Some(&of(Some("eng")))));
        assert!(!scope.reaches_call(Some("claude"), None));
        assert!(!scope.reaches_call(None, Some(&of(None))));
        assert!(Scope::default().reaches_call(Some("x"), Some(&of(None))));
        let set: RuleSet = [0, 3, 63].into_iter().collect();
        assert!(set.contains(63) && !set.contains(1) && !set.contains(64));
    }
}
