//! The root context: reads the policy once per VM, opens streams.

use crate::abi::{self, Buffer, Level};
use crate::calls::Calls;
use crate::host::{self, SharedData};
use crate::metrics;
use crate::stream::Stream;
use portcullis_chain::{Chores, Completeness, Gateway, Settings};
use portcullis_policy::config::{Document, Environment, Mistake};
use portcullis_policy::{Answer, Policy, Store, Timestamp};
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

/// Says what this module is. Called by [`crate::module!`] when the VM starts, before anything else.
pub fn start(completeness: Completeness, configure: Configure) {
    abi::initialize();
    MODULE.set(Some((completeness, configure)));
}

/// A plugin of the host.
#[derive(Default)]
pub(crate) struct Root {
    gateway: Option<Rc<Gateway>>,
    calls: Calls,
    /// The host wants it to go, and waits.
    stopping: bool,
}

impl Root {
    fn read(configuration: &[u8]) -> Result<Rc<Gateway>, Vec<Mistake>> {
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

impl Root {
    /// Starts what policies do outside of exchanges. A worker without randomness or a timer could not do it, so it refuses.
    fn start(gateway: &Gateway) -> Result<(), &'static str> {
        let Some(period) = gateway.period() else {
            return Ok(());
        };
        let random = abi::random().map_err(|_| "the host gives no randomness")?;
        gateway.start(&random);
        abi::set_tick_period(period).map_err(|_| "the host gives no timer")
    }

    /// One turn of the background, and, where the host waits for it, the question whether that was the last.
    fn turn(&mut self, run: impl FnOnce(&Gateway, Timestamp, &mut dyn Store) -> Chores) {
        let Some(gateway) = self.gateway.clone() else {
            return;
        };
        let (now, mut store) = (host::now(), SharedData);
        let chores = run(&gateway, now, &mut store);
        self.carry_out(chores);
        if self.stopping {
            let (chores, done) = gateway.stop(now, &mut store);
            self.carry_out(chores);
            if done {
                self.stopping = false;
                abi::done();
            }
        }
    }

    fn carry_out(&mut self, chores: Chores) {
        for (metric, by) in chores.metrics {
            metrics::count(metric, by);
        }
        self.calls.make(chores.calls);
    }
}

impl Root {
    /// The answer to a call has come.
    pub fn answered(&mut self, token: u32, body_size: usize) {
        if let Some((errand, answer)) = self.calls.answer(token, body_size) {
            self.turn(|gateway, now, store| gateway.answered(now, store, errand, &answer));
        }
    }

    /// It is to go; whether it can at once. When not, it tells the host later.
    pub fn stop(&mut self) -> bool {
        let Some(gateway) = self.gateway.clone() else {
            return true;
        };
        let (chores, done) = gateway.stop(host::now(), &mut SharedData);
        self.carry_out(chores);
        self.stopping = !done;
        done
    }

    /// Reads the policy, of so many bytes; whether it is in force.
    pub fn configure(&mut self, size: usize) -> bool {
        let configuration = if size == 0 {
            Ok(Vec::new())
        } else {
            abi::buffer(Buffer::PluginConfiguration, 0, size)
        };
        let configured = match &configuration {
            Ok(bytes) => Self::read(bytes),
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
                if let Err(reason) = Self::start(&gateway) {
                    abi::log(Level::Error, &format!("portcullis: {reason}"));
                    return false;
                }
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

    /// The timer went off.
    pub fn tick(&mut self) {
        for errand in self.calls.take_failed() {
            self.turn(|gateway, now, store| gateway.answered(now, store, errand, &Answer::Failed));
        }
        self.turn(|gateway, now, store| gateway.tick(now, store));
    }

    /// A stream of this plugin.
    pub fn open(&self) -> Stream {
        Stream::new(self.gateway.as_ref().map(|gateway| gateway.open()))
    }
}
