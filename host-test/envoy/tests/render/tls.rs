//! TLS on both sides: what a client may speak, and whom the gateway believes.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use portcullis_envoy_test::{Running, Scenario};
use portcullis_provider::Provider;
use serde_json::json;

use crate::common::{KEY, PROMPT, binary, eventually, messages};
use crate::{Gateway, scenario, stub};

/// A folder with an authority and a certificate of its for this name.
fn certificates(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |line: &str| {
        let mut command = Command::new("openssl");
        let output = command
            .args(line.split_whitespace())
            .current_dir(folder.path())
            .output()
            .expect("openssl");
        assert!(output.status.success(), "{line}: {output:?}");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority"
    ));
    openssl(&format!(
        "req -x509 {key} -CA ca.pem -CAkey ca.key -keyout server.key -out server.pem -subj /CN=server -addext subjectAltName=DNS:{name}"
    ));
    folder
}

/// The options of a listener with TLS.
fn listener(folder: &Path) -> Vec<String> {
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    [
        "--tls-cert".into(),
        file("server.pem"),
        "--tls-key".into(),
        file("server.key"),
    ]
    .to_vec()
}

/// A provider with TLS: an Envoy before the stub.
pub struct Upstream {
    folder: tempfile::TempDir,
    envoy: Running,
    #[allow(dead_code, reason = "answers until this is dropped")]
    stub: Provider,
}

impl Upstream {
    pub fn start(name: &str) -> Self {
        let (folder, stub) = (certificates(name), stub());
        let mut options = listener(folder.path());
        options.extend([
            "--provider".into(),
            format!("anthropic=http://{}", stub.addr()),
        ]);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let mut scenario: Scenario = scenario(&options);
        scenario.no_modules().unwrap();
        let envoy = scenario.start(binary()).unwrap();
        Self {
            folder,
            envoy,
            stub,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.envoy.address()
    }

    /// A gateway that believes this upstream's authority.
    pub fn gateway(&self, url: &str, options: &[&str]) -> Running {
        let authority = self.folder.path().join("ca.pem");
        let provider = format!("anthropic={url}");
        let mut all = vec![
            "--provider",
            &provider,
            "--trusted-ca",
            authority.to_str().unwrap(),
        ];
        all.extend(options);
        scenario(&all).start(binary()).unwrap()
    }
}

#[test]
fn a_provider_proves_who_it_is() {
    let right = Upstream::start("localhost");
    let url = format!("https://localhost:{}", right.address().port());
    let gateway = right.gateway(&url, &[]);
    let response = messages(PROMPT).send(gateway.address()).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());

    // The same authority for another name, another authority for the same name: nothing is sent.
    let wrong = Upstream::start("elsewhere.company.com");
    let url = format!("https://localhost:{}", wrong.address().port());
    for gateway in [wrong.gateway(&url, &[]), right.gateway(&url, &[])] {
        let response = messages(PROMPT).send(gateway.address()).unwrap();
        assert_eq!(response.status, 503, "{}", response.text());
        let failed = gateway.stats("cluster.anthropic.ssl.fail_verify").unwrap();
        assert!(failed.values().sum::<u64>() > 0, "{failed:?}");
    }
}

#[test]
fn clients_speak_tls_that_holds() {
    let folder = certificates("localhost");
    let options = listener(folder.path());
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let gateway = Gateway::start(&options);
    let curl = |options: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--cacert", "ca.pem", "--max-time", "20", "--output", "/dev/null"])
            .args(["--write-out", "%{http_code} %{http_version}"])
            .args(["--connect-to", &format!("localhost:443:{}", gateway.envoy.address())])
            .args(["--header", &format!("x-api-key: {KEY}"), "--header", "anthropic-version: 2023-06-01"])
            .args(["--header", "content-type: application/json", "--data"])
            .arg(r#"{"model":"claude-3-5-sonnet","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#)
            .args(options)
            .arg("https://localhost/v1/messages");
        let output = curl.current_dir(folder.path()).output().expect("curl");
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    assert_eq!(curl(&[]), (true, "200 2".into()));
    assert_eq!(
        curl(&["--tls-max", "1.2", "--http1.1"]),
        (true, "200 1.1".into())
    );
    let refused = |options: &[&str]| assert!(!curl(options).0, "{options:?}");
    refused(&[
        "--tlsv1.0",
        "--tls-max",
        "1.1",
        "--ciphers",
        "DEFAULT@SECLEVEL=0",
    ]);
    refused(&["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-SHA"]);
    refused(&["--tls-max", "1.2", "--ciphers", "AES128-GCM-SHA256"]);
    // And nothing else: whoever begins in clear is hung up on.
    assert!(messages(PROMPT).send(gateway.envoy.address()).is_err());
}

/// A certificate that is renewed is served at once.
#[test]
fn a_certificate_is_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("gateway_tls.yaml");
    let (old, new) = (certificates("localhost"), certificates("localhost"));
    let write = |certificates: &Path| {
        let file = |name: &str| json!({ "filename": certificates.join(name) });
        let secret_now = json!({ "resources": [{
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", "name": "gateway_tls",
            "tls_certificate": { "certificate_chain": file("server.pem"), "private_key": file("server.key") } }] });
        let partial = folder.path().join("partial");
        fs::write(&partial, secret_now.to_string()).unwrap();
        fs::rename(partial, &secret).unwrap();
    };
    write(old.path());
    let gateway = Gateway::start(&["--tls-secret", secret.to_str().unwrap()]);
    let trusts = |certificates: &Path| {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--cacert",
            "ca.pem",
            "--max-time",
            "20",
            "--output",
            "/dev/null",
        ])
        .args([
            "--connect-to",
            &format!("localhost:443:{}", gateway.envoy.address()),
        ])
        .arg("https://localhost/healthz");
        curl.current_dir(certificates)
            .status()
            .expect("curl")
            .success()
    };
    assert!(trusts(old.path()) && !trusts(new.path()));
    write(new.path());
    eventually("the new certificate", Duration::from_secs(5), || {
        trusts(new.path())
    });
    assert!(!trusts(old.path()));
}
