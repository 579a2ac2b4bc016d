//! Who may open a connection, and the way out through a proxy.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::common::{PROMPT, messages};
use crate::{Gateway, tls};

#[test]
fn strangers_are_hung_up_on() {
    let gateway = Gateway::start(&["--inbound", "10.0.0.0/8"]);
    assert!(messages(PROMPT).send(gateway.envoy.address()).is_err());
    let denied = gateway.envoy.stats("inbound.rbac.denied").unwrap();
    assert!(denied.values().sum::<u64>() >= 1, "{denied:?}");
    assert!(gateway.provider.received().is_empty());
    let gateway = Gateway::start(&["--inbound", "10.0.0.0/8,127.0.0.1"]);
    let response = messages(PROMPT).send(gateway.envoy.address()).unwrap();
    assert_eq!(response.status, 200);
}

/// The lines that a proxy was asked for; it takes everybody to one place.
fn egress_proxy(target: SocketAddr) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, lines) = mpsc::channel();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let asked = asked.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(client.try_clone().unwrap());
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                asked.send(line.trim().to_owned()).ok();
                while line.trim() != "" {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                }
                let (mut client, mut server) = (client, TcpStream::connect(target).unwrap());
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                let (mut back, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut back, &mut to));
                std::io::copy(&mut reader, &mut server).ok();
            });
        }
    });
    (address, lines)
}

/// What leaves goes to the proxy of the DMZ, which learns a name and nothing else.
#[test]
fn the_way_out_through_a_proxy() {
    let upstream = tls::Upstream::start("localhost");
    let (proxy, asked) = egress_proxy(upstream.address());
    // Nobody listens there: only the proxy knows the way.
    let gateway = upstream.gateway(
        "https://localhost:9",
        &["--egress-proxy", &proxy.to_string()],
    );
    let response = messages(PROMPT).send(gateway.address()).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    let line = asked.recv().unwrap();
    assert!(
        line.starts_with("CONNECT ") && line.contains(":9 "),
        "{line}"
    );
}
