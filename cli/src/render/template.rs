//! Templates: YAML with comments, whose values are written as JSON.

use anyhow::{Context, Result};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

/// What targets share: how the gateway treats connections and providers is said once.
const FRAGMENTS: [(&str, &str); 6] = [
    ("connection", include_str!("templates/connection.yaml.j2")),
    ("service", include_str!("templates/service.yaml.j2")),
    ("tls", include_str!("templates/tls.yaml.j2")),
    ("tls_socket", include_str!("templates/tls_socket.yaml.j2")),
    ("upstream", include_str!("templates/upstream.yaml.j2")),
    ("wasm", include_str!("templates/wasm.yaml.j2")),
];

/// Fills a template. A name that it does not know is an error, and no line ends in blanks.
pub(super) fn fill(source: &str, context: impl Serialize) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Json);
    for (name, fragment) in FRAGMENTS {
        environment.add_template(name, fragment)?;
    }
    let text = environment
        .render_str(source, Serde(context))
        .context("the template")?;
    let lines = text.lines().map(str::trim_end);
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}
