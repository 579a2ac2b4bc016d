//! `portcullis render istio` against the documented schemas of what it writes (`schema.rs`), and the policy in it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::enum_variant_names,
    clippy::large_enum_variant,
    clippy::wildcard_enum_match_arm,
    dead_code,
    reason = "tests; schemas have fields that are only there to be known"
)]

#[path = "../common/mod.rs"]
mod common;
mod schema;

use common::{Output, Run, root};
use schema::Resource;
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::fs;

const DIGEST: &str = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

const POLICY: &str = r#"version: 1
envoy: { hold_headers: true }
auth:
  master_key: { env: LITELLM_MASTER_KEY }
  public_paths: [/healthz]
limits:
  user: { rpm: 100 }
dlp:
  rules:
    - { detector: email, action: mask }
    - { name: odd, contains: "x: {y' \" # — \u2028", action: flag }
audit:
  hmac_key: { env: PORTCULLIS_AUDIT_KEY }
  sink: { cluster: collector }
notify: { cluster: collector }
"#;

fn render(policy: &str, options: &[&str]) -> Output {
    let url = "oci://registry.company.com/portcullis/gateway:0.1.0";
    let all = [
        "render",
        "istio",
        "-",
        "--url",
        url,
        "--host",
        "llm.company.com",
    ];
    let all = [&all[..], options].concat();
    Run::new(&all).stdin(policy).output()
}

fn pinned(policy: &str, options: &[&str]) -> Output {
    let sink = "collector=https://collector.company.com:4318";
    let pin = ["--sha256", DIGEST, "--cluster", sink];
    render(policy, &[&pin[..], options].concat())
}

/// What a text holds, each of its schema; another field than the documented ones is a failure.
fn resources(text: &str) -> Vec<Resource> {
    let documents = serde_yaml_ng::Deserializer::from_str(text);
    documents
        .map(|document| {
            let value = Value::deserialize(document).unwrap();
            let shown = value.to_string();
            serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}: {shown}"))
        })
        .collect()
}

fn plugin(resources: &[Resource]) -> &schema::WasmPlugin {
    let mut plugins = resources.iter().filter_map(|resource| match resource {
        Resource::WasmPlugin(object) => Some(&object.spec),
        _ => None,
    });
    plugins.next().unwrap()
}

#[test]
fn what_is_rendered_has_the_documented_schema() {
    for options in [
        &[][..],
        &["--provider", "openai=https://models.company.com:8443"],
        &[
            "--provider",
            "anthropic",
            "--mutual",
            "--phase",
            "stats",
            "--fail-strategy",
            "close",
        ],
        &[
            "--inbound",
            "10.0.0.0/8,2001:db8::/32",
            "--trusted-hops",
            "2",
            "--service-type",
            "load-balancer",
            "--egress",
            "10.7.0.0/16",
        ],
        &[
            "--pull-secret",
            "registry",
            "--namespace",
            "llm",
            "--replicas",
            "3",
            "--tls-secret",
            "tls",
        ],
    ] {
        let output = pinned(POLICY, options);
        assert_eq!(
            (output.code, output.stderr.as_str()),
            (0, ""),
            "{options:?}"
        );
        let resources = resources(&output.stdout);
        let plugin = plugin(&resources);
        assert_eq!(plugin.sha256.as_deref(), Some(DIGEST));
        assert_ne!(plugin.fail_strategy, Some(schema::FailStrategy::FailOpen));
        let names: Vec<&str> = plugin
            .vm_config
            .env
            .iter()
            .map(|env| env.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "LITELLM_MASTER_KEY",
                "PORTCULLIS_AUDIT_KEY",
                "PORTCULLIS_MASK_KEY"
            ]
        );
        for env in &plugin.vm_config.env {
            assert_eq!(
                (env.value_from, &env.value),
                (schema::ValueFrom::Host, &None)
            );
        }
        // Whoever is sent something proves who it is, and has a key of its own.
        for resource in &resources {
            if let Resource::DestinationRule(rule) = resource {
                let (host, tls) = (&rule.spec.host, &rule.spec.traffic_policy.tls);
                assert_eq!(
                    (&tls.sni, &tls.subject_alt_names),
                    (host, &vec![host.clone()])
                );
                assert_eq!(tls.mode, schema::ClientTlsMode::Simple);
                assert!(!tls.insecure_skip_verify && tls.ca_certificates.is_some());
            }
        }
    }
}

#[test]
fn only_named_networks_may_connect() {
    // The connection's peers, whatever they say of whom they forward: who connects past the proxies could say anything.
    for hops in ["0", "2"] {
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(str::to_owned);
        let inbound = networks.join(",");
        let output = pinned(POLICY, &["--inbound", &inbound, "--trusted-hops", hops]);
        let (mut policies, mut ports) = (0, 0);
        for resource in resources(&output.stdout) {
            match resource {
                Resource::AuthorizationPolicy(object) => {
                    policies += 1;
                    let rules = object.spec.rules.iter();
                    let sources = rules.flat_map(|rule| rule.from.iter().flatten());
                    for schema::From { source } in sources {
                        assert_eq!(source.ip_blocks.as_deref(), Some(&networks[..]));
                        assert_eq!(source.remote_ip_blocks, None);
                    }
                }
                Resource::NetworkPolicy(object) => {
                    for ingress in object.spec.ingress {
                        if !ingress.ports.iter().flatten().any(|port| port.port == 443) {
                            continue;
                        }
                        ports += 1;
                        let peers = ingress.from.iter().flatten();
                        let blocks = peers.map(|peer| peer.ip_block.as_ref().unwrap().cidr.clone());
                        assert!(blocks.eq(networks.clone()));
                    }
                }
                _ => {}
            }
        }
        assert_eq!((policies, ports), (1, 1));
    }
}

