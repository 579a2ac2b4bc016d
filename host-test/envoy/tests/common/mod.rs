//! What the end-to-end tests share: a world of a stub provider and a real Envoy, in each way in which the gateway can run.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use portcullis_envoy_test::http1::{Request, Response};
use portcullis_envoy_test::{Checkout, EnvoyBinary, Running, Scenario};
use portcullis_provider::{Arrival, Provider, Received, Script};
use serde_json::{Value, json};

/// The key of `john.doe@company.com` in team `eng-team`, whose digest stands in the scenarios' policies.
pub const KEY: &str = "sk-demo-portcullis";
/// The key of `jane.roe@company.com` in team `research-team`.
pub const RESEARCH_KEY: &str = "sk-demo-research";
/// What [`Scenario`] sets as the master key.
pub const MASTER_KEY: &str = "master-key-of-the-test";

/// A number that rule `ssn` blocks.
pub const SSN: &str = "123-45-6789";
/// A key that rule `anthropic-key` redacts.
pub const SECRET: &str = "sk-ant-api03Zq9Xw8Vu7Ts6Rq5Po4Nm3";
/// Words that stand in every prompt and in no other place.
pub const PROMPT: &str = "a-prompt-that-nobody-may-log";
/// A credential that nobody has.
pub const WRONG_KEY: &str = "sk-wrong-3fa9c1";

/// What must never be found in a log.
const PLANTED: [&str; 9] = [
    KEY,
    RESEARCH_KEY,
    MASTER_KEY,
    SSN,
    SECRET,
    PROMPT,
    WRONG_KEY,
    "audit-key-of-the-test",
    "provider-key-of-the-test",
];

/// A model that team `eng-team` may use, for OpenAI's API.
pub const GPT: &str = "gpt-4o-mini";
/// A model that team `eng-team` may use, for Anthropic's API.
pub const CLAUDE: &str = "claude-3-5-sonnet";

/// A way to run the gateway.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// The folder in `envoy/`.
    pub scenario: &'static str,
    /// Whether headers wait for the verdict on the body.
    pub hold_headers: bool,
}

impl Variant {
    /// The way that scenarios are shipped: headers wait.
    pub const fn held(scenario: &'static str) -> Self {
        Self {
            scenario,
            hold_headers: true,
        }
    }
}

/// Makes tests that run in each way to run the gateway: `name from world: [test, …];` has the functions run one after the
/// other in one world, because each Envoy takes seconds of work to compile its modules.
#[macro_export]
macro_rules! in_every_variant {
    ($($group:ident from $make:path: [$($test:ident),+ $(,)?];)+) => {
        $(mod $group {
            #[allow(unused_imports, reason = "not every world is made in the module around")]
            use super::*;

            fn run(scenario: &'static str, hold_headers: bool) {
                let variant = $crate::common::Variant { scenario, hold_headers };
                $crate::common::run($make(variant), &[$((stringify!($test), super::$test)),+]);
            }

            #[test]
            fn local() {
                run("local", true);
            }

            #[test]
            fn local_without_hold() {
                run("local", false);
            }

            #[test]
            fn chain() {
                run("chain", true);
            }

            #[test]
            fn chain_without_hold() {
                run("chain", false);
            }
        })+
    };
}

/// A test over a world.
pub type Test = fn(&World);

/// Runs tests in one world, all of them also when one fails, and then checks what must hold after anything.
pub fn run(world: World, tests: &[(&str, Test)]) {
    let mut failed = Vec::new();
    for (name, test) in tests {
        world.provider.clear_scripts();
        world.provider.clear();
        if catch_unwind(AssertUnwindSafe(|| test(&world))).is_err() {
            failed.push(*name);
        }
    }
    if !failed.is_empty() {
        println!("{}", world.envoy.complaints().unwrap());
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
    world.finish();
}

/// The repository, found once.
pub fn checkout() -> &'static Checkout {
    static CHECKOUT: OnceLock<Checkout> = OnceLock::new();
    CHECKOUT.get_or_init(|| Checkout::find().expect("a clone of Portcullis"))
}

/// The Envoy binary, found once.
pub fn binary() -> &'static EnvoyBinary {
    static BINARY: OnceLock<EnvoyBinary> = OnceLock::new();
    BINARY.get_or_init(|| EnvoyBinary::find_or_fetch(checkout()).expect("an Envoy"))
}

