//! The third engine: the real Envoy with the shipped scenarios, a client and a provider on sockets. It has no virtual clock and one
//! request at a time; cases that need more say so by what they contain.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_chain::names;
use portcullis_envoy_test::http1::Request;
use portcullis_envoy_test::{Checkout, EnvoyBinary, Running, Scenario};
use portcullis_provider::{Arrival, Provider, Received, Script};
use serde_json::{Value, json};

use crate::bytes::Field;
use crate::case::Case;
use crate::engine::{Engine, Message, Seen, Setup};
use crate::resolve::{Call, Reply, Response};

/// How long the line of an exchange may take to be in the access log: Envoy is told to write every 50 ms.
const LOGGED_MAX: Duration = Duration::from_secs(10);

/// How long a client waits for a provider that is silent before it leaves.
const PATIENCE: Duration = Duration::from_millis(150);

/// The access log that shows filter state, in the folder of the run.
const STATE_LOG: &str = "state.log";

/// Filter state that a case can see.
const NAMES: [&str; 11] = [
    names::AUDIT,
    names::USER,
    names::TEAM,
    names::KEY_ID,
    names::MODEL,
    names::TOKENS_IN,
    names::TOKENS_OUT,
    names::TOKENS_TOTAL,
    names::DECISION,
    names::REASON,
    names::IDENTITY,
];

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
        for name in ["LITELLM_MASTER_KEY", "PORTCULLIS_AUDIT_KEY"] {
            scenario.env(name, setup.env.get(name).map(String::as_str));
        }
        scenario.edit(show_state);
        Ok(scenario)
    }

    /// Starts an Envoy and a provider.
    ///
    /// # Errors
    /// When Envoy refuses the policy; the message is what it logged.
    pub fn start(&self, scenario: &str, setup: &Setup) -> Result<RealEnvoy> {
        let provider = Provider::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let mut scenario = self.scenario(scenario, setup)?;
        scenario.provider(provider.addr())?;
        let envoy = scenario.start(&self.binary)?;
        Ok(RealEnvoy {
            provider,
            envoy,
            lines: 0,
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

/// Adds an access log of filter state, and believes the source that a test names in `x-forwarded-for`.
fn show_state(bootstrap: &mut Value) {
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    let Some(manager) = bootstrap.pointer_mut(manager) else {
        return;
    };
    manager["xff_num_trusted_hops"] = 1.into();
    let mut format = json!({ "request_id": "%REQ(X-REQUEST-ID)%" });
    for name in NAMES {
        format[name] = format!("%FILTER_STATE(wasm.{name}:PLAIN)%").into();
    }
    if let Some(logs) = manager["access_log"].as_array_mut() {
        logs.push(json!({
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": STATE_LOG,
                "log_format": { "json_format": format },
            },
        }));
    }
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
        if step.advance.is_some() || step.clock.is_some() {
            Some("a virtual clock")
        } else if step.open.is_some() || step.finish.is_some() || step.leave.is_some() {
            Some("exchanges that overlap in a fixed order")
        } else if leaves || left {
            Some("a client that leaves between two events")
        } else {
            None
        }
    })
}

/// A running Envoy and its provider. One case after another may use it.
pub struct RealEnvoy {
    provider: Provider,
    envoy: Running,
    lines: usize,
}

impl RealEnvoy {
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

