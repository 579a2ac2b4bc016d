//! Finds the cases and what they refer to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::case::Case;
use crate::engine::Setup;
use crate::merge::merged;

/// The folders of cases. What stands in another one would never run, so it is an error.
const FOLDERS: [&str; 8] = [
    "auth", "limits", "dlp", "audit", "alerts", "wire", "failure", "stream",
];

/// The engines, as `skip` names them.
const ENGINES: [&str; 5] = ["native", "gateway", "chain", "envoy", "envoy_chain"];

/// All cases and what they have in common.
#[derive(Debug)]
pub struct Suite {
    /// In the order of their files.
    pub cases: Vec<Located>,
    /// Names of people and their keys.
    pub people: BTreeMap<String, String>,
    policies: BTreeMap<String, Value>,
    environment: BTreeMap<String, String>,
}

/// A case and where it stands.
#[derive(Debug, Clone)]
pub struct Located {
    /// `folder/file`, without the ending.
    pub file: String,
    /// What stands there.
    pub case: Case,
}

impl Located {
    /// `folder/file: name`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}: {}", self.file, self.case.name)
    }
}

/// `host-test/cases`.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases")
}

impl Suite {
    /// Reads all of it. With `CASE` in the environment, only cases whose title contains its value.
    ///
    /// # Errors
    /// Every file that is not of the format, all of them at once.
    pub fn load() -> Result<Self> {
        let root = folder();
        let mut suite = Self {
            cases: Vec::new(),
            people: read(&root.join("people.yaml"))?,
            policies: BTreeMap::new(),
            environment: read(&root.join("environment.yaml"))?,
        };
        for file in files(&root.join("policies"))? {
            suite.policies.insert(stem(&file), read(&file)?);
        }
        let mut mistakes = Vec::new();
        for name in FOLDERS {
            for file in files(&root.join(name))? {
                let title = format!("{name}/{}", stem(&file));
                match cases(&file) {
                    Ok(cases) => suite.cases.extend(cases.into_iter().map(|case| Located {
                        file: title.clone(),
                        case,
                    })),
                    Err(error) => mistakes.push(format!("{title}: {error:#}")),
                }
            }
        }
        for entry in fs::read_dir(&root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let known = FOLDERS.contains(&name.as_str()) || name == "policies";
            if entry.file_type()?.is_dir() && !known {
                mistakes.push(format!("{name}: not a folder of cases: {FOLDERS:?}"));
            }
        }
        for case in &suite.cases {
            if let Err(error) = suite.validate(case) {
                mistakes.push(format!("{}: {error:#}", case.title()));
            }
        }
        if !mistakes.is_empty() {
            bail!("{}", mistakes.join("\n"));
        }
        if let Ok(wanted) = std::env::var("CASE") {
            suite.cases.retain(|case| case.title().contains(&wanted));
            if suite.cases.is_empty() {
                bail!("CASE={wanted}: no case's title contains this");
            }
        }
        Ok(suite)
    }

    /// The policy and the environment of a case.
    ///
    /// # Errors
    /// When the case names a policy that does not exist.
    pub fn setup(&self, case: &Case, hold: bool) -> Result<Setup> {
        let base = self
            .policies
            .get(&case.policy)
            .with_context(|| format!("no policy {}", case.policy))?;
        let mut policy = merged(base.clone(), &case.change);
        if let Some(policy) = policy.as_object_mut()
            && let Some(envoy) = policy
                .entry("envoy")
                .or_insert_with(|| json!({}))
                .as_object_mut()
        {
            envoy.entry("hold_headers").or_insert(hold.into());
        }
        let mut env = self.environment.clone();
        for (name, value) in &case.env {
            match value {
                Some(value) => env.insert(name.clone(), value.clone()),
                None => env.remove(name),
            };
        }
        Ok(Setup { policy, hold, env })
    }

    /// What must never be seen where a case says nothing: all keys and the values of the environment.
    #[must_use]
    pub fn planted(&self, case: &Case) -> Vec<String> {
        let keys = self.people.values().chain(self.environment.values());
        let env = case.env.values().flatten();
        keys.chain(env).chain(&case.secrets).cloned().collect()
    }

    fn validate(&self, located: &Located) -> Result<()> {
        let case = &located.case;
        let same = self
            .cases
            .iter()
            .filter(|other| other.file == located.file && other.case.name == case.name);
        ensure!(same.count() == 1, "two cases of this file have this name");
        ensure!(
            case.why.trim().ends_with('.'),
            "`why` is a sentence and ends with a full stop"
        );
        ensure!(
            case.rejected.is_some() == case.steps.is_empty(),
            "a case has steps, or says why its policy is rejected"
        );
        for engine in case.skip.keys() {
            let known = ENGINES.contains(&engine.as_str());
            ensure!(known, "skip: no engine {engine}: {ENGINES:?}");
        }
        let runs = case.skip.len() < ENGINES.len();
        ensure!(runs, "no engine runs this case");
        self.setup(case, true)?;
        for (index, step) in case.steps.iter().enumerate() {
            let kinds = [
                step.advance.is_some(),
                step.clock.is_some(),
                step.store.is_some(),
                step.clusters.is_some(),
                step.calls.is_some(),
                step.request.is_some(),
                step.finish.is_some(),
                step.leave.is_some(),
            ];
            let one = kinds.iter().filter(|is| **is).count() == 1;
            ensure!(
                one,
                "step {}: exactly one of advance, clock, store, clusters, calls, request, finish, leave",
                index + 1
            );
            crate::check::expectation(step, true).with_context(|| format!("step {}", index + 1))?;
            crate::check::expectation(step, false)
                .with_context(|| format!("step {}", index + 1))?;
        }
        Ok(())
    }
}

fn cases(file: &Path) -> Result<Vec<Case>> {
    let value: Value = read(file)?;
    let list = match value {
        Value::Array(list) => list,
        one => vec![one],
    };
    let parse = |value: Value| {
        let name = value["name"].to_string();
        serde_json::from_value(value).with_context(|| format!("case {name}"))
    };
    list.into_iter().map(parse).collect()
}

/// Reads YAML by way of its own value, which refuses keys that stand twice, and JSON's, which knows no tags.
fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let context = || file.display().to_string();
    let text = fs::read_to_string(file).with_context(context)?;
    let mut yaml: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text).with_context(context)?;
    yaml.apply_merge().with_context(context)?;
    let json = serde_json::to_value(yaml).with_context(context)?;
    serde_json::from_value(json).with_context(context)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    Ok(files)
}

fn stem(file: &Path) -> String {
    file.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}
