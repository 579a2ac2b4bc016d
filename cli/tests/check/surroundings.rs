//! What stands around a policy.

use super::{assert_documented, check};
use serde_json::Value;

/// A configuration with nothing to be said against it, for the one provider that it calls.
const AROUND: &str = r#"admin: { address: { socket_address: { address: 127.0.0.1, port_value: 9901 } } }
static_resources:
  listeners:
    - name: gateway
      address: { socket_address: { address: 0.0.0.0, port_value: 4000 } }
      per_connection_buffer_limit_bytes: 34603008
      filter_chains:
        - transport_socket: { name: tls, typed_config: { common_tls_context: { tls_params: { tls_minimum_protocol_version: TLSv1_2 } } } }
          filters:
            - typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                use_remote_address: true
                access_log: [{ log_format: "%FILTER_STATE(wasm.portcullis.audit:PLAIN)%\n" }]
                http_filters:
                  - typed_config:
                      config:
                        name: one
                        vm_config: { vm_id: portcullis }
                        failure_policy: FAIL_RELOAD
                        allow_on_headers_stop_iteration: true
                        configuration: { value: { version: 1, envoy: { hold_headers: true }, audit: { service: a } } }
                  - typed_config:
                      config:
                        name: two
                        vm_config: { vm_id: portcullis }
                        failure_policy: FAIL_RELOAD
                        configuration: { value: { version: 1, limits: { user: { rpm: 1, tpm: 1, max_parallel_requests: 1 } } } }
  clusters:
    - name: provider
      load_assignment: { endpoints: [{ address: { socket_address: { address: api.example.com, port_value: 443 } } }] }
      transport_socket:
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          auto_sni_san_validation: true
          common_tls_context: { validation_context: { trusted_ca: { filename: ca.pem } } }
  secrets:
    - { name: key, generic_secret: { secret: { environment_variable: KEY } } }
"#;

/// What is said of a configuration, as `line check`, but for what is said of its policies.
pub fn around(text: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(&check(text, &["--json"]).stdout).unwrap();
    let all =
        ["mistakes", "warnings"].map(|kind| report.get(kind).unwrap().as_array().unwrap().clone());
    let of_policies = ["_missing", "sources_open"];
    all.concat()
        .iter()
        .map(|place| (place["line"].to_string(), place["check"].as_str().unwrap()))
        .filter(|(_, check)| !of_policies.iter().any(|end| check.ends_with(end)))
        .map(|(line, check)| format!("{line} {check}"))
        .collect()
}

#[test]
fn what_stands_around_a_policy_is_judged() {
    assert_eq!(around(AROUND), Vec::<String>::new());
    for (what, instead, expected) in [
        ("127.0.0.1", "0.0.0.0", "1 admin_open"),
        (
            "transport_socket: { name: tls,",
            "x: { name: tls,",
            "8 listener_plain",
        ),
        (
            "  clusters:\n",
            "      default_filter_chain: { filters: [] }\n  clusters:\n",
            "28 listener_plain",
        ),
        (
            "address: { socket_address: { address: 0.0.0.0, port_value: 4000 } }\n",
            "address: { socket_address: { address: 127.0.0.1, port_value: 4000 } }\n      additional_addresses: [{ address: { socket_address: { address: 0.0.0.0, port_value: 1 } } }]\n      default_filter_chain: { filters: [] }\n",
            "7 listener_plain",
        ),
        (
            "endpoints: [{ address: { socket_address: { address: api.example.com, port_value: 443 } } }] }\n      transport_socket:",
            "endpoints: [{ address: { socket_address: { address: localhost, port_value: 1 } } }, { address: { socket_address: { address: api.example.com, port_value: 443 } } }] }\n      x:",
            "30 cluster_plain",
        ),
        ("34603008", "33554431", "6 buffer_small"),
        (
            "      per_connection_buffer_limit_bytes: 34603008\n",
            "",
            "4 buffer_small",
        ),
        (
            "use_remote_address: true",
            "use_remote_address: false",
            "11 source_chosen",
        ),
        (
            "wasm.portcullis.audit",
            "wasm.portcullis.user",
            "11 record_unwritten",
        ),
        (
            "name: two\n                        vm_config: { vm_id: portcullis }",
            "name: two\n                        vm_config: {}",
            "11 vm_ids_differ",
        ),
        (
            "FAIL_RELOAD\n                        allow",
            "FAIL_OPEN\n                        allow",
            "19 fails_open",
        ),
        (
            "FAIL_RELOAD\n                        allow",
            "FAIL_CLOSED\n                        allow",
            "19 stays_down",
        ),
        (
            "failure_policy: FAIL_RELOAD\n                        allow",
            "fail_open: true\n                        allow",
            "17 fails_open",
        ),
        (
            "allow_on_headers_stop_iteration: true",
            "x: 1",
            "17 headers_stay",
        ),
        (
            "hold_headers: true",
            "hold_headers: false",
            "17 headers_not_held",
        ),
        ("TLSv1_2", "TLSv1_1", "8 tls_old"),
        (
            "      transport_socket:\n",
            "      x:\n",
            "30 cluster_plain",
        ),
        ("trusted_ca:", "x:", "33 provider_unproven"),
        (
            "auto_sni_san_validation: true",
            "sni: a",
            "33 provider_name_unproven",
        ),
        (
            "environment_variable: KEY",
            "inline_string: abc",
            "37 secret_inline",
        ),
    ] {
        assert_eq!(AROUND.matches(what).count(), 1, "{what}");
        assert_eq!(around(&AROUND.replace(what, instead)), [expected], "{what}");
        assert_documented(expected);
    }
}

#[test]
fn what_stands_around_a_policy_in_istio_is_judged() {
    let plugin = |spec: &str, policy: &str| {
        format!(
            "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {{ name: gateway }}\nspec:\n{spec}  pluginConfig: {{ version: 1{policy} }}\n"
        )
    };
    let holds = ", envoy: { hold_headers: true }";
    assert_eq!(
        around(&plugin("  failStrategy: FAIL_RELOAD\n", "")),
        Vec::<String>::new()
    );
    assert_eq!(
        around(&plugin("  failStrategy: FAIL_OPEN\n", "")),
        ["5 fails_open"]
    );
    assert_eq!(around(&plugin("", "")), ["5 stays_down"]);
    assert_eq!(
        around(&plugin("  failStrategy: FAIL_RELOAD\n", holds)),
        ["5 headers_stay"]
    );
}
