//! Reads section `dlp` of the policy document.

mod options;

use crate::alerts;
use crate::detectors::{self, Grade};
use crate::placeholder::Masker;
use crate::rules::{Finder, RULES_MAX, Rule, Rules};
use portcullis_pattern::Pattern;
use portcullis_policy::config::{Document, Environment, Section};
use portcullis_policy::{Action, Side};

/// Longest name of a rule, in bytes. Names stand in every record, metric and message about a match.
const NAME_BYTES_MAX: usize = 64;

/// Longest replacement, in bytes. A text of many short matches grows by that much for each.
const REPLACEMENT_BYTES_MAX: usize = 256;

/// Shortest key for placeholders, in bytes. Protects values from somebody who tries keys until known values give the placeholders that a
/// provider has seen.
const KEY_BYTES_MIN: usize = 16;

/// The variable that holds the key for placeholders unless the policy names another.
const MASK_KEY_VARIABLE: &str = "PORTCULLIS_MASK_KEY";

const LITERAL_KEY: &str =
    "a key must not stand in the policy: write { env: <name of an environment variable> }";

/// What is decided is also done, or only recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Enforce,
    Shadow,
}

/// What is done with requests that hold files which cannot be scanned: pictures, sounds, archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unscannable {
    /// They pass; the record names what was not scanned.
    Pass,
    /// The record also says that they would be refused.
    Note,
    /// They are refused.
    Refuse,
}

/// Section `dlp`, read.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) rules: Rules,
    /// Requests are scanned.
    pub(crate) request: bool,
    /// Responses are scanned.
    pub(crate) response: bool,
    /// What is done with requests that hold files which cannot be scanned.
    pub(crate) unscannable: Unscannable,
    /// Makes placeholders, where a rule masks.
    pub(crate) masker: Option<Masker>,
}

