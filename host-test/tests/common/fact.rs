//! Facts about Envoy as files: what a probe does, what comes in, and what must come of it. `tests/facts/README.md`
//! explains the format. The same files run in this host (`tests/facts.rs`) and in the real Envoy
//! (`envoy`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_host_test::{
    Callout, Exchange, FailurePolicy, HeaderMap, Message, Plugin, Proxy, World,
};

/// One fact.
pub struct Fact {
    pub name: String,
    pub path: PathBuf,
    pub plugins: Vec<Probe>,
    pub options: Vec<String>,
    pub steps: Vec<Step>,
    pub expected: String,
    head: String,
}

/// One probe in the chain.
#[derive(Clone)]
pub struct Probe {
    pub name: String,
    pub allow_stop: bool,
    pub policy: FailurePolicy,
    pub script: String,
}

/// One step: on which exchange, and what.
#[derive(Clone)]
pub struct Step {
    pub exchange: usize,
    pub verb: String,
    pub words: Vec<String>,
}

impl Step {
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }

    /// The `name=value` words.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let split = |word: &String| {
            word.split_once('=')
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
        };
        self.words.iter().filter_map(split).collect()
    }

    pub fn text(&self) -> String {
        self.words.join(" ")
    }
}

impl Fact {
    pub fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facts");
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "txt"));
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let (head, expected) = text.split_once("== expect\n").unwrap_or((&text, ""));
        let mut fact = Self {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            path: path.to_owned(),
            plugins: Vec::new(),
            options: Vec::new(),
            steps: Vec::new(),
            expected: expected.to_owned(),
            head: head.to_owned(),
        };
        let mut exchange = 1;
        let mut section = String::new();
        for line in head.lines() {
            if let Some(title) = line.strip_prefix("== ") {
                section = title.split_whitespace().next().unwrap().to_owned();
                let words: Vec<_> = title.split_whitespace().skip(1).collect();
                match section.as_str() {
                    "probe" => fact.plugins.push(Probe {
                        name: words.first().unwrap_or(&"probe").to_string(),
                        allow_stop: words.contains(&"allow_stop"),
                        policy: match () {
                            () if words.contains(&"reload") => FailurePolicy::Reload,
                            () if words.contains(&"open") => FailurePolicy::Open,
                            () => FailurePolicy::Closed,
                        },
                        script: String::new(),
                    }),
                    "do" => fact.options = words.iter().map(ToString::to_string).collect(),
                    other => panic!("{}: no section {other}", fact.name),
                }
                continue;
            }
            match section.as_str() {
                "probe" => {
                    let script = &mut fact.plugins.last_mut().unwrap().script;
                    script.push_str(line);
                    script.push('\n');
                }
                "do" if !line.trim().is_empty() => {
                    let mut words = line.split_whitespace().map(str::to_owned);
                    let verb = words.next().unwrap();
                    let words: Vec<_> = words.collect();
                    if verb == "on" {
                        exchange = words[0].parse().unwrap();
                    } else {
                        fact.steps.push(Step {
                            exchange,
                            verb,
                            words,
                        });
                    }
                }
                _ => {}
            }
        }
        fact
    }

    pub fn option(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}=");
        self.options
            .iter()
            .find_map(|option| option.strip_prefix(&prefix).map(str::to_owned))
    }

    pub fn is(&self, option: &str) -> bool {
        self.options.iter().any(|o| o == option)
    }

    /// Whether a step is the upstream's.
    pub fn is_of_upstream(step: &Step) -> bool {
        [
            "response",
            "rdata",
            "rbulk",
            "rend",
            "rtrailers",
            "upstream_reset",
        ]
        .contains(&step.verb.as_str())
    }

    /// Whether the client of an exchange goes away by itself.
    pub fn client_goes(&self, exchange: usize) -> bool {
        self.steps
            .iter()
            .any(|step| step.exchange == exchange && step.verb == "client_reset")
    }

    pub fn bless(&self, actual: &str) {
        std::fs::write(&self.path, format!("{}== expect\n{actual}", self.head)).unwrap();
    }

    /// The headers of a request step as Envoy shows them to filters.
    pub fn request_headers(step: &Step) -> HeaderMap {
        let mut headers = HeaderMap::from([
            (":authority", "localhost"),
            (":path", "/"),
            (":method", if step.has("end") { "GET" } else { "POST" }),
            (":scheme", "http"),
        ]);
        headers.add("x-exchange", step.exchange.to_string());
        for (name, value) in step.pairs() {
            if name.starts_with(':') {
                headers.set(name, value)
            } else {
                headers.add(name, value)
            }
        }
        headers.add("x-forwarded-proto", "http");
        headers
    }

    /// The headers of a response step as Envoy shows them to filters.
    pub fn response_headers(step: &Step) -> HeaderMap {
        let mut headers = HeaderMap::from([(":status", step.words[0].as_str())]);
        for (name, value) in step.pairs() {
            headers.add(name, value);
        }
        if step.has("end") {
            headers.add("content-length", "0");
        } else {
            headers.add("transfer-encoding", "chunked");
        }
        headers
    }
}

