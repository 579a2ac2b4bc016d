//! Runs a fact in the real Envoy: a configuration, a client and an upstream that speak HTTP/1.1 piece by piece.

mod configuration;
mod peer;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portcullis_host_test::Module;

use crate::fact::{Fact, Report, Step, log_lines, service_answer};
use configuration::configuration;
use peer::Peer;

/// How long each step may take effect. Envoy needs a millisecond or so.
const STEP: Duration = Duration::from_millis(50);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
            if peer.is_closed() {
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