/// Reads the section, and notes its mistakes in the document.
pub(crate) fn read(document: &Document, environment: &dyn Environment) -> Option<Config> {
    let wanted = alerts::rules(document)?;
    let Some(section) = document.section("dlp") else {
        return of_alerts(document, wanted);
    };
    // `max_body_bytes` and `pass_headers` are for the chain, which reads messages.
    section.only(&[
        "rules",
        "request",
        "response",
        "max_body_bytes",
        "pass_headers",
        "mode",
        "mask_key",
        "unscannable",
    ]);
    let switch = |name: &str| {
        section
            .field(name)
            .map_or(Some(true), |field| field.boolean())
    };
    let (request, response) = (switch("request"), switch("response"));
    let unscannable = unscannable(&section);
    let mode = mode(&section).unwrap_or(Mode::Enforce);
    let items = section
        .field("rules")
        .map(|rules| rules.items())
        .unwrap_or_default();
    if items.len() > RULES_MAX {
        section.mistake(format!(
            "expected at most {RULES_MAX} rules, found {}",
            items.len()
        ));
        return None;
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(items.len());
    let mut wrong = false;
    for (index, item) in items.iter().enumerate() {
        match rule(item, index, mode, document) {
            Some(rule) if rules.iter().any(|other| other.name == rule.name) => {
                item.mistake(format!(
                    "the name {:?} stands twice; records would not tell the rules apart",
                    rule.name
                ));
                wrong = true;
            }
            Some(rule) => rules.extend(by_grade(item, rule)),
            None => wrong = true,
        }
    }
    for rule in wanted {
        let scanned = match rule.scope.direction {
            Some(Side::Request) => request,
            Some(Side::Response) => response,
            None => None,
        };
        if rules.iter().any(|other| other.name == rule.name) {
            let reason =
                "a rule of `dlp` has this alert's name; findings would not tell them apart";
            alerts::mistake(document, &rule.name, reason);
            wrong = true;
        } else if scanned == Some(false) {
            alerts::mistake(
                document,
                &rule.name,
                "`dlp` says that these texts are not scanned",
            );
            wrong = true;
        }
        rules.push(rule);
    }
    let masks = rules.iter().any(|rule| rule.action == Action::Mask);
    let masker = masker(&section, document, masks, environment)?;
    if wrong {
        return None;
    }
    match Rules::new(rules) {
        Ok(rules) => Some(Config {
            rules,
            request: request?,
            response: response?,
            unscannable: match mode {
                _ if unscannable? == Unscannable::Pass => Unscannable::Pass,
                Mode::Enforce => Unscannable::Refuse,
                Mode::Shadow => Unscannable::Note,
            },
            masker,
        }),
        Err(reason) => {
            section.mistake(reason);
            None
        }
    }
}

/// Without a section `dlp`: nothing but what alerts are about.
fn of_alerts(document: &Document, wanted: Vec<Rule>) -> Option<Config> {
    if wanted.is_empty() {
        return None;
    }
    let request = alerts::look_into(&wanted, Side::Request);
    let response = alerts::look_into(&wanted, Side::Response);
    match Rules::new(wanted) {
        Ok(rules) => Some(Config {
            rules,
            request,
            response,
            unscannable: Unscannable::Pass,
            masker: None,
        }),
        Err(reason) => {
            if let Some(section) = document.section("alerts") {
                section.mistake(reason);
            }
            None
        }
    }
}

fn unscannable(section: &Section<'_>) -> Option<Unscannable> {
    let Some(field) = section.field("unscannable") else {
        return Some(Unscannable::Pass);
    };
    field.one_of(&[("pass", Unscannable::Pass), ("refuse", Unscannable::Refuse)])
}

fn mode(section: &Section<'_>) -> Option<Mode> {
    section
        .field("mode")?
        .one_of(&[("enforce", Mode::Enforce), ("shadow", Mode::Shadow)])
}

/// The key for placeholders; needed where a rule masks. Every worker and every module must have the same one.
fn masker(
    section: &Section<'_>,
    document: &Document,
    masks: bool,
    environment: &dyn Environment,
) -> Option<Option<Masker>> {
    let Some(field) = section.field("mask_key") else {
        if !masks {
            return Some(None);
        }
        let masker = default_masker(document, environment);
        if masker.is_none() {
            section.mistake(format!("a rule with action mask needs mask_key: {{ env: <name of an environment variable> }}, or {MASK_KEY_VARIABLE} in the environment, or the key of the audit's; without one, anybody could find the value to a placeholder by trying"));
        }
        return masker.map(Some);
    };
    let field = field.secret();
    if field.refuse_literal(LITERAL_KEY) {
        return None;
    }
    field.only(&["env"]);
    let key = field.required("env")?.variable(environment)?;
    let masker = Masker::new(key.as_bytes()).filter(|_| key.len() >= KEY_BYTES_MIN);
    if masker.is_none() {
        field.mistake(format!(
            "masks need a key of at least {KEY_BYTES_MIN} characters"
        ));
        return None;
    }
    Some(masker.filter(|_| masks))
}

/// Where `mask_key` is not given: the variable of its usual name, else a key made of the audit's.
fn default_masker(document: &Document, environment: &dyn Environment) -> Option<Masker> {
    let variable = |name: &str| {
        let key = environment.variable(name)?.trim().to_owned();
        (key.len() >= KEY_BYTES_MIN).then_some(key)
    };
    if let Some(key) = variable(MASK_KEY_VARIABLE) {
        return Masker::new(key.as_bytes());
    }
    let field = document.section("audit")?.field("hmac_key")?.field("env")?;
    let key = variable(field.secret().string()?)?;
    Masker::derived(key.as_bytes())
}

#[inline(never)]
fn rule(
    section: &Section<'_>,
    index: usize,
    default_mode: Mode,
    document: &Document,
) -> Option<Rule> {
    let own = [
        "name",
        "detector",
        "pattern",
        "contains",
        "case_sensitive",
        "action",
        "replacement",
        "mode",
    ];
    section.only(&[&own[..], &options::FIELDS].concat());
    let name = match (section.field("name"), section.field("detector")) {
        (Some(field), _) => name(&field),
        (None, Some(field)) => field.string().map(str::to_owned),
        (None, None) => Some(format!("rule-{}", index + 1)),
    };
    let action = action(section);
    let finder = finder(section);
    let (name, action, finder) = (name?, action?, finder?);
    if action == Action::Mask && finder.finds_secrets() {
        if let Some(field) = section.field("action") {
            field.mistake("a secret is never put back in an answer; use redact");
        }
        return None;
    }
    let (scope, threshold, allow) = (
        options::scope(section, action, document),
        options::threshold(section, action),
        options::allow(section),
    );
    let (holds_words, decoded) = (
        options::holds_words(section, action, &finder),
        options::decoded(section, &finder),
    );
    let (scope, threshold, allow) = (scope?, threshold?, allow?);
    let (holds_words, decoded) = (holds_words?, decoded?);
    let replacement = match section.field("replacement") {
        Some(field) if action != Action::Redact => {
            field.mistake("only a rule with action redact has a replacement");
            return None;
        }
        Some(field) => replacement(&field)?.to_owned(),
        None => format!("[REDACTED:{name}]"),
    };
    // In shadow, a match is recorded like one of a rule that only flags.
    let action = match mode(section).unwrap_or(default_mode) {
        Mode::Enforce => action,
        Mode::Shadow => Action::Flag,
    };
    Some(Rule {
        replacement,
        scope,
        threshold,
        allow,
        holds_words: holds_words && action != Action::Flag,
        decoded,
        ..Rule::new(name, action, finder)
    })
}

/// A group of detectors names some whose findings are guesses. Those only flag: refusing or changing a message on a guess stops honest work.
#[inline(never)]
fn by_grade(section: &Section<'_>, mut rule: Rule) -> Vec<Rule> {
    let group = section.field("detector").and_then(|field| field.string());
    let is_group = group.is_some_and(|name| detectors::GROUPS.contains(&name));
    let Finder::Detectors(all) = &mut rule.finder else {
        return vec![rule];
    };
    if !is_group || rule.action == Action::Flag {
        return vec![rule];
    }
    let likely = |detector: &detectors::Detector| detector.grade == Grade::Likely;
    let guesses: Vec<_> = all.extract_if(.., |detector| likely(detector)).collect();
    let flags = (!guesses.is_empty()).then(|| Rule {
        scope: rule.scope.clone(),
        allow: rule.allow.clone(),
        ..Rule::new(rule.name.clone(), Action::Flag, Finder::Detectors(guesses))
    });
    std::iter::once(rule).chain(flags).collect()
}

/// What a rule looks for: exactly one of `detector`, `pattern` and `contains`.
#[inline(never)]
fn finder(section: &Section<'_>) -> Option<Finder> {
    let Some(field) = section.field("detector") else {
        return pattern(section).map(Finder::from);
    };
    for other in ["pattern", "contains", "case_sensitive"] {
        if let Some(other) = section.field(other) {
            other.mistake("a rule with a detector has neither pattern nor contains");
            return None;
        }
    }
    let found = detectors::named(field.string()?);
    if found.is_empty() {
        let groups = detectors::GROUPS.join(", ");
        return field.expected(&format!("the name of a detector, or one of {groups}"));
    }
    Some(Finder::Detectors(found))
}

fn name(field: &Section<'_>) -> Option<String> {
    let name = field.string()?;
    let plain = name.len() <= NAME_BYTES_MAX
        && name
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic() && !b"\"\\[]{}".contains(&byte));
    if plain {
        return Some(name.to_owned());
    }
    field.mistake(format!("expected at most {NAME_BYTES_MAX} letters, digits, spaces or signs of ASCII, without quotes, backslashes, brackets and braces"));
    None
}

