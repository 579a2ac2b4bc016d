//! The configuration of an Envoy that a fact is played in.

use std::fmt::Write as _;

use portcullis_host_test::FailurePolicy;

use crate::fact::Fact;

pub(super) fn configuration(
    fact: &Fact,
    module: &str,
    port: u16,
    upstream: u16,
    service: u16,
) -> String {
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
