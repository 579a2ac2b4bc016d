//! The files of the scenario fit together.

use std::collections::BTreeSet;

use portcullis_envoy_test::Scenario;
use serde_json::{Value, json};

use crate::common::{binary, checkout};
use crate::service::{read_yaml, shipped_config};

/// Every value of a key, wherever it stands.
fn collect(value: &Value, key: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == key {
                    found.insert(value.as_str().unwrap().to_owned());
                }
                collect(value, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn values(value: &Value, key: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, key, &mut found);
    found
}

#[test]
fn envoy_accepts_the_scenario_without_a_warning() {
    let (accepted, log) = Scenario::load(checkout(), "global-limits")
        .unwrap()
        .validate(binary())
        .unwrap();
    assert!(accepted, "{log}");
    for complaint in ["deprecated", "[warning]"] {
        assert!(!log.contains(complaint), "{log}");
    }
}

#[test]
fn each_descriptor_has_a_limit_and_each_limit_a_descriptor() {
    let envoy = read_yaml("envoy.yaml");
    let config = shipped_config();
    assert_eq!(values(&envoy, "descriptor_key"), values(&config, "key"));
    assert_eq!(values(&envoy, "domain"), values(&config, "domain"));
}

/// The module's part is that of the local scenario, which explains it, but for the names of filter state that descriptors read.
#[test]
fn the_policy_is_that_of_the_local_scenario() {
    let policy = |name: &str| {
        let mut seen = Vec::new();
        let mut scenario = Scenario::load(checkout(), name).unwrap();
        scenario
            .edit_policy(|policy| seen.push(policy.clone()))
            .unwrap();
        let mut names = Vec::new();
        for policy in &mut seen {
            let settings = policy["envoy"].as_object_mut().unwrap();
            names.push(settings.remove("filter_state").unwrap());
        }
        (seen, names)
    };
    let ((shared, told), (local, _)) = (policy("global-limits"), policy("local"));
    assert_eq!(shared, local);
    let read = std::fs::read_to_string(checkout().root().join("envoy/global-limits/envoy.yaml"));
    let read = read.unwrap();
    let read: BTreeSet<_> = read
        .split("wasm.portcullis.")
        .skip(1)
        .map(|rest| rest.split(|next: char| !next.is_ascii_lowercase() && next != '_'))
        .map(|mut names| format!("portcullis.{}", names.next().unwrap()))
        .filter(|name| name != "portcullis.audit")
        .collect();
    for names in told {
        let told: BTreeSet<String> = serde_json::from_value(names).unwrap();
        assert_eq!(told, read);
    }
}

/// What cannot be run in a test: at least the ports and paths are those of the other files.
#[test]
fn the_compose_file_serves_what_envoy_asks() {
    let compose = read_yaml("compose.yaml");
    let envoy = read_yaml("envoy.yaml");
    let clusters = envoy["static_resources"]["clusters"].as_array().unwrap();
    let cluster = clusters
        .iter()
        .find(|cluster| cluster["name"] == "ratelimit");
    let port = &cluster.unwrap()["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        ["address"]["socket_address"]["port_value"];
    let service = &compose["services"]["ratelimit"];
    // 8081 is where envoyproxy/ratelimit speaks gRPC.
    assert_eq!(service["ports"], json!([format!("127.0.0.1:{port}:8081")]));
    let environment = &service["environment"];
    let folder = format!(
        "{}/{}/config",
        environment["RUNTIME_ROOT"].as_str().unwrap(),
        environment["RUNTIME_SUBDIRECTORY"].as_str().unwrap()
    );
    assert_eq!(
        service["volumes"],
        json!([format!("./ratelimit:{folder}:ro")])
    );
    assert_eq!(environment["REDIS_URL"], "redis:6379");
    assert!(compose["services"]["redis"].is_object());
}