/// A gateway before it is started, with limits that no test meets by accident.
pub fn scenario(variant: Variant) -> Scenario {
    assert!(
        checkout().plugins().join("gateway.wasm").is_file(),
        "no modules: run `cargo xtask build`"
    );
    let mut scenario = Scenario::load(checkout(), variant.scenario).expect("the scenario");
    scenario
        .hold_headers(variant.hold_headers)
        .expect("wasm filters with policies");
    scenario
        .edit_policy(|policy| {
            policy["limits"]["user"] =
                json!({ "rpm": 100_000, "tpm": 100_000_000, "max_parallel_requests": 1000 });
        })
        .expect("wasm filters with policies");
    scenario
}

/// A stub provider and an Envoy with the gateway, of one test alone.
pub struct World {
    /// What the gateway calls.
    pub provider: Provider,
    /// The gateway.
    pub envoy: Running,
    /// How it runs.
    pub variant: Variant,
}

impl World {
    /// The scenario's own policy but for its limits, which are out of reach.
    pub fn new(variant: Variant) -> Self {
        Self::with_policy(variant, |_| {})
    }

    /// With a policy of one's own making.
    pub fn with_policy(variant: Variant, edit: impl FnMut(&mut Value)) -> Self {
        Self::with(variant, |scenario| {
            scenario
                .edit_policy(edit)
                .expect("wasm filters with policies");
        })
    }

    /// With anything changed.
    pub fn with(variant: Variant, change: impl FnOnce(&mut Scenario)) -> Self {
        let provider =
            Provider::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("the stub provider");
        let mut scenario = scenario(variant);
        scenario.provider(provider.addr()).expect("clusters");
        change(&mut scenario);
        let envoy = scenario
            .start(binary())
            .unwrap_or_else(|error| panic!("{variant:?}: {error:#}"));
        Self {
            provider,
            envoy,
            variant,
        }
    }

    /// Sends a request and reads the response.
    pub fn send(&self, request: &Request) -> Response {
        request
            .send(self.envoy.address())
            .unwrap_or_else(|error| panic!("{request:?}: {error:#}"))
    }

    /// What the next answers shall be, as the stub's options; see its README.
    pub fn answer(&self, script: &Value) {
        self.provider
            .set_script(Script::from_json(script).expect("a script"));
    }

    /// The requests that the provider has received to their end, since the last call.
    pub fn take_received(&self) -> Vec<Received> {
        let received = self.provider.received();
        self.provider.clear();
        received
            .into_iter()
            .filter(|received| received.arrival == Arrival::Complete)
            .collect()
    }

    /// The one request that the provider has received since the last call.
    pub fn take_one(&self) -> Received {
        let mut received = self.take_received();
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }

    /// Nothing has reached the provider to its end since the last call, and nothing of it holds `text`.
    pub fn assert_nothing_received(&self, text: &str) {
        for received in self.provider.received() {
            assert_ne!(received.arrival, Arrival::Complete, "{received:?}");
            assert!(!received.text().contains(text), "{received:?}");
        }
        self.provider.clear();
    }

    /// An answer of the provider that was held back. Where headers do not wait, the status has left when its body is judged: what
    /// the body says instead is all that can be changed then.
    #[track_caller]
    pub fn assert_response_refused(&self, response: &Response, code: &str) {
        if self.variant.hold_headers || response.status == 502 {
            return assert_refused(response, 502, code);
        }
        assert_eq!(response.status, 200, "{}", response.text());
        let body = response.json();
        assert!(
            body["error"]["message"].is_string() && response.complete,
            "{}",
            response.text()
        );
        for planted in PLANTED {
            assert!(
                !response.text().contains(planted),
                "the refusal tells {planted}: {}",
                response.text()
            );
        }
    }

    /// The audit record of the request that was answered so.
    pub fn record_of(&self, response: &Response) -> Value {
        let id = response.header("x-request-id").expect("a request id");
        let mut found = None;
        eventually("its audit record", Duration::from_secs(5), || {
            let records = self.envoy.audit_records(0).unwrap();
            found = records
                .into_iter()
                .find(|record| record["request_id"] == id.as_str());
            found.is_some()
        });
        found.unwrap()
    }

