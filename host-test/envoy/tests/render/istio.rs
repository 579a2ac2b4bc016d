//! What `portcullis render istio` writes, put together as Istio's control plane does it (`pilot/pkg/model/extensions.go` makes a wasm filter of a
//! `WasmPlugin`, an `EnvoyFilter` merges into what it matches), in the real Envoy in front of the stub.

use std::fs;
use std::path::Path;

use portcullis_envoy_test::{Running, Scenario};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::common::{
    CLAUDE, KEY, PROMPT, SSN, WRONG_KEY, assert_refused, binary, chat, checkout, messages,
};
use crate::{policy, stub};

/// What was rendered, by kind.
struct Rendered(Vec<Value>);

impl Rendered {
    fn new() -> Self {
        let policy = policy();
        let digest = "0".repeat(64);
        let text = portcullis_cli::rendered([
            "istio",
            policy.to_str().unwrap(),
            "--url",
            "oci://registry.company.com/gateway:1",
            "--sha256",
            &digest,
            "--host",
            "llm.company.com",
            "--inbound",
            "127.0.0.0/8",
        ])
        .unwrap();
        let documents = serde_yaml_ng::Deserializer::from_str(&text);
        Self(
            documents
                .map(|one| Value::deserialize(one).unwrap())
                .collect(),
        )
    }

    fn all(&self, kind: &str) -> Vec<&Value> {
        self.0.iter().filter(|one| one["kind"] == kind).collect()
    }

    fn one(&self, kind: &str) -> &Value {
        let [one] = self.all(kind)[..] else {
            panic!("not one {kind}")
        };
        one
    }

    /// The patches of the `EnvoyFilter` for a kind of object.
    fn patches(&self, apply_to: &str) -> Vec<&Value> {
        let patches = self.one("EnvoyFilter")["spec"]["configPatches"]
            .as_array()
            .unwrap();
        patches
            .iter()
            .filter(|patch| patch["applyTo"] == apply_to)
            .collect()
    }
}

/// As protobuf merges: fields one by one, lists one behind the other.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => into.extend(from.iter().cloned()),
        (into, from) => *into = from.clone(),
    }
}

/// The filter that Istio makes of the plugin.
fn wasm(plugin: &Value) -> Value {
    let spec = &plugin["spec"];
    let env = spec["vmConfig"]["env"].as_array().unwrap();
    let names: Vec<&Value> = env.iter().map(|env| &env["name"]).collect();
    assert!(env.iter().all(|env| env["valueFrom"] == "HOST"));
    assert_eq!(spec["failStrategy"], "FAIL_RELOAD");
    json!({ "name": "llm-gateway.portcullis", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": "llm-gateway.portcullis", "root_id": spec["pluginName"], "failure_policy": "FAIL_RELOAD",
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8", "environment_variables": { "host_env_keys": names },
                "code": { "local": { "filename": "gateway.wasm" } },
            },
            "configuration": { "@type": "type.googleapis.com/google.protobuf.StringValue", "value": spec["pluginConfig"].to_string() },
        },
    } })
}

/// The routes that Istio makes of the virtual service.
fn routes(service: &Value) -> Vec<Value> {
    let mut routes = Vec::new();
    for rule in service["spec"]["http"].as_array().unwrap() {
        for matched in rule["match"].as_array().unwrap() {
            let uri = &matched["uri"];
            let mut route = match uri.get("exact") {
                Some(path) => json!({ "match": { "path": path } }),
                None => json!({ "match": { "prefix": uri["prefix"] } }),
            };
            if let Some(headers) = matched["withoutHeaders"].as_object() {
                let lacks = |name: &String| json!({ "name": name, "present_match": true, "invert_match": true });
                route["match"]["headers"] = headers.keys().map(lacks).collect();
            }
            if let Some(reply) = rule.get("directResponse") {
                route["direct_response"] = json!({ "status": reply["status"], "body": { "inline_string": reply["body"]["string"] } });
            } else {
                assert_eq!(rule["retries"]["attempts"], 0);
                let host = &rule["route"][0]["destination"]["host"];
                assert_eq!(&rule["rewrite"]["authority"], host);
                route["route"] = json!({ "cluster": cluster_name(host), "timeout": rule["timeout"], "host_rewrite_literal": host });
                route["request_headers_to_remove"] = rule["headers"]["request"]["remove"].clone();
            }
            routes.push(route);
        }
    }
    routes
}

fn cluster_name(host: &Value) -> String {
    format!("outbound|443||{}", host.as_str().unwrap())
}

