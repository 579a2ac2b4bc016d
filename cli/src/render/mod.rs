//! `portcullis render`: what stands around a policy in a proxy, complete, from the policy document.
//!
//! Each target is one file of this folder and one template. A template is the target's own YAML with its comments; what is put into it is
//! written as JSON, which YAML holds as it is, so that no value can become structure.

mod common;
mod endpoint;
mod envoy;
mod istio;
mod network;
mod policy;
mod provider;
mod service;
mod template;

use crate::Outcome;
use clap::{Args, Subcommand};
use policy::Mistakes;
use std::io::{self, Write};

/// Write the proxy's configuration around a policy.
///
/// FILE is a policy document (YAML or JSON), or a configuration with one policy in it. A policy that `portcullis check` refuses is refused
/// here: its mistakes go to standard error, nothing to standard output. No secret is read or written: the configuration names the environment
/// variables or files that hold them. Exit code: 0, 1 when the policy has a mistake, 2 when something else stands in the way.
#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(subcommand)]
    target: Target,
}

/// One line for each.
#[derive(Debug, Subcommand)]
enum Target {
    Envoy(Box<envoy::Envoy>),
    Istio(Box<istio::Istio>),
}

impl Render {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        match self.text() {
            Ok(text) => {
                io::stdout().lock().write_all(text.as_bytes())?;
                Ok(Outcome::Clean)
            }
            Err(error) if error.is::<Mistakes>() => {
                write!(io::stderr().lock(), "{error}")?;
                Ok(Outcome::Found)
            }
            Err(error) => Err(error),
        }
    }

    /// What goes to standard output.
    ///
    /// # Errors
    /// [`Mistakes`] of the policy; anything else that stands in the way.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        match &self.target {
            Target::Envoy(target) => target.text(),
            Target::Istio(target) => target.text(),
        }
    }
}
