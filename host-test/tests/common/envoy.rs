//! Runs a fact in the real Envoy: a configuration, a client and an upstream that speak HTTP/1.1 piece by piece.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portcullis_host_test::{FailurePolicy, Module};

use crate::fact::{Fact, Report, Side, Step, log_lines, service_answer, shorten};

/// How long each step may take effect. Envoy needs a millisecond or so.
const STEP: Duration = Duration::from_millis(50);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bytes that a socket received, and whether it was closed.
#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    closed: bool,
}

type Shared = Arc<Mutex<Received>>;

/// A socket with what it received so far.
struct Peer {
    stream: TcpStream,
    received: Shared,
}

impl Peer {
    fn new(stream: TcpStream) -> Self {
        let received = Shared::default();
        let (mut reader, shared) = (stream.try_clone().unwrap(), Arc::clone(&received));
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            loop {
                let count = reader.read(&mut buffer).unwrap_or(0);
                let mut received = shared.lock().unwrap();
                if count == 0 {
                    received.closed = true;
                    return;
                }
                received.bytes.extend_from_slice(&buffer[..count]);
            }
        });
        Self { stream, received }
    }

    fn send(&self, bytes: &str) {
        let _ = (&self.stream).write_all(bytes.as_bytes());
    }

    fn side(&self) -> Side {
        let received = self.received.lock().unwrap();
        parse(&received.bytes, received.closed)
    }
}

/// What a message in HTTP/1.1 says so far.
fn parse(bytes: &[u8], closed: bool) -> Side {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, mut rest)) = text.split_once("\r\n\r\n") else {
        return Side {
            state: if closed { "reset" } else { "nothing" },
            ..Side::default()
        };
    };
    let mut lines = head.lines();
    let first: Vec<_> = lines.next().unwrap().splitn(3, ' ').collect();
    let mut side = Side {
        state: if closed { "reset" } else { "open" },
        ..Side::default()
    };
    if first[0].starts_with("HTTP/") {
        side.headers
            .push((":status".to_owned(), first[1].to_owned()));
    } else {
        side.headers
            .push((":method".to_owned(), first[0].to_owned()));
        side.headers.push((":path".to_owned(), first[1].to_owned()));
    }
    for line in lines {
        let (name, value) = line
            .split_once(": ")
            .unwrap_or((line.trim_end_matches(':'), ""));
        let name = if name == "host" { ":authority" } else { name };
        side.headers.push((name.to_owned(), value.to_owned()));
    }
    let header = |name: &str| {
        side.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
    };
    if header("transfer-encoding").is_some() {
        let mut body = String::new();
        while let Some((size, after)) = rest.split_once("\r\n") {
            let Ok(size) = usize::from_str_radix(size, 16) else {
                side.state = "garbled";
                break;
            };
            if size == 0 {
                let (trailers, whole) = after
                    .split_once("\r\n\r\n")
                    .map_or((after, false), |(t, _)| (t, true));
                if whole || after == "\r\n" {
                    side.state = "complete";
                }
                let split = |line: &str| {
                    line.split_once(": ")
                        .map(|(k, v)| (k.to_owned(), v.to_owned()))
                };
                side.trailers = trailers.lines().filter_map(split).collect();
                break;
            }
            let Some((chunk, after)) = after.split_at_checked(size) else {
                body.push_str(after);
                break;
            };
            body.push_str(chunk);
            rest = after.strip_prefix("\r\n").unwrap_or_default();
        }
        side.body = shorten(&body);
    } else {
        let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
        side.body = shorten(rest);
        if rest.len() >= length {
            side.state = "complete";
        }
    }
    side
}

/// Upstream connections by the exchange whose request arrived on them.
type Upstreams = Arc<Mutex<Vec<Arc<Peer>>>>;

fn listen(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let handle = Arc::clone(&handle);
            std::thread::spawn(move || handle(stream.unwrap()));
        }
    });
    port
}

/// The service that probes call.
fn serve(stream: TcpStream) {
    let peer = Peer::new(stream);
    loop {
        std::thread::sleep(Duration::from_millis(5));
        let side = peer.side();
        if side.state != "complete" {
            if peer.received.lock().unwrap().closed {
                return;
            }
            continue;
        }
        let path = side
            .headers
            .iter()
            .find(|(name, _)| name == ":path")
            .unwrap()
            .1
            .clone();
        let (delay_ms, body) = service_answer(&path, &side.body);
        std::thread::sleep(Duration::from_millis(delay_ms));
        peer.send(&format!(
            "HTTP/1.1 200 OK\r\nx-service: yes\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
        let _ = peer.stream.shutdown(Shutdown::Write);
        return;
    }
}

/// Ports that were given away: an Envoy that has not bound its own yet must keep it.
static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());

fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut given = GIVEN.lock().unwrap();
        if !given.contains(&port) {
            given.push(port);
            return port;
        }
    }
}