    /// The next line of the access log of filter state.
    fn next_line(&mut self) -> Result<Value> {
        let begin = Instant::now();
        let file = self.envoy.folder().join(STATE_LOG);
        loop {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let whole = text
                .rfind('\n')
                .and_then(|end| text.get(..end))
                .unwrap_or_default();
            if let Some(line) = whole.lines().nth(self.lines) {
                self.lines += 1;
                return serde_json::from_str(line).with_context(|| format!("access log: {line}"));
            }
            if begin.elapsed() > LOGGED_MAX {
                bail!("no line {} in the access log:\n{text}", self.lines + 1);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn ask(&mut self, call: &Call, reply: &Reply) -> Result<Message> {
        let request = http_request(call);
        let address = self.envoy.address();
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

impl Engine for &mut RealEnvoy {
    fn advance(&mut self, _: Duration) -> Result<()> {
        bail!("the real Envoy has no virtual clock")
    }

    fn set_clock(&mut self, _: u64) -> Result<()> {
        bail!("the real Envoy has no virtual clock")
    }

    fn exchange(&mut self, call: &Call, reply: &Reply) -> Result<Seen> {
        self.provider.clear();
        self.provider.clear_scripts();
        if let Some(response) = &reply.response {
            self.provider.set_script(script(response, reply.cut_after)?);
        }
        let before = self.counters()?;
        let logged = self.envoy.log_text()?.len();
        let client = self.ask(call, reply)?;
        let line = self.next_line()?;
        let grown = self.counters()?.into_iter().filter_map(|(name, value)| {
            let by = value - before.get(&name).copied().unwrap_or(0);
            (by > 0).then_some((name, by))
        });
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let records = text(names::AUDIT).unwrap_or_default();
        let log = self.envoy.log_text()?;
        let new = log.get(logged..).unwrap_or_default();
        let complaint = |line: &&str| {
            line.contains("wasm log")
                && (line.contains("[warning]")
                    || line.contains("[error]")
                    || line.contains("[critical]"))
        };
        Ok(Seen {
            provider: received(self.provider.received().last()),
            client,
            state: NAMES
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

fn http_request(call: &Call) -> Request {
    let mut request = Request::new(&call.header(":method"), &call.header(":path"))
        .header("host", call.header(":authority"))
        .header("x-forwarded-for", call.source.to_string());
    for (name, value) in call
        .headers
        .iter()
        .filter(|(name, _)| !name.starts_with(':'))
    {
        request = request.header(name, value);
    }
    let sized = call
        .headers
        .iter()
        .any(|(name, _)| name == "content-length");
    if sized {
        return request.body(call.body());
    }
    if call.pieces.is_empty() && call.trailers.is_none() {
        return request;
    }
    request = request.chunks(call.pieces.iter().map(Vec::as_slice));
    for (name, value) in call.trailers.iter().flatten() {
        request = request.trailer(name, &String::from_utf8_lossy(value));
    }
    request
}

/// What the stub provider is told, so that it answers exactly this.
fn script(response: &Response, cut_after: Option<usize>) -> Result<Script> {
    let line = |(name, value): &Field| format!("{name}: {}", String::from_utf8_lossy(value));
    let sized = response
        .headers
        .iter()
        .any(|(name, _)| name == "content-length");
    let headers = response
        .headers
        .iter()
        .filter(|(name, _)| name != "content-length");
    let mut options = json!({
        "status": response.status,
        "body": format!("base64:{}", STANDARD.encode(response.body())),
        "header": headers.map(line).collect::<Vec<_>>(),
        "trailer": response.trailers.iter().flatten().map(line).collect::<Vec<_>>(),
        "content-length": if sized { "on" } else { "off" },
    });
    if let Some(first) = response
        .pieces
        .first()
        .filter(|_| response.pieces.len() > 1)
    {
        options["chunk"] = first.len().max(1).into();
    }
    match cut_after {
        None => {}
        Some(0) => options["drop"] = true.into(),
        Some(events) => {
            let bytes: usize = response.pieces.iter().take(events - 1).map(Vec::len).sum();
            options["abort"] = bytes.into();
        }
    }
    Script::from_json(&options)
}

fn lowered(headers: &[(Vec<u8>, Vec<u8>)]) -> Vec<Field> {
    let name = |name: &[u8]| String::from_utf8_lossy(name).to_ascii_lowercase();
    headers
        .iter()
        .map(|(n, value)| (name(n), value.clone()))
        .collect()
}

fn received(received: Option<&Received>) -> Message {
    let Some(received) = received else {
        return Message::default();
    };
    let pseudo = [(":method", &received.method), (":path", &received.path)];
    let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value.clone().into_bytes()));
    Message {
        began: true,
        complete: received.arrival == Arrival::Complete,
        headers: pseudo
            .into_iter()
            .chain(fields(&received.headers))
            .collect(),
        body: received.body.to_vec(),
        trailers: fields(&received.trailers),
    }
}

fn fields<B: AsRef<[u8]>>(headers: &[(String, B)]) -> Vec<Field> {
    let field = |(name, value): &(String, B)| (name.clone(), value.as_ref().to_vec());
    headers.iter().map(field).collect()
}
