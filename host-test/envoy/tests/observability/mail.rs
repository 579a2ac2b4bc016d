//! A mail server that keeps what it gets (RFC 5321, as far as Alertmanager speaks it).

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A mail as it came.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// The addresses of `RCPT TO`.
    pub to: Vec<String>,
    /// Headers and body.
    pub text: String,
}

/// A mail server, as long as the test's process lives.
pub struct MailServer {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl MailServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || session(stream, &kept));
            }
        });
        Self { address, mails }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

/// One conversation. Whoever breaks it off has nothing kept.
fn session(stream: TcpStream, kept: &Mutex<Vec<Mail>>) -> Option<()> {
    let mut answers = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream).lines();
    let mut mail = Mail::default();
    answers.write_all(b"220 test\r\n").ok()?;
    while let Some(Ok(line)) = lines.next() {
        let verb = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        let answer = match verb.as_str() {
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                mail.to.push(address.to_owned());
                "250 ok"
            }
            "DATA" => {
                answers.write_all(b"354 go on\r\n").ok()?;
                while let Some(Ok(line)) = lines.next() {
                    if line == "." {
                        break;
                    }
                    mail.text.push_str(&line);
                    mail.text.push('\n');
                }
                kept.lock().unwrap().push(std::mem::take(&mut mail));
                "250 kept"
            }
            "QUIT" => {
                answers.write_all(b"221 bye\r\n").ok()?;
                return Some(());
            }
            _ => "250 ok",
        };
        answers.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
    }
    Some(())
}
