//! Templates: YAML with comments, whose values are written as JSON.

use anyhow::{Context, Result};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

/// Fills a template. A name that it does not know is an error, and every line that was made of nothing but blanks is gone.
pub(super) fn fill(source: &str, context: impl Serialize) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Json);
    let text = environment
        .render_str(source, Serde(context))
        .context("the template")?;
    let lines = text.lines().map(str::trim_end);
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}