#[test]
fn the_policy_is_in_it_as_the_modules_read_it() {
    let output = pinned(POLICY, &[]);
    let checked = Run::new(&["check", "-"]).stdin(&output.stdout).output();
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(
        checked.stdout.contains("1 policy, 0 mistakes"),
        "{checked:?}"
    );
    let mut wanted: Value = serde_yaml_ng::from_str(POLICY).unwrap();
    // Istio cannot let Envoy hold headers: a module that relied on it would wait for ever.
    wanted["envoy"] = json!({ "hold_headers": false, "filter_state": [] });
    assert_eq!(plugin(&resources(&output.stdout)).plugin_config, wanted);
    // And it can be rendered from again.
    assert_eq!(pinned(&output.stdout, &[]).stdout, output.stdout);
}

#[test]
fn what_would_be_unsafe_or_incomplete_is_refused() {
    let by = |how: &str| {
        POLICY.replace(
            "auth:\n",
            &format!("auth:\n  identities: [{{ id: a, user: b, {how} }}]\n"),
        )
    };
    let (certificate, token) = (
        by("certificate: { subject: x }"),
        by("jwt: { claims: { iss: x } }"),
    );
    for (policy, options, said) in [
        (
            POLICY,
            &["--provider", "openai=http://127.0.0.1:1"][..],
            "one endpoint, with TLS",
        ),
        (
            POLICY,
            &["--provider", "openai=https://a,https://b"],
            "one endpoint, with TLS",
        ),
        (
            POLICY,
            &[
                "--provider",
                "openai=https://a",
                "--provider",
                "anthropic=https://a:444",
            ],
            "a host of its own",
        ),
        (POLICY, &["--fail-strategy", "open"], "invalid value"),
        (
            &certificate,
            &[],
            "which the gateway has to verify: --mutual",
        ),
        (&token, &[], "not rendered for Istio"),
    ] {
        let output = pinned(policy, options);
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (2, ""),
            "{options:?}"
        );
        assert!(output.stderr.contains(said), "{said}: {}", output.stderr);
    }
    assert_eq!(pinned(&certificate, &["--mutual"]).code, 0);
    let sink = ["--cluster", "collector=https://a"];
    for (pin, said) in [
        (&[][..], "a tag can be moved"),
        (&["--sha256", "abc"], "64 hexadecimal digits"),
        (
            &["--url", "a@sha256:00", "--sha256", DIGEST],
            "cannot be used multiple times",
        ),
    ] {
        let output = render(POLICY, &[&sink[..], pin].concat());
        assert_eq!(output.code, 2);
        assert!(output.stderr.contains(said), "{said}: {}", output.stderr);
    }
    let wrong = POLICY.replace("rpm: 100", "rpm: many");
    let output = pinned(&wrong, &[]);
    assert_eq!((output.code, output.stdout.as_str()), (1, ""));
    assert!(
        output.stderr.starts_with("-:7: error: limits.user.rpm"),
        "{}",
        output.stderr
    );
}

#[test]
fn the_image_is_one_and_its_registry_is_reached() {
    let image = |url: &str, digest: &str| {
        let sink = "collector=https://collector.company.com:4318";
        let all = [
            "render",
            "istio",
            "-",
            "--host",
            "llm.company.com",
            "--cluster",
            sink,
            "--url",
            url,
            "--sha256",
            digest,
        ];
        Run::new(&all).stdin(POLICY).output()
    };
    let output = image("oci://registry.company.com:5000/gateway:1", DIGEST);
    assert!(
        output.stdout.contains("{ protocol: TCP, port: 5000 }"),
        "{output:?}"
    );
    let pinned = format!("oci://registry.company.com/gateway@sha256:{DIGEST}");
    assert_eq!(image(&pinned, DIGEST).code, 0);
    let output = image(&pinned, &"0".repeat(64));
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("is not the digest in the URL"),
        "{output:?}"
    );
}

/// `envoy/istio/llm-gateway.yaml` is what the command in its README writes.
#[test]
fn the_example_is_what_is_rendered() {
    let folder = root().join("envoy/istio");
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let command = readme
        .split("portcullis render istio ")
        .nth(1)
        .and_then(|rest| rest.split(" > llm-gateway.yaml").next())
        .unwrap()
        .replace("\\\n", " ");
    let mut words = vec!["render", "istio"];
    words.extend(command.split_whitespace());
    let mut run = Run::new(&words);
    run = run.current_dir(&folder);
    let output = run.output();
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{words:?}");
    let file = folder.join("llm-gateway.yaml");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, &output.stdout).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&file).unwrap_or_default(),
        output.stdout,
        "UPDATE_EXPECT=1 writes it anew"
    );
    resources(&output.stdout);
}
