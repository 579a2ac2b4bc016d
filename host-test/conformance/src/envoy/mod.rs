//! The third engine: the real Envoy with the shipped scenarios, a client and a provider on sockets. It has no virtual clock and one
//! request at a time; cases that need more say so by what they contain.
//!
//! One Envoy serves many policies: each is a listener with a VM of its own, so nothing that is counted under one policy counts under
//! another, and starting them costs one process.

mod messages;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use portcullis_chain::names;
use portcullis_envoy_test::{Checkout, EnvoyBinary, Running, Scenario};
use portcullis_provider::{Arrival, Provider, Script};
use serde_json::{Value, json};

use crate::case::Case;
use crate::engine::{Engine, Message, STATE, Seen, Setup};
use crate::resolve::{Call, Reply};
use messages::{http_request, lowered, received, script};

/// How long the line of an exchange may take to be in the access log: Envoy is told to write every 10 ms.
const LOGGED_MAX: Duration = Duration::from_secs(20);

/// How long the provider may take to know how much of a request reached it, once the exchange is over.
const SETTLED_MAX: Duration = Duration::from_secs(5);

/// How long a client waits for a provider that is silent before it leaves.
const PATIENCE: Duration = Duration::from_millis(150);

const POLL: Duration = Duration::from_millis(2);

/// Where Envoy and the scenarios are.
pub struct Site {
    checkout: Checkout,
    binary: EnvoyBinary,
}

impl Site {
    /// Finds both; fetches Envoy if there is none.
    ///
    /// # Errors
    /// When there is no Envoy to be had.
    pub fn find() -> Result<Self> {
        let checkout = Checkout::find()?;
        let binary = EnvoyBinary::find_or_fetch(&checkout)?;
        Ok(Self { checkout, binary })
    }

    fn scenario(&self, name: &str, setup: &Setup) -> Result<Scenario> {
        let mut scenario = Scenario::load(&self.checkout, name)?;
        scenario.policy_text(&setup.policy.to_string())?;
        scenario.hold_headers(setup.hold)?;
        for name in [
            "LITELLM_MASTER_KEY",
            "PORTCULLIS_AUDIT_KEY",
            "PORTCULLIS_MASK_KEY",
        ] {
            scenario.env(name, setup.env.get(name).map(String::as_str));
        }
        Ok(scenario)
    }

    /// Starts an Envoy with a listener for each policy, and a provider behind them. All policies have the first one's environment.
    ///
    /// # Errors
    /// When Envoy refuses a policy; the message is what it logged.
    pub fn start(&self, scenario: &str, setups: &[&Setup]) -> Result<RealEnvoy> {
        let first = setups.first().context("no policy")?;
        let mut all = self.scenario(scenario, first)?;
        let provider = Provider::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        all.provider(provider.addr())?;
        let mut listeners = Vec::new();
        for (index, setup) in setups.iter().enumerate() {
            let mut one = self.scenario(scenario, setup)?;
            one.edit(|bootstrap| {
                let listener = bootstrap.pointer_mut("/static_resources/listeners/0");
                listeners.push(listener.map(Value::take).unwrap_or_default());
            });
            if let Some(listener) = listeners.last_mut() {
                as_one_of_many(listener, index);
            }
        }
        all.edit(|bootstrap| bootstrap["static_resources"]["listeners"] = listeners.into());
        let envoy = all.start(&self.binary)?;
        let addresses = addresses(&envoy, setups.len())?;
        Ok(RealEnvoy {
            provider,
            envoy,
            listeners: addresses.into_iter().map(Listener::at).collect(),
        })
    }

    /// Whether Envoy accepts a policy; the error is what it logged when not.
    ///
    /// # Errors
    /// What Envoy logged when it refused the policy.
    pub fn accepts(&self, scenario: &str, setup: &Setup) -> Result<()> {
        let (accepted, log) = self.scenario(scenario, setup)?.validate(&self.binary)?;
        if !accepted {
            bail!("{log}");
        }
        Ok(())
    }
}

