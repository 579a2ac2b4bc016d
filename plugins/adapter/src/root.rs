//! The root context: reads the policy once per VM, opens streams.

use crate::abi::{self, Buffer, Level};
use crate::stream::Stream;
use portcullis_chain::{Completeness, Gateway, Settings};
use portcullis_policy::Policy;
use portcullis_policy::config::{Document, Environment, Mistake};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use std::cell::Cell;
use std::rc::Rc;

/// Makes a module's policies from the policy document; `None` for a policy whose section is absent.
pub type Configure = fn(&Document, &dyn Environment) -> Vec<Option<Box<dyn Policy>>>;

/// A policy that may be absent, as [`Configure`] wants it.
pub fn boxed<P: Policy + 'static>(policy: Option<P>) -> Option<Box<dyn Policy>> {
    policy.map(|policy| Box::new(policy) as Box<dyn Policy>)
}

thread_local! {
    static MODULE: Cell<Option<(Completeness, Configure)>> = const { Cell::new(None) };
}

/// Registers a module with the SDK. Called by [`crate::module!`] when the VM starts.
pub fn start(completeness: Completeness, configure: Configure) {
    MODULE.set(Some((completeness, configure)));
    proxy_wasm::set_root_context(|_| Box::new(Root { gateway: None }));
}

struct Root {
    gateway: Option<Rc<Gateway>>,
}

impl Root {
    fn configure(configuration: &[u8]) -> Result<Rc<Gateway>, Vec<Mistake>> {
        let mistake = |message: &str| {
            vec![Mistake {
                path: String::new(),
                message: message.to_owned(),
            }]
        };
        let (completeness, configure) = MODULE
            .get()
            .ok_or_else(|| mistake("the module was not started"))?;
        let document = Document::parse(configuration).map_err(|mistake| vec![mistake])?;
        let environment = |name: &str| std::env::var(name).ok();
        let policies = configure(&document, &environment);
        let settings = Settings::read(&document);
        let mut mistakes = document.take_mistakes();
        mistakes.dedup();
        if mistakes.is_empty() {
            Ok(Gateway::new(
                policies.into_iter().flatten().collect(),
                settings,
                completeness,
            ))
        } else {
            Err(mistakes)
        }
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let configuration = if size == 0 {
            Ok(Vec::new())
        } else {
            abi::buffer(Buffer::PluginConfiguration, 0, size)
        };
        let configured = match &configuration {
            Ok(bytes) => Self::configure(bytes),
            Err(_) => {
                let message = "the host does not hand over the configuration".to_owned();
                Err(vec![Mistake {
                    path: String::new(),
                    message,
                }])
            }
        };
        match configured {
            Ok(gateway) => {
                self.gateway = Some(gateway);
                true
            }
            Err(mistakes) => {
                for mistake in mistakes {
                    abi::log(
                        Level::Error,
                        &format!("portcullis: policy refused: {mistake}"),
                    );
                }
                false
            }
        }
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(
            self.gateway.as_ref().map(|gateway| gateway.open()),
        )))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
