//! Whatever the host refuses to do for a module, nothing gets through that would not have got through otherwise, and the record says why. (Envoy refuses little, but what it
//! would refuse in its next version nobody knows.)

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::time::Duration;

use anyhow::Result;
use portcullis_conformance::clusters::Scripts;
use portcullis_conformance::engine::{Engine, Seen, Setup};
use portcullis_conformance::load::{Located, Suite};
use portcullis_conformance::resolve::{Call, Reply};
use portcullis_conformance::run;
use portcullis_conformance::wasm::{Chain, Modules, Wasm};

/// Functions without which a message cannot be read or changed, or nobody knows who calls.
const FUNCTIONS: [&str; 9] = [
    "proxy_get_header_map_pairs",
    "proxy_set_header_map_pairs",
    "proxy_add_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_remove_header_map_value",
    "proxy_get_buffer_bytes",
    "proxy_set_buffer_bytes",
    "proxy_send_local_response",
    "proxy_get_property",
];

/// What carries a client's credentials.
const CREDENTIALS: [&str; 4] = [
    "authorization",
    "x-api-key",
    "cookie",
    "proxy-authorization",
];

/// A gateway whose host refuses a function from each request's, or each answer's, beginning on.
struct Refusing {
    wasm: Wasm,
    function: Option<&'static str>,
    from_the_answer: bool,
    seen: Vec<Seen>,
}

impl Refusing {
    fn refuse(&self, now: bool) {
        let function = self.function;
        self.wasm.world().faults(|faults| {
            faults.refused.clear();
            faults.refused.extend(function.filter(|_| now));
        });
    }
}

impl Engine for Refusing {
    fn advance(&mut self, by: Duration) -> Result<()> {
        self.wasm.advance(by)
    }

    fn set_clock(&mut self, unix_ns: u64) -> Result<()> {
        self.wasm.set_clock(unix_ns)
    }

    fn script(&mut self, clusters: &Scripts) -> Result<()> {
        self.wasm.script(clusters)
    }

    fn exchange(&mut self, call: &Call, reply: &Reply) -> Result<Seen> {
        let stream = self.wasm.stream(0, call);
        self.refuse(!self.from_the_answer);
        stream.request(call);
        self.refuse(true);
        stream.answer(reply);
        let seen = self.wasm.seen(&stream);
        self.refuse(false);
        self.seen.push(seen.clone());
        Ok(seen)
    }

    fn open(&mut self, name: &str, call: &Call) -> Result<()> {
        self.wasm.open(name, call)
    }

    fn finish(&mut self, name: &str, reply: &Reply) -> Result<Seen> {
        let seen = self.wasm.finish(name, reply)?;
        self.seen.push(seen.clone());
        Ok(seen)
    }
}

/// What came of a case's exchanges where the host refuses a function.
fn play(
    suite: &Suite,
    modules: &Modules,
    (located, setup): (&Located, &Setup),
    function: Option<&'static str>,
    from_the_answer: bool,
) -> Vec<Seen> {
    let mut engine = Refusing {
        wasm: Wasm::new(modules, Chain::Gateway, setup).unwrap(),
        function,
        from_the_answer,
        seen: Vec::new(),
    };
    // What it says is wrong is what the case expects of a host that refuses nothing.
    let _ = run::run(suite, located, setup, &mut engine).unwrap();
    engine.seen
}

/// What got through that did not before.
fn leaks(secrets: &[String], before: &Seen, now: &Seen) -> Vec<String> {
    let mut leaks = Vec::new();
    let holds = |body: &[u8], secret: &str| {
        body.windows(secret.len())
            .any(|part| part == secret.as_bytes())
    };
    let sides = [
        ("provider", &before.provider, &now.provider),
        ("client", &before.client, &now.client),
    ];
    for (side, before, now) in sides {
        for secret in secrets {
            if holds(&now.body, secret) && !holds(&before.body, secret) {
                leaks.push(format!("the {side} gets a secret"));
            }
        }
    }
    let credential = |seen: &Seen| {
        let mut names = seen.provider.headers.iter().map(|(name, _)| name.as_str());
        names.any(|name| CREDENTIALS.contains(&name))
    };
    if credential(now) && !credential(before) {
        leaks.push("a credential leaves".to_owned());
    }
    // Not every policy has records.
    if let Some(reason) = reason(now).filter(|_| !before.records.is_empty())
        && now.record()["reason"] != *reason
    {
        leaks.push(format!("no record says {reason}: {:?}", now.records));
    }
    leaks
}

/// Why the client was refused, as the answer's headers say.
fn reason(seen: &Seen) -> Option<&str> {
    let mut headers = seen.client.headers.iter();
    let (_, value) = headers.find(|(name, _)| name == "x-portcullis-reason")?;
    std::str::from_utf8(value).ok()
}

#[test]
fn what_the_host_refuses_lets_nothing_through() {
    let suite = Suite::load().unwrap_or_else(|error| panic!("{error:#}"));
    let modules = Modules::built().unwrap_or_else(|error| panic!("{error:#}"));
    let (mut failures, mut exchanges, mut refused) = (Vec::new(), 0, 0);
    for (seed, located) in suite.cases.iter().enumerate() {
        let case = &located.case;
        let plain = case.steps.iter().all(|step| step.store.is_none());
        if case.skip.contains_key("gateway") || case.rejected.is_some() || !plain {
            continue;
        }
        let hold = case.hold.unwrap_or(seed % 2 == 0);
        let setup = suite.setup(case, hold).unwrap();
        let before = play(&suite, &modules, (located, &setup), None, false);
        // One function for each case, so that the whole stays short: there are many cases.
        let function = FUNCTIONS.iter().cycle().nth(seed).copied();
        for from_the_answer in [false, true] {
            let now = play(
                &suite,
                &modules,
                (located, &setup),
                function,
                from_the_answer,
            );
            exchanges += now.len();
            assert_eq!(now.len(), before.len());
            for (before, now) in before.iter().zip(&now) {
                refused += usize::from(before.client.body != now.client.body);
                let mut leaks = leaks(&case.secrets, before, now);
                // What a request that was refused did not cost, another may spend.
                let counts = ["limits/", "alerts/"]
                    .iter()
                    .any(|folder| located.title().starts_with(folder));
                if now.provider.complete && !before.provider.complete && !counts {
                    leaks.push("a request passes".to_owned());
                }
                failures.extend(leaks.into_iter().map(|leak| {
                    format!(
                        "{} (hold_headers: {hold}, {function:?}): {leak}",
                        located.title()
                    )
                }));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // It did matter what the host refused.
    assert!(refused * 4 > exchanges, "{refused} of {exchanges}");
}