/// Gives a listener a name, VMs and access logs of its own, the second one of filter state; and has it believe the source that a case
/// names in `x-forwarded-for`.
fn as_one_of_many(listener: &mut Value, index: usize) {
    listener["name"] = listener_name(index).into();
    let manager = "/filter_chains/0/filters/0/typed_config";
    let Some(manager) = listener.pointer_mut(manager) else {
        return;
    };
    manager["xff_num_trusted_hops"] = 1.into();
    for filter in manager["http_filters"].as_array_mut().into_iter().flatten() {
        if let Some(vm_id) = filter.pointer_mut("/typed_config/config/vm_config/vm_id") {
            *vm_id = format!("{}-{index}", vm_id.as_str().unwrap_or_default()).into();
        }
    }
    let mut format = json!({ "request_id": "%REQ(X-REQUEST-ID)%" });
    for name in STATE {
        format[name] = format!("%FILTER_STATE(wasm.{name}:PLAIN)%").into();
    }
    if let Some(logs) = manager["access_log"].as_array_mut() {
        for log in &mut *logs {
            log["typed_config"]["path"] = format!("audit-{index}.log").into();
        }
        logs.push(json!({
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": state_log(index),
                "log_format": { "json_format": format },
            },
        }));
    }
}

fn listener_name(index: usize) -> String {
    format!("policy-{index}")
}

/// The access log that shows filter state, in the folder of the run.
fn state_log(index: usize) -> String {
    format!("state-{index}.log")
}

/// Where each listener serves, in their order.
fn addresses(envoy: &Running, count: usize) -> Result<Vec<SocketAddr>> {
    let listeners: Value = serde_json::from_str(&envoy.admin_text("/listeners?format=json")?)?;
    let statuses = listeners["listener_statuses"]
        .as_array()
        .context("no listeners")?;
    let address = |index| {
        let name = listener_name(index);
        let status = statuses.iter().find(|status| status["name"] == *name);
        let address = &status.with_context(|| format!("no listener {name}"))?["local_address"]["socket_address"];
        let port = address["port_value"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok());
        let ip = address["address"].as_str().and_then(|ip| ip.parse().ok());
        let (Some(ip), Some(port)) = (ip, port) else {
            bail!("{name} has no address: {address}");
        };
        Ok(SocketAddr::new(ip, port))
    };
    (0..count).map(address).collect()
}

/// Why a case cannot run in a real Envoy, by what it contains.
#[must_use]
pub fn needs_more(case: &Case) -> Option<&'static str> {
    if !case.clusters.is_empty() {
        return Some("scripted services");
    }
    case.steps.iter().find_map(|step| {
        let leaves = step
            .request
            .as_ref()
            .is_some_and(|request| request.leaves_after.is_some());
        let left = step
            .upstream
            .as_ref()
            .is_some_and(|upstream| upstream.client_leaves_after.is_some());
        let verified = step
            .request
            .as_ref()
            .is_some_and(|request| !request.certificate.is_empty() || !request.claims.is_empty());
        if verified {
            Some("a client certificate or a token")
        } else if step.advance.is_some() || step.clock.is_some() {
            Some("a virtual clock")
        } else if step.store.is_some() {
            Some("shared data that fails")
        } else if step.open.is_some() || step.finish.is_some() || step.leave.is_some() {
            Some("exchanges that overlap in a fixed order")
        } else if leaves || left {
            Some("a client that leaves between two events")
        } else {
            None
        }
    })
}

/// A running Envoy and its provider.
pub struct RealEnvoy {
    provider: Provider,
    envoy: Running,
    listeners: Vec<Listener>,
}

/// A listener, and how much of its access log was read.
struct Listener {
    address: SocketAddr,
    lines: usize,
}

impl Listener {
    const fn at(address: SocketAddr) -> Self {
        Self { address, lines: 0 }
    }
}