fn start(rendered: &Rendered, upstream: std::net::SocketAddr, secrets: &Path) -> Running {
    let mut manager = json!({ "stat_prefix": "outbound_0.0.0.0_443", "use_remote_address": true,
        "http_filters": [wasm(rendered.one("WasmPlugin")), { "name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }],
        "upgrade_configs": [{ "upgrade_type": "websocket" }],
        "route_config": { "virtual_hosts": [{ "name": "llm.company.com:443", "domains": ["*"],
            "routes": routes(rendered.one("VirtualService")) }] } });
    let [patch] = rendered.patches("NETWORK_FILTER")[..] else {
        panic!("not one")
    };
    merge(&mut manager, &patch["patch"]["value"]["typed_config"]);
    let mut listener = json!({ "name": "0.0.0.0_443", "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
        "filter_chains": [{ "filters": [{ "name": patch["patch"]["value"]["name"], "typed_config": manager }] }] });
    let [patch] = rendered.patches("LISTENER")[..] else {
        panic!("not one")
    };
    merge(&mut listener, &patch["patch"]["value"]);
    let mut clusters = Vec::new();
    for entry in rendered.all("ServiceEntry") {
        let host = &entry["spec"]["hosts"][0];
        let endpoint = json!({ "address": { "socket_address": { "address": upstream.ip().to_string(), "port_value": upstream.port() } } });
        let mut cluster = json!({ "name": cluster_name(host), "type": "STATIC", "connect_timeout": "5s", "load_assignment": {
            "cluster_name": "x", "endpoints": [{ "lb_endpoints": [{ "endpoint": endpoint }] }] } });
        let patches = rendered.patches("CLUSTER");
        let patch = patches
            .iter()
            .find(|patch| &patch["match"]["cluster"]["service"] == host);
        merge(&mut cluster, &patch.unwrap()["patch"]["value"]);
        clusters.push(cluster);
    }
    let mut bootstrap = json!({
        "node": { "id": "router", "cluster": "llm-gateway" },
        "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
        "static_resources": { "listeners": [listener], "clusters": clusters },
    });
    let custom = rendered.one("ConfigMap")["data"]["custom_bootstrap.json"]
        .as_str()
        .unwrap();
    merge(&mut bootstrap, &serde_json::from_str(custom).unwrap());
    let text = bootstrap
        .to_string()
        .replace("/etc/portcullis/providers", secrets.to_str().unwrap())
        .replace(
            "stream.v3.StdoutAccessLog\"",
            "file.v3.FileAccessLog\",\"path\":\"audit.log\"",
        );
    Scenario::parse(checkout(), &text)
        .unwrap()
        .start(binary())
        .unwrap()
}

#[test]
fn a_gateway_of_a_mesh() {
    let (rendered, provider, secrets) = (Rendered::new(), stub(), tempfile::tempdir().unwrap());
    for name in ["anthropic_api_key", "openai_api_key"] {
        let secret = json!({ "resources": [{
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": name, "generic_secret": { "secret": { "inline_string": format!("{name}-of-the-test") } } }] });
        fs::write(
            secrets.path().join(format!("{name}.yaml")),
            secret.to_string(),
        )
        .unwrap();
    }
    let mut envoy = start(&rendered, provider.addr(), secrets.path());
    let send =
        |request: &portcullis_envoy_test::http1::Request| request.send(envoy.address()).unwrap();

    assert_eq!(send(&chat(PROMPT)).status, 200);
    assert_eq!(send(&messages(PROMPT)).status, 200);
    let received = provider.received();
    let header = |index: usize, name: &str| {
        String::from_utf8(received[index].header(name).concat()).unwrap()
    };
    assert_eq!(
        header(0, "authorization"),
        "Bearer openai_api_key-of-the-test"
    );
    assert_eq!(header(0, "host"), "api.openai.com");
    assert_eq!(header(1, "x-api-key"), "anthropic_api_key-of-the-test");
    for (name, _) in received.iter().flat_map(|request| &request.headers) {
        let ours = ["x-portcullis", "x-envoy-external", "x-forwarded"];
        assert!(!ours.iter().any(|ours| name.starts_with(ours)), "{name}");
    }
    assert_refused(&send(&messages(SSN)), 400, "dlp_blocked");
    let body = json!({ "model": CLAUDE, "max_tokens": 5, "messages": [] });
    let stranger = portcullis_envoy_test::http1::Request::post("/v1/messages")
        .header("x-api-key", WRONG_KEY)
        .json(&body);
    assert_refused(&send(&stranger), 401, "invalid_api_key");
    let health = portcullis_envoy_test::http1::Request::get("/healthz");
    assert_eq!(send(&health).text(), "ok\n");
    let underscore = messages(PROMPT).header("has_underscore", "1");
    assert_eq!(send(&underscore).status, 400);

    let metrics = envoy.admin_text("/stats?format=prometheus").unwrap();
    let counted = r#"portcullis_requests_total{decision="refuse",reason="dlp_blocked"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    let records = envoy.audit_records(5).unwrap();
    envoy.stop().unwrap();
    let text = fs::read_to_string(envoy.audit_log()).unwrap();
    let refused = records
        .iter()
        .filter(|record| record["reason"] == "dlp_blocked");
    assert_eq!(refused.count(), 1, "{text}");
    for planted in [KEY, SSN, PROMPT, "key-of-the-test"] {
        assert!(!text.contains(planted), "{planted}");
    }
}