fn configuration(fact: &Fact, module: &str, port: u16, upstream: u16, service: u16) -> String {
    let mut filters = String::new();
    for probe in &fact.plugins {
        let policy = match probe.policy {
            FailurePolicy::Closed => "FAIL_CLOSED",
            FailurePolicy::Reload => "FAIL_RELOAD",
            FailurePolicy::Open => "FAIL_OPEN",
        };
        let script = probe
            .script
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let _ = write!(
            filters,
            r#"
          - name: {name}
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: {name}
                root_id: {name}
                failure_policy: {policy}
                {reload}
                allow_on_headers_stop_iteration: {allow}
                configuration: {{ "@type": type.googleapis.com/google.protobuf.StringValue, value: "{script}" }}
                vm_config:
                  vm_id: facts
                  runtime: envoy.wasm.runtime.v8
                  environment_variables: {{ host_env_keys: [FROM_HOST, NOT_THERE], key_values: {{ GIVEN: value }} }}
                  code: {{ local: {{ filename: {module} }} }}"#,
            name = probe.name,
            allow = probe.allow_stop,
            reload = if probe.policy == FailurePolicy::Reload {
                "reload_config: { backoff: { base_interval: 0.5s } }"
            } else {
                ""
            },
        );
    }
    let limit = fact.option("limit").unwrap_or_else(|| "1048576".to_owned());
    let cluster = |name: &str, port: u16| {
        format!(
            r#"
  - name: {name}
    type: STATIC
    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        common_http_protocol_options: {{ max_requests_per_connection: 1 }}
        explicit_http_config: {{ http_protocol_options: {{ enable_trailers: true }} }}
    load_assignment:
      cluster_name: {name}
      endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }} }} }}] }}]"#
        )
    };
    format!(
        r#"
static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    per_connection_buffer_limit_bytes: {limit}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: http
          generate_request_id: false
          delayed_close_timeout: 0s
          http_protocol_options: {{ enable_trailers: true }}
          route_config:
            virtual_hosts: [{{ name: all, domains: ["*"], routes: [{{ name: all, match: {{ prefix: / }}, route: {{ cluster: upstream, timeout: 0s }} }}] }}]
          http_filters:{filters}
          - name: router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
              suppress_envoy_headers: true
  clusters:{}{}{}
"#,
        cluster("upstream", upstream),
        cluster("service", service),
        cluster("dead", 1),
    )
}

/// Runs a fact in Envoy, with so many times the usual time between steps.
pub fn run(binary: &str, fact: &Fact, module: &Module, pace: u32) -> Report {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("envoy")
        .join(&fact.name);
    std::fs::create_dir_all(&folder).unwrap();
    let wasm = folder.join("probe.wasm");
    std::fs::write(&wasm, module.bytes()).unwrap();
    let upstreams = Upstreams::default();
    let accepted = Arc::clone(&upstreams);
    let upstream = listen(move |stream| accepted.lock().unwrap().push(Arc::new(Peer::new(stream))));
    let service = listen(serve);
    let port = free_port();
    let config = folder.join("envoy.yaml");
    std::fs::write(
        &config,
        configuration(fact, &wasm.display().to_string(), port, upstream, service),
    )
    .unwrap();
    let log_path = folder.join("log");
    let child = Command::new(binary)
        .args([
            "-c",
            &config.display().to_string(),
            "--concurrency",
            "1",
            "--use-dynamic-base-id",
        ])
        .args([
            "-l",
            "warning",
            "--component-log-level",
            "wasm:info",
            "--log-format",
            "%v",
        ])
        .env("FROM_HOST", "handed through")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log_path).unwrap())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let began = Instant::now();
    let mut report = Report::default();
    let up = loop {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break true;
        }
        if running.0.try_wait().unwrap().is_some() {
            report.log.push("refused".to_owned());
            break false;
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{}: Envoy does not come up",
            fact.name
        );
        std::thread::sleep(Duration::from_millis(20));
    };
    if up {
        // The listener answers a little before the workers have their VMs.
        std::thread::sleep(STEP * 2 * pace);
        play_all(fact, port, &upstreams, pace, &mut report);
    }
    if up && running.0.try_wait().unwrap().is_some() {
        report.log.push("Envoy has died".to_owned());
    }
    drop(running);
    report.log.extend(read_log(
        &std::fs::read_to_string(&log_path).unwrap_or_default(),
    ));
    report
}

