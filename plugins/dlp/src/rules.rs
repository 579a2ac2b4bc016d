//! The rules of a policy, compiled together.

use crate::allow::Allow;
use crate::pattern::Pattern;
use crate::scope::{RuleSet, Scope};
use crate::trigger::Trigger;
use portcullis_policy::{Action, Role, Side};

/// Most rules. Protects the time that a byte takes: all rules together must fit the words of [`Trigger`].
pub(crate) const RULES_MAX: usize = 64;

/// Most memory of all automata, in bytes. Every worker has its own.
pub(crate) const TABLES_BYTES_MAX: usize = 1024 * 1024;

/// Every role, in the order of its type.
const ROLES: [Role; 5] = [
    Role::Unknown,
    Role::System,
    Role::User,
    Role::Assistant,
    Role::Tool,
];

/// One rule.
#[derive(Debug)]
pub(crate) struct Rule {
    /// As records, metrics and messages show it.
    pub(crate) name: String,
    /// What is done with a match.
    pub(crate) action: Action,
    /// What stands in its place when it is redacted.
    pub(crate) replacement: String,
    /// What matches.
    pub(crate) pattern: Pattern,
    /// Where it applies.
    pub(crate) scope: Scope,
    /// The match of a message from which on it acts; those before are flagged. At least 1.
    pub(crate) threshold: u32,
    /// What may pass although it matches.
    pub(crate) allow: Allow,
}

impl Rule {
    /// A rule that applies everywhere and acts at once.
    pub(crate) fn new(name: String, action: Action, pattern: Pattern) -> Self {
        Self {
            replacement: format!("[REDACTED:{name}]"),
            name,
            action,
            pattern,
            scope: Scope::default(),
            threshold: 1,
            allow: Allow::default(),
        }
    }

    /// Whether a message is blocked as soon as a match is certain, before it is known where it ends.
    pub(crate) const fn acts_early(&self) -> bool {
        matches!(self.action, Action::Block) && self.threshold <= 1 && self.allow.is_empty()
    }
}

/// The rules with a scope.
fn reaching(rules: &[Rule], reaches: impl Fn(&Scope) -> bool) -> RuleSet {
    (0..)
        .zip(rules)
        .filter(|(_, rule)| reaches(&rule.scope))
        .map(|(index, _)| index)
        .collect()
}

/// All rules, and what finds their candidates.
#[derive(Debug)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    trigger: Trigger,
    /// Length of the shortest text that can hold a match.
    shortest: usize,
    has_lead: bool,
    /// Those that reach texts of each role, of requests and of responses.
    reach: [[RuleSet; ROLES.len()]; 2],
}

impl Rules {
    /// # Errors
    /// A sentence, when they are too many or too large together.
    pub(crate) fn new(rules: Vec<Rule>) -> Result<Self, String> {
        let bytes: usize = rules
            .iter()
            .map(|rule| rule.pattern.dfa.bytes() + rule.allow.bytes())
            .sum();
        if bytes > TABLES_BYTES_MAX {
            return Err(format!(
                "the rules together take {bytes} bytes of tables; at most {TABLES_BYTES_MAX} are possible"
            ));
        }
        let factors: Vec<_> = rules.iter().map(|rule| &rule.pattern.factor).collect();
        let trigger = (rules.len() <= RULES_MAX)
            .then(|| Trigger::new(&factors))
            .flatten();
        let trigger = trigger
            .ok_or_else(|| format!("expected at most {RULES_MAX} rules, found {}", rules.len()))?;
        let shortest = factors
            .iter()
            .map(|factor| factor.sets.len())
            .min()
            .unwrap_or(usize::MAX);
        let has_lead = factors.iter().any(|factor| factor.lead.is_some());
        let set = |reaches: &dyn Fn(&Scope) -> bool| reaching(&rules, reaches);
        let reach = [Side::Request, Side::Response].map(|side| {
            ROLES.map(|role| set(&|scope| scope.reaches(side) && scope.reaches_role(role)))
        });
        Ok(Self {
            rules,
            trigger,
            shortest,
            has_lead,
            reach,
        })
    }

    /// Finds candidates.
    pub(crate) const fn trigger(&self) -> &Trigger {
        &self.trigger
    }

    /// In the order of the policy.
    pub(crate) fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// One rule.
    pub(crate) fn rule(&self, index: u16) -> Option<&Rule> {
        self.rules.get(usize::from(index))
    }

    /// Those that reach texts of a role.
    pub(crate) fn reaching(&self, side: Side, role: Role) -> RuleSet {
        let roles = self.reach.get(side as usize);
        let of = roles.and_then(|roles| roles.get(role as usize));
        of.copied().unwrap_or(RuleSet::ALL)
    }

    /// Those that reach a call.
    pub(crate) fn reaching_call(&self, reaches: impl Fn(&Scope) -> bool) -> RuleSet {
        reaching(&self.rules, reaches)
    }

    /// Whether matches of any rule begin with a run before their factor.
    pub(crate) const fn has_lead(&self) -> bool {
        self.has_lead
    }

    /// Length of the shortest text that can hold a match, in bytes.
    pub(crate) const fn shortest(&self) -> usize {
        self.shortest
    }
}
