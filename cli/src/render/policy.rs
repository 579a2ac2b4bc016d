//! The policy that a configuration is rendered around: judged as the modules judge it, and written as they read it.

use crate::check::report::Place;
use crate::policy_file::{self, PolicyText};
use anyhow::{Context, Result, bail};
use portcullis_chain::Settings;
use portcullis_policy::config::{Document, Environment, Mistake, Value};
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// The policies of each module that holds a part of them.
pub(super) const PARTS: [&str; 4] = ["auth", "rate-limit", "dlp", "audit"];

/// A policy without mistakes.
pub(super) struct Policy {
    value: Value,
    settings: Settings,
    /// Somebody has said whether headers are held.
    pub hold_headers: Option<bool>,
}

/// What is wrong with a policy: the lines of `portcullis check`.
#[derive(Debug)]
pub(super) struct Mistakes(String);

impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Mistakes {}

impl Policy {
    /// Reads the one policy of a file.
    ///
    /// # Errors
    /// [`Mistakes`]; and when the file cannot be read, or holds no policy, or several that differ.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = policy_file::read_text(path)?;
        let policies = policy_file::policies(&text).with_context(|| name.clone())?;
        let Some((first, others)) = policies.split_first() else {
            bail!("{name}: there is no policy in it");
        };
        if others
            .iter()
            .any(|other| other.node.value() != first.node.value())
        {
            bail!("{name}: there are several policies in it that differ: which one is meant?");
        }
        let document = first.document();
        let mistakes = policy_file::mistakes(&document, &policy_file::stand_in);
        if !mistakes.is_empty() {
            bail!(told(&name, first, &mistakes)?);
        }
        let hold_headers = document
            .section("envoy")
            .and_then(|envoy| envoy.field("hold_headers")?.boolean());
        Ok(Self {
            settings: Settings::read(&document),
            hold_headers,
            value: first.node.value(),
        })
    }

    /// Settings beside the policies.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A member of the document, by the names on the way to it.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter()
            .try_fold(&self.value, |value, name| value.get(name))
    }

    /// The items of a list in the document; none where there is none.
    fn items(&self, path: &[&str]) -> &[Value] {
        match self.at(path) {
            Some(Value::List(items)) => items,
            Some(
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Map(_),
            )
            | None => &[],
        }
    }

    /// How the policy's identities are known: by `certificate`, by `jwt`.
    pub fn identities(&self, by: &'static str) -> impl Iterator<Item = &Value> {
        let identities = self.items(&["auth", "identities"]);
        identities.iter().filter_map(move |rule| rule.get(by))
    }

    /// Says how the proxy holds headers. Nothing that is rendered here reads filter state beside the record, so nothing else is written unless
    /// the policy names it.
    pub fn settle(&mut self, hold_headers: bool) {
        let Value::Map(sections) = &mut self.value else {
            return;
        };
        if !sections.iter().any(|(name, _)| name == "envoy") {
            let first = usize::from(sections.first().is_some_and(|(name, _)| name == "version"));
            sections.insert(first, ("envoy".to_owned(), Value::Map(Vec::new())));
        }
        for (name, section) in sections {
            if let Value::Map(fields) = section
                && name == "envoy"
            {
                fields.retain(|(field, _)| field != "hold_headers");
                fields.insert(0, ("hold_headers".to_owned(), Value::Bool(hold_headers)));
                if !fields.iter().any(|(field, _)| field == "filter_state") {
                    fields.push(("filter_state".to_owned(), Value::List(Vec::new())));
                }
            }
        }
    }

    /// The document as JSON, in its own order, without a character that YAML takes for the end of a line.
    pub fn json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(&Json(&self.value))?;
        let mut plain = String::with_capacity(text.len());
        for character in text.chars() {
            let breaks = matches!(
                character,
                '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
            );
            if breaks {
                plain.push_str(&format!("\\u{:04x}", u32::from(character)));
            } else {
                plain.push(character);
            }
        }
        Ok(plain)
    }

    /// The environment variables that a module asks for; `gateway` is all of them.
    pub fn environment(&self, module: &str) -> Vec<String> {
        let mut names = BTreeSet::new();
        // A variable that is not there may have another one in its place.
        for is_set in [true, false] {
            let asked = RefCell::new(BTreeSet::new());
            let environment = |name: &str| {
                asked.borrow_mut().insert(name.to_owned());
                policy_file::stand_in(name).filter(|_| is_set)
            };
            configure(module, &Document::of(self.value.clone()), &environment);
            names.append(&mut asked.borrow_mut());
        }
        names.into_iter().collect()
    }
}

/// Has a module's policies read the document.
fn configure(module: &str, document: &Document, environment: &dyn Environment) {
    match module {
        "auth" => {
            let _ = portcullis_auth::configure(document, environment);
        }
        "rate-limit" => {}
        "dlp" => {
            let _ = portcullis_dlp::configure(document, environment);
        }
        "audit" => {
            let _ = portcullis_alerts::watch(document, environment);
            let _ = portcullis_audit::configure(document, environment);
        }
        _ => {
            let _ = policy_file::mistakes(document, environment);
        }
    }
}

fn told(file: &str, policy: &PolicyText, mistakes: &[Mistake]) -> Result<Mistakes> {
    let places = mistakes
        .iter()
        .map(|mistake| Place::of(policy, &mistake.path, "mistake", mistake.message.clone()));
    let mut places: Vec<Place> = places.collect();
    places.sort_by_key(Place::line);
    let mut lines = Vec::new();
    for place in places {
        place.write(&mut lines, file, "error")?;
    }
    Ok(Mistakes(String::from_utf8(lines)?))
}

/// A value as `serde_json` writes it, names in their order and whole numbers as such.
struct Json<'a>(&'a Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => match self.0.as_u64() {
                Some(whole) => serializer.serialize_u64(whole),
                None => serializer.serialize_f64(*number),
            },
            Value::String(text) => serializer.serialize_str(text),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Json(item))?;
                }
                list.end()
            }
            Value::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, &Json(value))?;
                }
                map.end()
            }
        }
    }
}
