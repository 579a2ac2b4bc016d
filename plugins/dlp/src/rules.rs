//! The rules of a policy, compiled together.

use crate::pattern::Pattern;
use crate::trigger::Trigger;
use portcullis_policy::{Action, Side};

/// Most rules. Protects the time that a byte takes: all rules together must fit the words of [`Trigger`].
pub(crate) const RULES_MAX: usize = 64;

/// Most memory of all automata, in bytes. Every worker has its own.
pub(crate) const TABLES_BYTES_MAX: usize = 1024 * 1024;

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
    /// In which message only; in both where it does not say.
    pub(crate) only: Option<Side>,
}

/// All rules, and what finds their candidates.
#[derive(Debug)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    trigger: Trigger,
    /// Length of the shortest text that can hold a match.
    shortest: usize,
    has_lead: bool,
}

impl Rules {
    /// # Errors
    /// A sentence, when they are too many or too large together.
    pub(crate) fn new(rules: Vec<Rule>) -> Result<Self, String> {
        let bytes: usize = rules.iter().map(|rule| rule.pattern.dfa.bytes()).sum();
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
        Ok(Self {
            rules,
            trigger,
            shortest,
            has_lead,
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

    /// Whether matches of any rule begin with a run before their factor.
    pub(crate) const fn has_lead(&self) -> bool {
        self.has_lead
    }

    /// Length of the shortest text that can hold a match, in bytes.
    pub(crate) const fn shortest(&self) -> usize {
        self.shortest
    }
}
