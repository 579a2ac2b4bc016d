//! `cargo xtask up`, as somebody tries it for the first time: the three commands that it prints do what it says, and it leaves
//! nothing behind when it is told to end.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests"
)]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use portcullis_envoy_test::http1::Request;
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn what_it_prints_works() {
    let mut up = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["up", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(up.stdout.take().unwrap()).lines() {
        lines.push(line.unwrap());
        if lines.last().unwrap().contains("Ctrl-C") {
            break;
        }
    }
    let text = lines.join("\n");
    let commands: Vec<&str> = text
        .split("\n\n")
        .filter(|part| part.trim_start().starts_with("curl "))
        .collect();
    assert_eq!(commands.len(), 3, "{text}");
    let address = address(commands.first().unwrap());

    let [allowed, blocked, streamed] =
        [0, 1, 2].map(|nth| request(commands.get(nth).unwrap()).send(address).unwrap());
    assert_eq!(allowed.status, 200, "{}", allowed.text());
    assert!(allowed.text().contains("Say hello."), "{}", allowed.text());
    assert_eq!(
        blocked.header("x-portcullis-reason").as_deref(),
        Some("dlp_blocked")
    );
    assert_eq!(streamed.status, 200);
    assert!(
        streamed.text().contains("message_stop") && !streamed.text().contains("abcdefgh"),
        "{}",
        streamed.text()
    );
    let audit_log = lines
        .iter()
        .find_map(|line| line.strip_prefix("Audit log: "))
        .unwrap();
    assert!(
        std::fs::read_to_string(audit_log.trim()).is_ok(),
        "{audit_log}"
    );

    kill_process(Pid::from_child(&up), Signal::TERM).unwrap();
    assert!(up.wait().unwrap().success());
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "Envoy still listens");
        thread::sleep(Duration::from_millis(20));
    }
}

fn address(command: &str) -> SocketAddr {
    let (_, rest) = command.split_once("http://").unwrap();
    rest.split_once('/').unwrap().0.parse().unwrap()
}

/// The request that a `curl` command makes.
fn request(command: &str) -> Request {
    let path = command
        .split_once("http://")
        .unwrap()
        .1
        .split_once('/')
        .unwrap()
        .1
        .split_once(' ')
        .unwrap()
        .0;
    let quoted = |flag: &str| -> Vec<String> {
        let parts = command.split(flag).skip(1);
        parts
            .map(|part| part.split_once('\'').unwrap().0.to_owned())
            .collect()
    };
    let request =
        quoted("-H '")
            .iter()
            .fold(Request::post(&format!("/{path}")), |request, header| {
                let (name, value) = header.split_once(": ").unwrap();
                request.header(name, value)
            });
    request.body(quoted("-d '").remove(0))
}
