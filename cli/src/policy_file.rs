//! Files that hold policies: a policy document itself, an Envoy configuration with policies in its wasm filters, an Istio `WasmPlugin`.

use crate::yaml::{self, Kind, Node};
use anyhow::{Context, Result, bail};
use portcullis_policy::config::{Document, Environment, Mistake, SECTIONS, path_of_field};
use std::io::Read;
use std::path::Path;

/// A policy and its place in the file.
#[derive(Debug)]
pub(crate) struct PolicyText {
    /// Its value, with places.
    pub node: Node,
    lines: Lines,
}

/// How lines of the policy become lines of the file.
#[derive(Debug, Clone, Copy)]
enum Lines {
    /// They are.
    Same,
    /// It is a text in a block whose first line this is.
    From(usize),
    /// It is a text on this line.
    All(usize),
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The policies in a text, in its order.
///
/// # Errors
/// When the text is no YAML, or holds no policy.
pub(crate) fn policies(text: &str) -> Result<Vec<PolicyText>> {
    let documents = yaml::parse(text)?;
    let mut found = Vec::new();
    for node in documents {
        if is_configuration(&node) {
            collect(&node, &mut found)?;
        } else {
            found.push(PolicyText {
                node,
                lines: Lines::Same,
            });
        }
    }
    if found.is_empty() {
        bail!("there is no policy in it: no document, no wasm filter with one, no WasmPlugin");
    }
    Ok(found)
}

/// Whether a document is a configuration around policies.
pub(crate) fn is_configuration(node: &Node) -> bool {
    [
        "static_resources",
        "resources",
        "apiVersion",
        "@type",
        "http_filters",
    ]
    .iter()
    .any(|name| node.field(name).is_some())
}

fn collect(node: &Node, found: &mut Vec<PolicyText>) -> Result<()> {
    let plugin_config = match (node.field("vm_config"), node.field("configuration")) {
        (Some(_), Some(configuration)) => configuration.field("value"),
        _ if node.field("kind").and_then(Node::text) == Some("WasmPlugin") => node
            .field("spec")
            .and_then(|spec| spec.field("pluginConfig")),
        _ => None,
    };
    if let Some(config) = plugin_config {
        if let Some(policy) = policy(config)? {
            found.push(policy);
        }
        return Ok(());
    }
    for (_, child) in node.entries() {
        collect(child, found)?;
    }
    for child in node.items() {
        collect(child, found)?;
    }
    Ok(())
}

/// A plugin's configuration as a policy; `None` for that of somebody else's plugin.
pub(crate) fn policy(config: &Node) -> Result<Option<PolicyText>> {
    let (node, lines) = match &config.kind {
        Kind::Map { .. } => (config.clone(), Lines::Same),
        Kind::Text { text, literal } => {
            let lines = if *literal {
                Lines::From(config.line)
            } else {
                Lines::All(config.line)
            };
            let inner = yaml::parse(text)
                .with_context(|| format!("the plugin's configuration in line {}", config.line))?;
            match inner.into_iter().next() {
                Some(node) => (node, lines),
                None => return Ok(None),
            }
        }
        Kind::Plain(_) | Kind::List { .. } => return Ok(None),
    };
    let ours = node
        .entries()
        .iter()
        .any(|(name, _)| SECTIONS.contains(&name.text.as_str()));
    Ok(ours.then_some(PolicyText { node, lines }))
}

impl PolicyText {
    /// Its bytes are bytes of the file as they are.
    pub const fn is_inline(&self) -> bool {
        matches!(self.lines, Lines::Same)
    }

    /// As policies read it.
    pub fn document(&self) -> Document {
        Document::of(self.node.value())
    }

    /// The line of the file that a mistake's path means: of the field itself, or of the nearest thing around it that is there.
    pub fn line(&self, path: &str) -> usize {
        let line = nearest_line(&self.node, path);
        match self.lines {
            Lines::Same => line,
            Lines::From(first) => first + line - 1,
            Lines::All(line) => line,
        }
    }
}

fn nearest_line(root: &Node, path: &str) -> usize {
    let (mut node, mut line, mut at) = (root, root.line, String::new());
    loop {
        let fields = node.entries().iter().map(|(name, value)| {
            let child = path_of_field(&at, &name.text);
            (child, name.line, value)
        });
        let items = node.items().iter().enumerate();
        let items = items.map(|(index, value)| (format!("{at}[{index}]"), value.line, value));
        let next = fields
            .chain(items)
            .find(|(child, _, _)| leads_to(child, path));
        let Some((child, child_line, value)) = next else {
            return line;
        };
        (node, line, at) = (value, child_line, child);
    }
}

/// Whether `path` is `child` or lies in it.
fn leads_to(child: &str, path: &str) -> bool {
    path.strip_prefix(child)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Every mistake that the modules would find in a policy: it is read by all of them.
pub(crate) fn mistakes(document: &Document, environment: &dyn Environment) -> Vec<Mistake> {
    let _ = document.teams();
    // Only what they have against it is of interest.
    let _ = portcullis_alerts::gate(document);
    let _ = portcullis_auth::configure(document, environment);
    let _ = portcullis_rate_limit::configure(document);
    let _ = portcullis_dlp::configure(document, environment);
    let _ = portcullis_alerts::watch(document, environment);
    let _ = portcullis_audit::configure(document, environment);
    let _ = portcullis_chain::Settings::read(document);
    let mut mistakes = document.take_mistakes();
    mistakes.dedup();
    mistakes
}

/// What stands in for a variable that is set in the proxy and nowhere else: different for each name, as secrets are.
pub(crate) fn stand_in(name: &str) -> Option<String> {
    Some(format!("stand-in-for-the-secret-in-{name}"))
}
