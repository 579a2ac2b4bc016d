//! Texts that alerts are about (`prompt contains 'jailbreak'`): each becomes a rule that flags, under the alert's name, in one direction. The
//! policy that sets alerts off reads the finding.

use crate::rules::Rule;
use crate::scope::Scope;
use portcullis_pattern::Pattern;
use portcullis_policy::config::Document;
use portcullis_policy::config::alerts::Test;
use portcullis_policy::{Action, Side};

/// The rules for the alerts of a document; mistakes are noted in it.
pub(crate) fn rules(document: &Document) -> Option<Vec<Rule>> {
    let mut rules = Vec::new();
    let mut wrong = false;
    for alert in document.alerts() {
        let Some(text) = alert.condition.text() else {
            continue;
        };
        let pattern = match text.test {
            Test::Contains => Pattern::literal(&text.wanted, true),
            Test::Matches => Pattern::regex(&text.wanted, false),
        };
        match pattern {
            Ok(pattern) => rules.push(Rule {
                scope: Scope {
                    direction: Some(text.side),
                    ..Scope::default()
                },
                ..Rule::new(alert.name.clone(), Action::Flag, pattern)
            }),
            Err(reason) => {
                mistake(document, &alert.name, &reason);
                wrong = true;
            }
        }
    }
    (!wrong).then_some(rules)
}

/// Notes a mistake in the condition of an alert.
pub(crate) fn mistake(document: &Document, name: &str, reason: &str) {
    let items = document.section("alerts").map(|section| section.items());
    let fields = items.unwrap_or_default().into_iter().filter_map(|item| {
        let own = item.field("name").and_then(|field| field.string())?;
        (own == name).then(|| item.field("condition")).flatten()
    });
    for field in fields.take(1) {
        field.mistake(reason);
    }
}

/// Whether any of these rules looks into this message.
pub(crate) fn look_into(rules: &[Rule], side: Side) -> bool {
    rules.iter().any(|rule| rule.scope.reaches(side))
}