    /// What must hold after every test: a good request is answered, no VM was ever lost, no line of a log holds what was
    /// planted.
    pub fn finish(mut self) {
        self.provider.clear_scripts();
        let good = self.send(&messages(&format!("{PROMPT} the last one")));
        assert!(
            [200, 429].contains(&good.status),
            "a good request after all: {}",
            good.text()
        );
        for (name, value) in self.envoy.stats("vm_reload").expect("stats") {
            assert_eq!(
                value,
                0,
                "a VM was lost: {name}\n{}",
                self.envoy.complaints().unwrap()
            );
        }
        self.envoy.stop().expect("Envoy ends");
        let log = self.envoy.log_text().expect("the log");
        let audit = std::fs::read_to_string(self.envoy.audit_log()).expect("the audit log");
        for planted in PLANTED {
            for (name, text) in [("Envoy's log", &log), ("the audit log", &audit)] {
                let line = text.lines().find(|line| line.contains(planted));
                assert!(line.is_none(), "{name} holds {planted}: {}", line.unwrap());
            }
        }
    }
}

/// A prompt to OpenAI's API with the demo's key.
pub fn chat(prompt: &str) -> Request {
    chat_with(prompt, &json!({}))
}

/// The same with more or other fields in its body.
pub fn chat_with(prompt: &str, fields: &Value) -> Request {
    let mut body = json!({ "model": GPT, "messages": [{ "role": "user", "content": prompt }] });
    merge(&mut body, fields);
    Request::post("/v1/chat/completions")
        .header("authorization", format!("Bearer {KEY}"))
        .json(&body)
}

/// A prompt to Anthropic's API with the demo's key.
pub fn messages(prompt: &str) -> Request {
    messages_with(prompt, &json!({}))
}

/// The same with more or other fields in its body.
pub fn messages_with(prompt: &str, fields: &Value) -> Request {
    let mut body = json!({ "model": CLAUDE, "max_tokens": 100, "messages": [{ "role": "user", "content": prompt }] });
    merge(&mut body, fields);
    Request::post("/v1/messages")
        .header("x-api-key", KEY)
        .header("anthropic-version", "2023-06-01")
        .json(&body)
}

fn merge(body: &mut Value, fields: &Value) {
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
}

/// A refusal of the contract: its status, its code in the header, and a body in the words of the API that was called.
#[track_caller]
pub fn assert_refused(response: &Response, status: u16, code: &str) {
    let reason = response.header("x-portcullis-reason");
    assert_eq!(
        (response.status, reason.as_deref()),
        (status, Some(code)),
        "{}",
        response.text()
    );
    let retry = response.header("x-should-retry");
    assert!(
        matches!(retry.as_deref(), Some("true" | "false")),
        "x-should-retry: {retry:?}"
    );
    assert_eq!(
        status == 429,
        response.header("retry-after").is_some(),
        "retry-after stands with every 429 and nothing else"
    );
    let body = response.json();
    assert!(
        body["error"]["message"].is_string() && body["error"]["type"].is_string(),
        "{}",
        response.text()
    );
    if body["type"] == "error" {
        assert!(
            body["error"].get("code").is_none() || body["error"]["code"] == code,
            "{}",
            response.text()
        );
    } else {
        assert_eq!(body["error"]["code"], code, "{}", response.text());
    }
    for planted in PLANTED {
        assert!(
            !response.text().contains(planted),
            "the refusal tells {planted}: {}",
            response.text()
        );
    }
}

/// The joined text of a streamed answer, in either API; fails on an event that is no JSON.
pub fn streamed_text(response: &Response) -> String {
    let mut text = String::new();
    for event in events(response) {
        if let Some(delta) = event
            .pointer("/choices/0/delta/content")
            .or(event.pointer("/delta/text"))
        {
            text.push_str(delta.as_str().unwrap_or_default());
        }
    }
    text
}

/// The data of all events of a streamed answer but `[DONE]`.
pub fn events(response: &Response) -> Vec<Value> {
    let text = response.text().replace("\r\n", "\n").replace('\r', "\n");
    let data = text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(str::trim);
    let parse =
        |data: &str| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error} in {data}"));
    data.filter(|data| *data != "[DONE]").map(parse).collect()
}

/// Waits until `done` says so.
#[track_caller]
pub fn eventually(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How often each of these was answered.
pub fn count_by_status(responses: &[Response]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for response in responses {
        *counts.entry(response.status).or_default() += 1;
    }
    counts
}