/// The guests' lines of Envoy's log: `wasm log NAME ROOT VM: text`. Lines without that lead belong to the message before.
fn read_log(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let Some(rest) = line.split_once("wasm log ").map(|(_, rest)| rest) else {
            continue;
        };
        if let Some((plugin, message)) = rest.split_once(": ") {
            lines.extend(log_lines(plugin, message));
        }
    }
    lines.retain(|line| !line.contains("Function: "));
    lines
}

fn play_all(fact: &Fact, port: u16, upstreams: &Upstreams, pace: u32, report: &mut Report) {
    let mut clients: BTreeMap<usize, Peer> = BTreeMap::new();
    let find = |exchange: usize| {
        let of = |peer: &Arc<Peer>| {
            let number = exchange.to_string();
            peer.side()
                .headers
                .iter()
                .any(|(name, value)| name == "x-exchange" && *value == number)
        };
        upstreams
            .lock()
            .unwrap()
            .iter()
            .find(|peer| of(peer))
            .cloned()
    };
    for step in &fact.steps {
        if step.verb == "wait" {
            std::thread::sleep(Duration::from_millis(step.words[0].parse().unwrap()));
            continue;
        }
        // An Envoy that has died takes no connection; the report says so.
        let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else {
            continue;
        };
        let client = clients
            .entry(step.exchange)
            .or_insert_with(|| Peer::new(stream));
        // What the upstream does waits for the request to have come.
        let began = Instant::now();
        let mut upstream = find(step.exchange);
        while upstream.is_none() && Fact::is_of_upstream(step) && began.elapsed() < STEP * 10 {
            std::thread::sleep(STEP / 10);
            upstream = find(step.exchange);
        }
        play(client, upstream.as_deref(), step);
        std::thread::sleep(STEP * pace);
    }
    for (exchange, client) in &clients {
        if let Some(upstream) = find(*exchange) {
            report.upstream.insert(*exchange, upstream.side());
        }
        let mut side = client.side();
        if fact.client_goes(*exchange) {
            side.state = "gone";
        }
        report.client.insert(*exchange, side);
    }
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn lines(pairs: &[(String, String)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect()
}

fn play(client: &Peer, upstream: Option<&Peer>, step: &Step) {
    let to_client = |text: &str| {
        if let Some(upstream) = upstream {
            upstream.send(text);
        }
    };
    match step.verb.as_str() {
        "request" => {
            let headers = Fact::request_headers(step);
            let get = |name| headers.text(name).unwrap();
            let mut head = format!(
                "{} {} HTTP/1.1\r\nhost: {}\r\n",
                get(":method"),
                get(":path"),
                get(":authority")
            );
            for (name, value) in headers
                .iter()
                .filter(|(name, _)| !name.starts_with(b":") && *name != b"x-forwarded-proto")
            {
                let _ = write!(
                    head,
                    "{}: {}\r\n",
                    String::from_utf8_lossy(name),
                    String::from_utf8_lossy(value)
                );
            }
            let framing = if step.has("end") {
                ""
            } else {
                "transfer-encoding: chunked\r\n"
            };
            client.send(&format!("{head}{framing}\r\n"));
        }
        "data" => client.send(&chunk(&step.text())),
        "bulk" => client.send(&chunk(&"x".repeat(step.words[0].parse().unwrap()))),
        "end" => client.send("0\r\n\r\n"),
        "trailers" => client.send(&format!("0\r\n{}\r\n", lines(&step.pairs()))),
        "response" => {
            let headers = Fact::response_headers(step);
            let mut head = format!("HTTP/1.1 {} Status\r\n", step.words[0]);
            for (name, value) in headers.iter().filter(|(name, _)| !name.starts_with(b":")) {
                let _ = write!(
                    head,
                    "{}: {}\r\n",
                    String::from_utf8_lossy(name),
                    String::from_utf8_lossy(value)
                );
            }
            to_client(&format!("{head}\r\n"));
        }
        "rdata" => to_client(&chunk(&step.text())),
        "rbulk" => to_client(&chunk(&"x".repeat(step.words[0].parse().unwrap()))),
        "rend" => to_client("0\r\n\r\n"),
        "rtrailers" => to_client(&format!("0\r\n{}\r\n", lines(&step.pairs()))),
        "client_reset" => drop(client.stream.shutdown(Shutdown::Both)),
        "malformed" => client.send("CONNECT nonsense HTTP/1.1\r\nhost: a\r\n\r\n"),
        "upstream_reset" => {
            if let Some(upstream) = upstream {
                let _ = upstream.stream.shutdown(Shutdown::Both);
            }
        }
        other => panic!("no step {other}"),
    }
}
