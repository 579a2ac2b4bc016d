//! The gateway as a library: all policies, made from a document.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Result, anyhow, bail};
use portcullis_chain::{Completeness, Gateway, Settings};
use portcullis_policy::config::{Document, Environment};
use portcullis_policy::{Attribute, Background, Exchange, Interest, Mode, Policy};

use crate::engine::Setup;

/// A policy document that was read, of which any number of gateways can be made. Each has policies of its own, as each worker has, but for `dlp`:
/// it remembers nothing from one exchange to the next, and to read its rules costs more than most cases.
pub struct Configured {
    setup: Setup,
    dlp: Option<Rc<dyn Policy>>,
}

impl Configured {
    /// # Errors
    /// The mistakes of the policy, one a line.
    pub fn new(setup: &Setup) -> Result<(Self, Rc<Gateway>)> {
        let document = document(setup)?;
        let environment = |name: &str| setup.env.get(name).cloned();
        let configured = Self {
            dlp: dlp(&document, &environment),
            setup: setup.clone(),
        };
        let gateway = configured.of(&document)?;
        Ok((configured, gateway))
    }

    /// One more gateway.
    ///
    /// # Errors
    /// None that the first one had not.
    pub fn gateway(&self) -> Result<Rc<Gateway>> {
        let document = document(&self.setup)?;
        // Else it would be a section that nobody reads.
        let _ = document.section("dlp");
        self.of(&document)
    }

    fn of(&self, document: &Document) -> Result<Rc<Gateway>> {
        let environment = |name: &str| self.setup.env.get(name).cloned();
        let policies = assemble(document, &environment, self.dlp.clone());
        let settings = Settings::read(document);
        let mistakes = document.take_mistakes();
        if mistakes.is_empty() {
            return Ok(Gateway::new(policies, settings, Completeness::Whole));
        }
        let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        bail!("{}", mistakes.join("\n"))
    }
}

fn document(setup: &Setup) -> Result<Document> {
    Document::parse(setup.policy.to_string().as_bytes()).map_err(|mistake| anyhow!("{mistake}"))
}

/// All policies that a document asks for, in the order in which the gateway runs them.
pub fn policies(document: &Document, environment: &dyn Environment) -> Vec<Box<dyn Policy>> {
    assemble(document, environment, dlp(document, environment))
}

fn dlp(document: &Document, environment: &dyn Environment) -> Option<Rc<dyn Policy>> {
    let dlp = portcullis_dlp::configure(document, environment)?;
    Some(Rc::new(dlp))
}

fn assemble(
    document: &Document,
    environment: &dyn Environment,
    dlp: Option<Rc<dyn Policy>>,
) -> Vec<Box<dyn Policy>> {
    [
        portcullis_alerts::gate(document).map(boxed),
        portcullis_auth::configure(document, environment).map(boxed),
        portcullis_rate_limit::configure(document).map(boxed),
        dlp.map(|dlp| boxed(Shared(dlp))),
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

/// A policy of several gateways.
struct Shared(Rc<dyn Policy>);

impl Policy for Shared {
    fn interest(&self) -> Interest {
        self.0.interest()
    }

    fn mode(&self) -> Mode {
        self.0.mode()
    }

    fn attributes(&self) -> Vec<Attribute> {
        self.0.attributes()
    }

    fn open(&self) -> Box<dyn Exchange> {
        self.0.open()
    }

    fn background(&self) -> Option<Rc<RefCell<dyn Background>>> {
        self.0.background()
    }
}
