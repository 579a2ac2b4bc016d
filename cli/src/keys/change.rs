//! One change of a policy's keys: done in the text, proven by what the text then means.

use crate::policy_file::{self, PolicyText};
use crate::replace::Locked;
use crate::yaml::edit::{Edit, Editor};
use crate::yaml::{Kind, Node};
use anyhow::{Context, Result, bail, ensure};
use portcullis_policy::config::{Environment, Value};
use std::path::Path;

/// The keys of a policy in a file that is ours for now.
pub(super) struct Change {
    file: Locked,
    /// As it was read.
    read: String,
    text: String,
    /// Which of the file's policies.
    index: usize,
}

impl Change {
    /// Reads the file.
    ///
    /// # Errors
    /// When it holds no policy with a section `auth` whose bytes are its own, or several.
    pub fn begin(path: &Path) -> Result<Self> {
        let file = Locked::new(path)?;
        let text = file.read()?;
        let policies = policy_file::policies(&text).with_context(|| path.display().to_string())?;
        let with_auth = policies
            .iter()
            .enumerate()
            .filter(|(_, policy)| policy.node.field("auth").is_some());
        let mut with_auth = with_auth.map(|(index, policy)| (index, policy.is_inline()));
        let Some((index, inline)) = with_auth.next() else {
            bail!("{}: no policy in it has a section `auth`", path.display());
        };
        ensure!(
            with_auth.next().is_none(),
            "{}: several policies in it have a section `auth`: which one is meant?",
            path.display()
        );
        ensure!(
            inline,
            "{}: its policy is a text within the configuration; write it inline (google.protobuf.Struct) or into a file of its own",
            path.display()
        );
        Ok(Self {
            file,
            read: text.clone(),
            text,
            index,
        })
    }

    /// The key of this id, as it is written.
    pub fn key(&self, id: &str) -> Result<Value> {
        let policies = policy_file::policies(&self.text)?;
        let policy = self.policy(&policies)?;
        let (_, node) = key_node(&policy.node, id)?;
        Ok(node.value())
    }

    /// Adds a key.
    pub fn add(&mut self, key: &Value) -> Result<()> {
        self.edit(
            |policy, editor| {
                let auth = policy.field("auth").context("no section `auth`")?;
                match auth.field("keys") {
                    None => Ok(editor.set_field(auth, "keys", &Value::List(vec![key.clone()]))),
                    Some(list) => match &list.kind {
                        Kind::List { items, flow } => Ok(editor.push(items, list, *flow, key)),
                        Kind::Plain(_) | Kind::Text { .. } | Kind::Map { .. } => {
                            bail!("auth.keys is no list")
                        }
                    },
                }
            },
            |policy| {
                let auth = entry(policy, "auth").context("no section `auth`")?;
                match entry(auth, "keys") {
                    Some(Value::List(keys)) => keys.push(key.clone()),
                    _ => set(auth, "keys", Value::List(vec![key.clone()])),
                }
                Ok(())
            },
        )
    }

    /// Sets a field of a key.
    pub fn set(&mut self, id: &str, name: &str, value: &Value) -> Result<()> {
        self.edit(
            |policy, editor| {
                let (_, node) = key_node(policy, id)?;
                Ok(editor.set_field(node, name, value))
            },
            |policy| {
                let wanted = ("id".to_owned(), Value::String(id.to_owned()));
                let Some(Value::List(keys)) =
                    entry(policy, "auth").and_then(|auth| entry(auth, "keys"))
                else {
                    bail!("auth.keys is no list");
                };
                let has_id =
                    |key: &Value| matches!(key, Value::Map(fields) if fields.contains(&wanted));
                let key = keys
                    .iter_mut()
                    .find(|key| has_id(key))
                    .context("the key is gone")?;
                set(key, name, value.clone());
                Ok(())
            },
        )
    }

    /// Writes the file, unless the modules would refuse what it says now and did not before.
    pub fn commit(self) -> Result<()> {
        let mistakes = |text: &str| -> Result<Vec<String>> {
            let policies = policy_file::policies(text)?;
            let environment: &dyn Environment = &policy_file::stand_in;
            let all = policies
                .iter()
                .flat_map(|policy| policy_file::mistakes(&policy.document(), environment));
            Ok(all.map(|mistake| mistake.to_string()).collect())
        };
        // A policy that is refused anyway is no reason to leave a leaked key in it.
        let before = mistakes(&self.read)?;
        let new: Vec<String> = mistakes(&self.text)?
            .into_iter()
            .filter(|mistake| !before.contains(mistake))
            .collect();
        ensure!(
            new.is_empty(),
            "the policy would be refused, so the file was not changed:\n{}",
            new.join("\n")
        );
        self.file.write(&self.text)?;
        if !before.is_empty() {
            eprintln!(
                "portcullis: the policy has mistakes that it had before, so Envoy will not take it; `portcullis check` names them"
            );
        }
        Ok(())
    }

    fn policy<'p>(&self, policies: &'p [PolicyText]) -> Result<&'p PolicyText> {
        policies.get(self.index).context("the policy is gone")
    }

    /// Edits the text, and makes sure that it means what `meant` makes of what it meant, and no other policy anything else.
    fn edit(
        &mut self,
        edit: impl FnOnce(&Node, Editor<'_>) -> Result<Edit>,
        meant: impl FnOnce(&mut Value) -> Result<()>,
    ) -> Result<()> {
        let policies = policy_file::policies(&self.text)?;
        let policy = self.policy(&policies)?;
        let edited = edit(&policy.node, Editor::new(&self.text))?
            .apply(&self.text)
            .context("a place that is not in the text")?;
        let mut expected: Vec<Value> = policies.iter().map(|policy| policy.node.value()).collect();
        meant(expected.get_mut(self.index).context("the policy is gone")?)?;
        let found = policy_file::policies(&edited);
        let found: Option<Vec<Value>> = found
            .ok()
            .map(|found| found.iter().map(|policy| policy.node.value()).collect());
        ensure!(
            found.as_ref() == Some(&expected),
            "the file is written in a way that cannot be changed here without touching more than was asked for; change it by hand"
        );
        self.text = edited;
        Ok(())
    }
}

/// The place and node of a key.
fn key_node<'n>(policy: &'n Node, id: &str) -> Result<(usize, &'n Node)> {
    let keys = policy.field("auth").and_then(|auth| auth.field("keys"));
    let has_id = |node: &&Node| node.field("id").and_then(Node::text) == Some(id);
    let mut found = keys.iter().flat_map(|keys| keys.items()).enumerate();
    let found = found.find(|(_, node)| has_id(node));
    let (index, node) = found.with_context(|| format!("there is no key with the id {id:?}"))?;
    ensure!(
        !node.alias,
        "the key {id:?} is an alias of another part of the file; change it by hand"
    );
    Ok((index, node))
}

fn entry<'v>(map: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    let Value::Map(entries) = map else {
        return None;
    };
    let (_, value) = entries.iter_mut().find(|(have, _)| have == name)?;
    Some(value)
}

fn set(map: &mut Value, name: &str, value: Value) {
    if let Some(old) = entry(map, name) {
        *old = value;
    } else if let Value::Map(entries) = map {
        entries.push((name.to_owned(), value));
    }
}
