//! Client certificates that Envoy verified.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{KEY, RESEARCH_KEY, Variant, World};

/// A folder with an authority, a server's and two clients' certificates, and one that the authority has not signed.
fn certificates() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |line: &str| {
        let output = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(folder.path())
            .output()
            .expect("openssl");
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority"
    ));
    for (name, san) in [
        ("server", "DNS:localhost"),
        ("ci", "URI:spiffe://company.com/eng/ci"),
        ("alice", "URI:spiffe://company.com/people/john"),
    ] {
        openssl(&format!(
            "req -x509 {key} -CA ca.pem -CAkey ca.key -keyout {name}.key -out {name}.pem -subj /CN={name} -addext subjectAltName={san}"
        ));
    }
    openssl(&format!(
        "req -x509 {key} -keyout forged.key -out forged.pem -subj /CN=ci -addext subjectAltName=URI:spiffe://company.com/eng/ci"
    ));
    folder
}

fn world(folder: &Path, scenario: &'static str, require: &str) -> World {
    let file = |name: &str| json!({ "filename": folder.join(name) });
    World::with(Variant::held(scenario), |scenario| {
        scenario
            .edit_policy(|policy| {
                policy["auth"]["require"] = json!(require);
                policy["auth"]["identities"] = json!([
                    { "id": "workloads", "certificate": { "uri": "spiffe://company.com/eng/*" }, "team": "eng-team" },
                    { "id": "people", "certificate": { "uri": "spiffe://company.com/people/john", "subject": "CN=alice" },
                      "user": "john.doe@company.com" },
                ]);
            })
            .unwrap()
            .edit(|bootstrap| {
                let chain = "/static_resources/listeners/0/filter_chains/0";
                bootstrap.pointer_mut(chain).unwrap()["transport_socket"] = json!({
                    "name": "envoy.transport_sockets.tls",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                        "common_tls_context": {
                            "tls_certificates": [{ "certificate_chain": file("server.pem"), "private_key": file("server.key") }],
                            "validation_context": { "trusted_ca": file("ca.pem") },
                        },
                    },
                });
            });
    })
}

/// What a request with a certificate and a key comes to: the status, the refusal's code, and curl's exit code.
fn ask(
    world: &World,
    folder: &Path,
    certificate: Option<&str>,
    key: Option<&str>,
    model: &str,
) -> (u16, String, bool) {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--cacert",
        "ca.pem",
        "--max-time",
        "20",
        "--output",
        "/dev/null",
    ])
    .args(["--write-out", "%{http_code} %header{x-portcullis-reason}"])
    .args([
        "--connect-to",
        &format!("localhost:443:{}", world.envoy.address()),
    ])
    .args(["--header", "content-type: application/json"])
    .args([
        "--data",
        &json!({ "model": model, "max_tokens": 5, "messages": [{ "role": "user", "content": "hi" }] }).to_string(),
    ])
    .arg("https://localhost/v1/messages")
    .current_dir(folder);
    if let Some(name) = certificate {
        curl.args([
            "--cert",
            &format!("{name}.pem"),
            "--key",
            &format!("{name}.key"),
        ]);
    }
    if let Some(key) = key {
        curl.args(["--header", &format!("x-api-key: {key}")]);
    }
    let output = curl.output().expect("curl");
    let text = String::from_utf8(output.stdout).unwrap();
    let (status, reason) = text.split_once(' ').unwrap();
    (
        status.parse().unwrap(),
        reason.to_owned(),
        output.status.success(),
    )
}

fn last_record(world: &World) -> Value {
    world.envoy.audit_records(1).unwrap().pop().unwrap()
}

#[test]
fn a_certificate_instead_of_a_key() {
    for scenario in ["local", "chain"] {
        let folder = certificates();
        let mut world = world(folder.path(), scenario, "key_or_identity");
        let ask = |certificate, key, model| ask(&world, folder.path(), certificate, key, model);
        let refused = |code: u16, reason: &str| (code, reason.to_owned(), true);
        assert_eq!(ask(Some("ci"), None, "claude-3-5-sonnet"), refused(200, ""));
        let record = last_record(&world);
        assert_eq!(record["user"], "spiffe://company.com/eng/ci", "{record}");
        assert_eq!(
            (&record["team"], &record["auth"]),
            (&json!("eng-team"), &json!("success"))
        );
        assert_eq!(
            ask(Some("ci"), None, "gpt-3.5"),
            refused(403, "model_not_allowed")
        );
        assert_eq!(
            ask(Some("alice"), None, "claude-3-5-sonnet"),
            refused(200, "")
        );
        assert_eq!(
            ask(None, None, "claude-3-5-sonnet"),
            refused(401, "missing_api_key")
        );
        assert_eq!(ask(None, Some(KEY), "claude-3-5-sonnet"), refused(200, ""));
        assert_eq!(
            ask(Some("ci"), Some("sk-wrong"), "claude-3-5-sonnet"),
            refused(401, "invalid_api_key")
        );
        // Not signed by the authority: Envoy does not even speak with it.
        assert!(!ask(Some("forged"), None, "claude-3-5-sonnet").2);
        world.envoy.stop().unwrap();
    }
}

#[test]
fn a_certificate_beside_a_key() {
    let folder = certificates();
    let mut world = world(folder.path(), "local", "key_and_identity");
    let ask = |certificate, key, model| ask(&world, folder.path(), certificate, key, model);
    let refused = |code: u16, reason: &str| (code, reason.to_owned(), true);
    assert_eq!(
        ask(Some("alice"), Some(KEY), "claude-3-5-sonnet"),
        refused(200, "")
    );
    assert_eq!(last_record(&world)["key_id"], "demo");
    assert_eq!(
        ask(Some("ci"), Some(KEY), "claude-3-5-sonnet"),
        refused(200, "")
    );
    assert_eq!(
        ask(Some("alice"), Some(RESEARCH_KEY), "claude-3-opus"),
        refused(401, "invalid_api_key")
    );
    assert_eq!(
        ask(Some("ci"), Some(RESEARCH_KEY), "claude-3-opus"),
        refused(401, "invalid_api_key")
    );
    assert_eq!(
        ask(None, Some(KEY), "claude-3-5-sonnet"),
        refused(401, "invalid_api_key")
    );
    assert_eq!(
        ask(Some("alice"), None, "claude-3-5-sonnet"),
        refused(401, "missing_api_key")
    );
    world.envoy.stop().unwrap();
}