/// What came of a fact, in the form that both engines can give.
#[derive(Default)]
pub struct Report {
    pub log: Vec<String>,
    pub upstream: BTreeMap<usize, Side>,
    pub client: BTreeMap<usize, Side>,
}

/// What one side of an exchange received.
#[derive(Default, Clone)]
pub struct Side {
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub trailers: Vec<(String, String)>,
    pub state: &'static str,
}

/// Headers that Envoy adds or that belong to the way a message travels.
const IGNORED: [&str; 10] = [
    "date",
    "server",
    "x-forwarded-proto",
    "x-request-id",
    "transfer-encoding",
    "x-exchange",
    "x-envoy-upstream-service-time",
    "x-envoy-expected-rq-timeout-ms",
    ":scheme",
    "connection",
];

impl Report {
    pub fn render(&self) -> String {
        let mut text = String::from("log\n");
        for line in &self.log {
            let _ = writeln!(text, "  {line}");
        }
        for (sides, name) in [(&self.upstream, "upstream"), (&self.client, "client")] {
            for (exchange, side) in sides {
                let _ = writeln!(text, "{name} {exchange} {}", side.state);
                let mut headers = side.headers.clone();
                headers.retain(|(name, value)| {
                    !IGNORED.contains(&name.as_str())
                        && (name.as_str(), value.as_str()) != ("content-length", "0")
                });
                headers.sort();
                for (name, value) in &headers {
                    let _ = writeln!(text, "  {name}: {value}");
                }
                if !side.body.is_empty() {
                    let _ = writeln!(text, "  body {}", side.body);
                }
                for (name, value) in &side.trailers {
                    let _ = writeln!(text, "  trailer {name}: {value}");
                }
            }
        }
        text
    }
}

fn side(message: &Message) -> Side {
    let list = |map: &HeaderMap| {
        map.iter()
            .map(|(k, v)| {
                (
                    String::from_utf8_lossy(k).into(),
                    String::from_utf8_lossy(v).into(),
                )
            })
            .collect()
    };
    Side {
        headers: message.headers().map(list).unwrap_or_default(),
        body: shorten(&message.text()),
        trailers: message.trailers().map(list).unwrap_or_default(),
        state: match () {
            () if message.complete() => "complete",
            () if message.reset() => "reset",
            () if message.started() => "open",
            () => "nothing",
        },
    }
}

/// Long bodies by their length only.
pub fn shorten(body: &str) -> String {
    if body.len() > 200 {
        format!("({} bytes)", body.len())
    } else {
        body.to_owned()
    }
}

/// What the cluster `service` answers: the body names path and body of the call; `/slow` after 300 ms, `/never` not at
/// all.
pub fn service_answer(path: &str, body: &str) -> (u64, String) {
    let delay_ms = match path {
        "/slow" => 300,
        "/never" => 3_600_000,
        _ => 0,
    };
    (delay_ms, format!("{path} {body}"))
}