fn action(section: &Section<'_>) -> Option<Action> {
    section.required("action")?.one_of(&[
        ("block", Action::Block),
        ("redact", Action::Redact),
        ("mask", Action::Mask),
        ("flag", Action::Flag),
    ])
}

fn pattern(section: &Section<'_>) -> Option<Pattern> {
    let case_sensitive = section.field("case_sensitive").map(|field| field.boolean());
    let case_sensitive = match case_sensitive {
        Some(given) => Some(given?),
        None => None,
    };
    let (field, compiled) = match (section.field("pattern"), section.field("contains")) {
        (Some(field), None) => {
            let text = field.string()?;
            (field, Pattern::regex(text, !case_sensitive.unwrap_or(true)))
        }
        // People write words in all cases, so a word is looked for in all cases.
        (None, Some(field)) => {
            let text = field.string()?;
            (
                field,
                Pattern::literal(text, !case_sensitive.unwrap_or(false)),
            )
        }
        (Some(_), Some(_)) => {
            section.mistake("a rule has either pattern or contains, not both");
            return None;
        }
        (None, None) => {
            section.mistake(
                "a rule needs a detector (a name), a pattern (a regular expression) or contains (a text)",
            );
            return None;
        }
    };
    compiled.map_err(|reason| field.mistake(reason)).ok()
}

fn replacement<'a>(field: &Section<'a>) -> Option<&'a str> {
    let text = field.string()?;
    if text.len() > REPLACEMENT_BYTES_MAX {
        field.mistake(format!("longer than {REPLACEMENT_BYTES_MAX} bytes"));
        return None;
    }
    Some(text)
}
