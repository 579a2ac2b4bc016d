//! The gateway as a library: all policies, made from a document.

use std::rc::Rc;

use anyhow::{Result, bail};
use portcullis_chain::{Completeness, Gateway, Settings};
use portcullis_policy::Policy;
use portcullis_policy::config::{Document, Environment};

use crate::engine::Setup;

/// A gateway made of all policies.
///
/// # Errors
/// The mistakes of the policy, one a line.
pub fn gateway(setup: &Setup) -> Result<Rc<Gateway>> {
    let text = setup.policy.to_string();
    let document = match Document::parse(text.as_bytes()) {
        Ok(document) => document,
        Err(mistake) => bail!("{mistake}"),
    };
    let environment = |name: &str| setup.env.get(name).cloned();
    let policies = policies(&document, &environment);
    let settings = Settings::read(&document);
    let mistakes: Vec<String> = document
        .take_mistakes()
        .iter()
        .map(ToString::to_string)
        .collect();
    if mistakes.is_empty() {
        Ok(Gateway::new(policies, settings, Completeness::Whole))
    } else {
        bail!("{}", mistakes.join("\n"))
    }
}

/// All policies that a document asks for, in the order in which the gateway runs them.
pub fn policies(document: &Document, environment: &dyn Environment) -> Vec<Box<dyn Policy>> {
    [
        portcullis_alerts::gate(document).map(boxed),
        portcullis_auth::configure(document, environment).map(boxed),
        portcullis_rate_limit::configure(document).map(boxed),
        portcullis_dlp::configure(document, environment).map(boxed),
        portcullis_alerts::watch(document, environment).map(boxed),
        portcullis_audit::configure(document, environment).map(boxed),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn boxed<P: Policy + 'static>(policy: P) -> Box<dyn Policy> {
    Box::new(policy)
}