/// Runs a fact in this host.
pub fn run_in_host(fact: &Fact, probe: &portcullis_host_test::Module) -> Report {
    let world = World::new();
    world.cluster("service", |request| {
        let path = request.headers.text(":path").unwrap();
        let (delay_ms, body) = service_answer(&path, &String::from_utf8_lossy(&request.body));
        Callout::respond(200)
            .header("x-service", "yes")
            .header("connection", "close")
            .header("content-length", body.len().to_string())
            .header("x-envoy-upstream-service-time", "1")
            .body(body)
            .after(Duration::from_millis(delay_ms))
    });
    world.cluster("dead", |_| Callout::ConnectFailure {
        after: Duration::ZERO,
    });
    world.set_env("FROM_HOST", "handed through");
    let plugins = fact.plugins.iter().map(|probe_of| {
        Plugin::new(probe)
            .name(&probe_of.name)
            .root_id(&probe_of.name)
            .vm_id("facts")
            .configuration(&probe_of.script)
            .env("GIVEN", "value")
            .host_env("FROM_HOST")
            .host_env("NOT_THERE")
            .allow_on_headers_stop_iteration(probe_of.allow_stop)
            .failure_policy(probe_of.policy)
            .reload_backoff(Duration::from_millis(500))
    });
    let mut report = Report::default();
    let default = portcullis_host_test::BUFFER_LIMIT_BYTES;
    let limit = fact
        .option("limit")
        .map_or(default, |limit| limit.parse().unwrap());
    // The proxy stays while the log is read: its end is no part of a fact.
    let proxy = Proxy::new(&world, 1, plugins).map(|proxy| proxy.buffer_limits(limit, limit));
    match &proxy {
        Err(_) => report.log.push("refused".to_owned()),
        Ok(proxy) => play_all(fact, proxy, &mut report),
    }
    // Envoy tells of a trap in other words.
    for line in world
        .logs()
        .iter()
        .filter(|line| !line.message.starts_with("Function: "))
    {
        report.log.extend(log_lines(&line.plugin, &line.message));
    }
    report.log.extend(
        world
            .misuses()
            .iter()
            .map(|misuse| format!("misuse: {misuse}")),
    );
    println!("{}\n{}", fact.name, world.transcript().render());
    report
}

fn play_all(fact: &Fact, proxy: &Proxy, report: &mut Report) {
    let mut exchanges: BTreeMap<usize, Exchange> = BTreeMap::new();
    for step in &fact.steps {
        if step.verb == "wait" {
            proxy
                .world()
                .advance(Duration::from_millis(step.words[0].parse().unwrap()));
            continue;
        }
        let exchange = exchanges.entry(step.exchange).or_insert_with(|| {
            let exchange = proxy.exchange(0);
            exchange.info(|info| info.route_name = "all".to_owned());
            exchange
        });
        play(exchange, step);
        proxy.world().settle();
    }
    for (number, exchange) in &exchanges {
        let upstream = side(&exchange.upstream());
        if upstream.state != "nothing" {
            report.upstream.insert(*number, upstream);
        }
        let mut client = side(&exchange.client());
        if fact.client_goes(*number) {
            client.state = "gone";
        }
        report.client.insert(*number, client);
    }
}

/// The lines of a log message, each with its plugin's name unless that is `probe`.
pub fn log_lines(plugin: &str, message: &str) -> Vec<String> {
    let name = plugin.split_whitespace().next().unwrap_or_default();
    let lead = if name == "probe" || name.is_empty() {
        String::new()
    } else {
        format!("{name} ")
    };
    message
        .lines()
        .map(|line| format!("{lead}{line}"))
        .collect()
}

fn play(exchange: &Exchange, step: &Step) {
    match step.verb.as_str() {
        "request" => drop(exchange.request_headers(Fact::request_headers(step), step.has("end"))),
        "data" => drop(exchange.request_data(step.text(), false)),
        "bulk" => drop(exchange.request_data("x".repeat(step.words[0].parse().unwrap()), false)),
        "end" => drop(exchange.request_data("", true)),
        "trailers" => drop(exchange.request_trailers(step.pairs())),
        "response" => {
            drop(exchange.response_headers(Fact::response_headers(step), step.has("end")))
        }
        "rdata" => drop(exchange.response_data(step.text(), false)),
        "rbulk" => drop(exchange.response_data("x".repeat(step.words[0].parse().unwrap()), false)),
        "rend" => drop(exchange.response_data("", true)),
        "rtrailers" => drop(exchange.response_trailers(step.pairs())),
        "client_reset" => drop(exchange.reset_by_client()),
        "upstream_reset" => drop(exchange.reset_by_upstream()),
        "malformed" => drop(exchange.malformed_request("http1.invalid_url")),
        other => panic!("no step {other}"),
    }
}