impl RealEnvoy {
    /// The engine of one policy. One case after another may use it.
    pub fn policy(&mut self, index: usize) -> OnePolicy<'_> {
        OnePolicy { envoy: self, index }
    }

    /// Ends Envoy; everything that is wrong with what it leaves behind: a VM that was lost, a log that tells secrets.
    ///
    /// # Errors
    /// When Envoy does not answer or cannot be ended.
    pub fn finish(mut self, planted: &[String]) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        for (name, count) in self.envoy.stats("vm_reload")? {
            if count > 0 {
                problems.push(format!(
                    "a VM was lost: {name}\n{}",
                    self.envoy.complaints()?
                ));
            }
        }
        self.envoy.stop()?;
        let log = self.envoy.log_text()?;
        for secret in planted {
            if let Some(line) = log.lines().find(|line| line.contains(secret.as_str())) {
                problems.push(format!("Envoy's log tells {secret:?}: {line}"));
            }
        }
        Ok(problems)
    }

    fn counters(&self) -> Result<BTreeMap<String, u64>> {
        let stats = self.envoy.stats("portcullis_")?;
        let ours = stats.into_iter().filter_map(|(name, value)| {
            let at = name.find("portcullis_")?;
            Some((name.get(at..)?.to_owned(), value))
        });
        Ok(ours.collect())
    }

    /// The next line of a listener's access log of filter state.
    fn next_line(&mut self, index: usize) -> Result<Value> {
        let begin = Instant::now();
        let file = self.envoy.folder().join(state_log(index));
        let listener = self.listeners.get_mut(index).context("no such policy")?;
        loop {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let whole = text
                .rfind('\n')
                .and_then(|end| text.get(..end))
                .unwrap_or_default();
            if let Some(line) = whole.lines().nth(listener.lines) {
                listener.lines += 1;
                return serde_json::from_str(line).with_context(|| format!("access log: {line}"));
            }
            if begin.elapsed() > LOGGED_MAX {
                bail!("no line {} in the access log:\n{text}", listener.lines + 1);
            }
            thread::sleep(POLL);
        }
    }

    fn ask(&mut self, index: usize, call: &Call, reply: &Reply) -> Result<Message> {
        let request = http_request(call);
        let address = self.listeners.get(index).context("no such policy")?.address;
        if reply.response.is_none() {
            self.provider
                .set_script(Script::from_json(&json!({ "delay-headers": 30_000 }))?);
            request.send_and_leave(address, PATIENCE)?;
            return Ok(Message::default());
        }
        let Ok(response) = request.send(address) else {
            return Ok(Message::default());
        };
        let status = (
            ":status".to_owned(),
            response.status.to_string().into_bytes(),
        );
        Ok(Message {
            began: true,
            complete: response.complete,
            headers: [vec![status], lowered(&response.headers)].concat(),
            body: response.body.clone(),
            trailers: lowered(&response.trailers),
        })
    }
}

/// An Envoy's listener with one policy.
pub struct OnePolicy<'a> {
    envoy: &'a mut RealEnvoy,
    index: usize,
}

impl Engine for OnePolicy<'_> {
    fn advance(&mut self, _: Duration) -> Result<()> {
        bail!("the real Envoy has no virtual clock")
    }

    fn set_clock(&mut self, _: u64) -> Result<()> {
        bail!("the real Envoy has no virtual clock")
    }

    fn exchange(&mut self, call: &Call, reply: &Reply) -> Result<Seen> {
        let Self { envoy, index } = self;
        envoy.provider.clear();
        envoy.provider.clear_scripts();
        if let Some(response) = &reply.response {
            envoy
                .provider
                .set_script(script(response, reply.cut_after)?);
        }
        let before = envoy.counters()?;
        let logged = envoy.envoy.log_text()?.len();
        let client = envoy.ask(*index, call, reply)?;
        let line = envoy.next_line(*index)?;
        let grown = envoy.counters()?.into_iter().filter_map(|(name, value)| {
            let by = value - before.get(&name).copied().unwrap_or(0);
            (by > 0).then_some((name, by))
        });
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let records = text(names::AUDIT).unwrap_or_default();
        let log = envoy.envoy.log_text()?;
        let new = log.get(logged..).unwrap_or_default();
        let complaint = |line: &&str| {
            line.contains("wasm log")
                && (line.contains("[warning]")
                    || line.contains("[error]")
                    || line.contains("[critical]"))
        };
        Ok(Seen {
            provider: settled(&envoy.provider),
            client,
            state: STATE
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), text(name)?)))
                .collect(),
            records: records.lines().map(str::to_owned).collect(),
            metrics: grown.collect(),
            log: new
                .lines()
                .filter(complaint)
                .map(|line| format!("{line}\n"))
                .collect(),
            request_id: text("request_id").unwrap_or_default(),
        })
    }

    fn open(&mut self, _: &str, _: &Call) -> Result<()> {
        bail!("exchanges do not overlap here")
    }

    fn finish(&mut self, _: &str, _: &Reply) -> Result<Seen> {
        bail!("exchanges do not overlap here")
    }
}

/// What reached the provider, once it is known how much: a request that was refused half way is cut there a moment later.
fn settled(provider: &Provider) -> Message {
    let begin = Instant::now();
    loop {
        let last = provider.received().pop();
        let arriving = last
            .as_ref()
            .is_some_and(|request| request.arrival == Arrival::Arriving);
        if !arriving || begin.elapsed() > SETTLED_MAX {
            return received(last.as_ref());
        }
        thread::sleep(POLL);
    }
}
