//! The rules of a policy, compiled together.

use crate::allow::Allow;
use crate::detectors::{Detector, Group, Trigger as DetectorTrigger};
use crate::drive::Driver;
use crate::scope::{RuleSet, Scope};
use crate::trigger::{Ahead, Trigger};
use crate::view::first_folded;
use portcullis_pattern::{ByteSet, Pattern};
use portcullis_policy::{Action, Role, Side};
use std::sync::Arc;

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

/// Length of the shortest text that a detector finds something in: an address.
const DETECTED_BYTES_MIN: usize = 6;

/// Digits of the shortest number that a detector finds, bare and behind a word that announces it.
pub(crate) const DETECTED_DIGITS_MIN: u8 = 9;

/// Digits of the shortest number that is held against patterns, whatever they match. Protects the time that arrays of numbers take: fewer tell
/// nobody from another.
const MATCHED_DIGITS_MIN: u8 = 4;

/// Longest text of which it is asked at once whether patterns can find anything in it: where they can, it is read again.
const CLEAR_BYTES_MAX: usize = 512;

/// What a rule looks for.
#[derive(Debug)]
pub(crate) enum Finder {
    /// What the operator wrote.
    Pattern(Box<Pattern>),
    /// What is built in.
    Detectors(Vec<&'static Detector>),
}

impl Finder {
    /// Whether it looks for what an `@` tells of.
    pub(crate) fn finds_addresses(&self) -> bool {
        let tells = |of: &&&Detector| matches!(of.trigger, DetectorTrigger::At);
        match self {
            Self::Pattern(_) => false,
            Self::Detectors(all) => all.iter().any(|of| tells(&of)),
        }
    }

    /// Whether it looks for what is known to be secret.
    pub(crate) fn finds_secrets(&self) -> bool {
        match self {
            Self::Pattern(_) => false,
            Self::Detectors(all) => all.iter().any(|of| of.group == Group::Secrets),
        }
    }
}

impl From<Pattern> for Finder {
    fn from(pattern: Pattern) -> Self {
        Self::Pattern(Box::new(pattern))
    }
}

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
    pub(crate) finder: Finder,
    /// Where it applies.
    pub(crate) scope: Scope,
    /// The match of a message from which on it acts; those before are flagged. At least 1.
    pub(crate) threshold: u32,
    /// What may pass although it matches.
    pub(crate) allow: Allow,
    /// In a stream, a word waits for what follows it, that could make an address of it.
    pub(crate) holds_words: bool,
    /// A pattern is held against what is decoded, too; `None`: where detectors are, as they need it anyway.
    pub(crate) decoded: Option<bool>,
}

impl Rule {
    /// A rule that applies everywhere and acts at once.
    pub(crate) fn new(name: String, action: Action, finder: impl Into<Finder>) -> Self {
        Self {
            replacement: format!("[REDACTED:{name}]"),
            name,
            action,
            finder: finder.into(),
            scope: Scope::default(),
            threshold: 1,
            allow: Allow::default(),
            holds_words: false,
            decoded: None,
        }
    }

    /// What the operator wrote.
    pub(crate) fn pattern(&self) -> Option<&Pattern> {
        match &self.finder {
            Finder::Pattern(pattern) => Some(pattern),
            Finder::Detectors(_) => None,
        }
    }

