//! Rules that take the beginning of a key and let the rest of it through, as one does whose pattern ends at the first dash.

use super::checklist::Warning;
use crate::scan::Preflight;
use portcullis_dlp::{Specimens, specimens};
use portcullis_policy::Action;
use portcullis_policy::config::{Document, Section, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// So many kinds of keys are named.
const NAMED_MAX: usize = 3;

/// So many characters that a key begins with stand in a rule that is meant for it, as `gh` does in `gh[pousr]_[0-9a-zA-Z]{20}`.
const BEGIN_CHARS: usize = 2;

/// A warning for each rule of the document that edits no more than the beginning of every key of some shape, where no other rule takes the rest.
pub(super) fn warnings(document: &Document) -> Vec<Warning> {
    let rules = own_rules(document);
    if rules.is_empty() {
        return Vec::new();
    }
    // A policy with mistakes has other worries.
    let Ok(mut preflight) = Preflight::of(document) else {
        return Vec::new();
    };
    let mut cut: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for Specimens { detector, keys } in specimens() {
        let by = keys
            .iter()
            .map(|key| rules_that_cut(&mut preflight, key))
            .reduce(|one, other| &one & &other);
        let is_meant = |name: &String| {
            let rule = rules.get(name);
            rule.is_some_and(|rule| keys.iter().all(|key| rule.means(key)))
        };
        for rule in by.unwrap_or_default().into_iter().filter(is_meant) {
            let known = cut.entry(rule).or_default();
            if !known.contains(&detector) {
                known.push(detector);
            }
        }
    }
    let warning = |(rule, detectors): (String, Vec<&'static str>)| {
        Some(Warning {
            check: "key_cut_short",
            path: rules.get(&rule)?.path.clone(),
            message: message(&detectors),
        })
    };
    cut.into_iter().filter_map(warning).collect()
}

/// A rule with a text of its own.
struct OwnRule {
    /// Where the text stands.
    path: String,
    /// The text, in small letters.
    text: String,
}

impl OwnRule {
    /// Whether it could be meant for such a key. One that finds numbers or names takes the beginning of a key by chance.
    fn means(&self, key: &str) -> bool {
        let begin: String = key.chars().take(BEGIN_CHARS).collect();
        self.text.contains(&begin.to_ascii_lowercase())
    }
}

/// Rules with a text of their own, by their names.
fn own_rules(document: &Document) -> BTreeMap<String, OwnRule> {
    let dlp = document.section("dlp");
    let rules = dlp.and_then(|dlp| dlp.field("rules"));
    let own = |rule: Section<'_>| {
        let name = string(&rule.field("name")?)?;
        let fields = ["pattern", "contains"].into_iter();
        let field = fields.filter_map(|field| rule.field(field)).next()?;
        let rule = OwnRule {
            path: field.path().to_owned(),
            text: string(&field)?.to_ascii_lowercase(),
        };
        Some((name, rule))
    };
    let rules = rules.iter().flat_map(Section::items);
    rules.filter_map(own).collect()
}

fn string(field: &Section<'_>) -> Option<String> {
    if let Value::String(text) = field.value() {
        Some(text.clone())
    } else {
        None
    }
}

/// The rules that take a key from its beginning, if all rules together leave something of it.
fn rules_that_cut(preflight: &mut Preflight, key: &str) -> BTreeSet<String> {
    let mut findings = preflight.scan(key.as_bytes());
    if findings
        .iter()
        .any(|finding| finding.action == Action::Block)
    {
        return BTreeSet::new();
    }
    findings.retain(|finding| finding.action != Action::Flag);
    let ranges = findings.iter().filter_map(|finding| finding.range.clone());
    // They are in the order of their beginnings.
    let covered = ranges.fold(0, |covered, range| {
        if range.start <= covered {
            range.end.max(covered)
        } else {
            covered
        }
    });
    if covered >= key.len() {
        return BTreeSet::new();
    }
    let begins = |range: &Range<usize>| range.start == 0;
    let cutting = findings
        .into_iter()
        .filter(|finding| finding.range.as_ref().is_some_and(begins));
    cutting.map(|finding| finding.rule).collect()
}

fn message(detectors: &[&str]) -> String {
    let mut named: Vec<_> = detectors
        .iter()
        .take(NAMED_MAX)
        .map(|name| format!("`{name}`"))
        .collect();
    let others = detectors.len() - named.len();
    if others > 0 {
        named.push(format!("{others} more"));
    }
    let last = named.pop().unwrap_or_default();
    let kinds = if named.is_empty() {
        last
    } else {
        format!("{} and {last}", named.join(", "))
    };
    let instead = match detectors {
        [only] => only,
        _ => "secrets",
    };
    format!(
        "takes only the beginning of keys that {kinds} would find, and the rest of them goes on: a rule with `detector: {instead}` takes all"
    )
}