    fn detectors(&self) -> &[&'static Detector] {
        match &self.finder {
            Finder::Pattern(_) => &[],
            Finder::Detectors(detectors) => detectors,
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
    trigger: Arc<Trigger>,
    /// Any rule has a pattern.
    has_patterns: bool,
    /// Those whose patterns are held against what is decoded.
    decoding: RuleSet,
    driver: Option<Driver>,
    /// Length of the shortest text that can hold a match.
    shortest: usize,
    /// Digits of the shortest number that a pattern can match in; `None`: none can.
    matched_digits: Option<u8>,
    has_lead: bool,
    lead: ByteSet,
    /// Those that hold words back in streams.
    holding: RuleSet,
    /// Those that reach texts of each role, of requests and of responses.
    reach: [[RuleSet; ROLES.len()]; 2],
}

impl Rules {
    /// # Errors
    /// A sentence, when they are too many or too large together.
    pub(crate) fn new(rules: Vec<Rule>) -> Result<Self, String> {
        let factors: Vec<_> = rules
            .iter()
            .map(|rule| rule.pattern().map(|pattern| pattern.factor.clone()))
            .collect();
        let trigger = (rules.len() <= RULES_MAX)
            .then(|| Trigger::new(&factors))
            .flatten()
            .map(Arc::new);
        let trigger = trigger
            .ok_or_else(|| format!("expected at most {RULES_MAX} rules, found {}", rules.len()))?;
        let detectors = rules.iter().zip(0..).flat_map(|(rule, index)| {
            let detectors = rule.detectors().iter();
            detectors.map(move |detector| (index, *detector))
        });
        let has_detectors = rules.iter().any(|rule| !rule.detectors().is_empty());
        let decoding = (0..)
            .zip(&rules)
            .filter(|(_, rule)| rule.pattern().is_some() && rule.decoded.unwrap_or(has_detectors));
        let decoding: RuleSet = decoding.map(|(index, _)| index).collect();
        let patterns = (!decoding.is_empty()).then(|| Arc::clone(&trigger));
        let driver = Driver::new(detectors, patterns);
        let tables = rules.iter().map(|rule| {
            let pattern = rule.pattern().map_or(0, |pattern| pattern.dfa.bytes());
            pattern + rule.allow.bytes()
        });
        let bytes = tables.sum::<usize>() + driver.as_ref().map_or(0, Driver::bytes);
        if bytes > TABLES_BYTES_MAX {
            return Err(format!(
                "the rules together take {bytes} bytes of tables; at most {TABLES_BYTES_MAX} are possible"
            ));
        }
        let lengths = factors.iter().flatten().map(|factor| factor.sets.len());
        let shortest = lengths
            .chain(driver.is_some().then_some(DETECTED_BYTES_MIN))
            .min()
            .unwrap_or(usize::MAX);
        let has_digit = |set: &ByteSet| (b'0'..=b'9').any(|digit| set.contains(digit));
        let mut matched_digits = None;
        for factor in factors.iter().flatten() {
            if factor.sets.iter().all(has_digit) {
                // Of at most [`portcullis_pattern::FACTOR_BYTES_MAX`].
                let digits = (factor.sets.len() as u8).max(MATCHED_DIGITS_MIN);
                matched_digits = Some(matched_digits.map_or(digits, |known| digits.min(known)));
            }
        }
        let leads = factors.iter().flatten().filter_map(|factor| factor.lead);
        let lead = leads.fold(ByteSet::default(), ByteSet::union);
        let has_lead = factors.iter().flatten().any(|factor| factor.lead.is_some());
        let holding = (0..).zip(&rules).filter(|(_, rule)| rule.holds_words);
        let holding = holding.map(|(index, _)| index).collect();
        let set = |reaches: &dyn Fn(&Scope) -> bool| reaching(&rules, reaches);
        let reach = [Side::Request, Side::Response].map(|side| {
            ROLES.map(|role| set(&|scope| scope.reaches(side) && scope.reaches_role(role)))
        });
        Ok(Self {
            has_patterns: factors.iter().any(Option::is_some),
            rules,
            trigger,
            decoding,
            driver,
            shortest,
            matched_digits,
            has_lead,
            lead,
            holding,
            reach,
        })
    }

    /// Has all rules only flag; what they would have done.
    pub(crate) fn only_flag(&mut self) -> Vec<Action> {
        let flag = |rule: &mut Rule| std::mem::replace(&mut rule.action, Action::Flag);
        self.rules.iter_mut().map(flag).collect()
    }

    /// Finds what detectors find.
    pub(crate) const fn driver(&self) -> Option<&Driver> {
        self.driver.as_ref()
    }

    /// Whether any rule has a pattern.
    pub(crate) const fn has_patterns(&self) -> bool {
        self.has_patterns
    }

    /// Whether one look shows that no pattern finds anything in a whole text; `plain` tells that it is its own view. One that must look closer may say no.
    pub(crate) fn patterns_clear(&self, text: &str, plain: bool) -> bool {
        let mut progress = self.trigger.start();
        !self.has_patterns
            || text.len() <= CLEAR_BYTES_MAX
                && self
                    .trigger
                    .find(&mut progress, text.as_bytes(), Ahead::LAST)
                    .is_none()
                && (plain || first_folded(text).is_none())
    }

    /// Whether a text must not pass when detectors cannot read it to its end: one of these rules has any, and does more than flag.
    pub(crate) fn detectors_refuse(&self, among: RuleSet) -> bool {
        let acts = |rule: &Rule| !rule.detectors().is_empty() && rule.action != Action::Flag;
        let mut rules = (0..).zip(&self.rules);
        rules.any(|(index, rule)| among.contains(index) && acts(rule))
    }

    /// Those whose patterns are held against what is decoded, too.
    pub(crate) const fn decoding(&self) -> RuleSet {
        self.decoding
    }

    /// Finds candidates.
    pub(crate) fn trigger(&self) -> &Trigger {
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

    /// Whether any of these rules holds words back in streams.
    pub(crate) fn hold_words(&self, among: RuleSet) -> bool {
        !self.holding.and(among).is_empty()
    }

    /// All bytes that stand in runs with which matches begin.
    pub(crate) const fn lead(&self) -> ByteSet {
        self.lead
    }

    /// Whether matches of any rule begin with a run before their factor.
    pub(crate) const fn has_lead(&self) -> bool {
        self.has_lead
    }

    /// Whether one look shows that nobody finds anything in a number of so many digits, behind its key. Where a closer look is needed it says no.
    pub(crate) fn is_no_number(&self, key: &str, digits: usize) -> bool {
        let matched = self.matched_digits.map_or(usize::MAX, usize::from);
        let driver = self.driver.as_ref();
        digits < matched && driver.is_none_or(|driver| driver.is_no_number(key, digits))
    }

    /// How many digits a number of JSON must have that any rule can find something in; `None`: none does.
    pub(crate) fn numbers_from(&self) -> Option<u8> {
        let detected = self.driver.is_some().then_some(DETECTED_DIGITS_MIN);
        [detected, self.matched_digits].into_iter().flatten().min()
    }

    /// Length of the shortest text that can hold a match, in bytes.
    pub(crate) const fn shortest(&self) -> usize {
        self.shortest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detectors::named;

    /// A rule that only flags must not refuse what it cannot read to its end, and what acts must.
    #[test]
    fn only_rules_that_act_refuse_what_detectors_cannot_read() {
        let rule = |action| Rule::new("jwt".to_owned(), action, Finder::Detectors(named("jwt")));
        let rules = Rules::new(vec![rule(Action::Flag), rule(Action::Redact)]).unwrap();
        let among = |index: u16| [index].into_iter().collect::<RuleSet>();
        assert!(!rules.detectors_refuse(among(0)));
        assert!(rules.detectors_refuse(among(1)));
        assert!(rules.detectors_refuse(RuleSet::ALL));
    }
}
