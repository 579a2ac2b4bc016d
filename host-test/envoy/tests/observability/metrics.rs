//! What Prometheus gets to see, and what the dashboard asks of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::alerts::{world, wrong};
use crate::common::{KEY, PROMPT, SECRET, SSN, WRONG_KEY, chat, eventually, messages};
use crate::servers::{Server, have, shipped, shipped_text};

/// How long Prometheus may take to scrape and to evaluate its rules, each once a second here.
const SCRAPED_MAX: Duration = Duration::from_secs(60);

/// What is counted only in trouble that this test does not make.
const RARE: [&str; 4] = [
    "portcullis_audit_dropped_total",
    "portcullis_expiring_key_requests_total",
    "portcullis_shadow_refusals_total",
    "portcullis_store_contention_total",
];

/// The metrics of the table in `README.md`, with their labels.
pub fn documented() -> Vec<(String, Vec<String>)> {
    let readme = shipped_text("README.md");
    let rows = readme
        .lines()
        .filter(|line| line.starts_with("| `portcullis_"));
    let words = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (words(cells[1]).remove(0), words(cells[2]))
    })
    .collect()
}

#[test]
fn prometheus_scrapes_what_the_contract_names_and_the_dashboard_asks_for() {
    if !have(&[
        ("prometheus", "prometheus"),
        ("prometheus-alertmanager", "prometheus-alertmanager"),
    ]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let alertmanager = Server::alertmanager(folder.path(), &shipped_text("alertmanager.yml"));
    let world = world("local", &alertmanager, |policy| {
        policy["auth"]["lockout"] =
            serde_json::json!({ "failures": 2, "window": "5m", "block": "1h" });
    });
    let config = shipped_text("prometheus.yml")
        .replace("127.0.0.1:9901", &world.envoy.admin().to_string())
        .replace("127.0.0.1:9093", &alertmanager.address().to_string())
        .replace("_interval: 15s", "_interval: 1s")
        .replace(
            "[rules.yml]",
            &format!("[{}]", shipped("rules.yml").display()),
        );
    let prometheus = Server::prometheus(folder.path(), &config);

    // Something of everything.
    for _ in 0..3 {
        world.send(&messages(PROMPT));
        world.send(&chat(&format!("my number is {SSN}")));
        world.send(&chat(&format!("my key is {SECRET}")));
        world.send(&messages("tell me about a jailbreak"));
        world.send(&wrong().from("127.0.0.9".parse().unwrap()));
    }
    let has = |expression: &str| {
        prometheus
            .query(expression)
            .is_ok_and(|found| !found.is_empty())
    };
    for expression in [
        r#"portcullis_requests_total{job="portcullis", decision="allow", reason="none"} >= 3"#,
        r#"portcullis_requests_total{decision="refuse", reason="dlp_blocked"} == 3"#,
        r#"portcullis_requests_total{decision="refuse", reason="invalid_api_key"}"#,
        r#"portcullis_requests_total{decision="redact"} == 3"#,
        r#"portcullis_requests_total{decision="flag"} == 3"#,
        r#"portcullis_tokens_total{direction="input"} > 0"#,
        r#"portcullis_tokens_total{direction="output"} > 0"#,
        r#"portcullis_dlp_findings_total{rule="ssn", action="block"} == 3"#,
        r#"portcullis_dlp_findings_total{rule="anthropic-key", action="redact"} == 3"#,
        r#"portcullis_alerts_total{alert="Suspicious_patterns"} == 1"#,
        r#"portcullis_notifications_total{outcome="delivered"} >= 1"#,
        "portcullis_auth_failures_total == 3",
        "portcullis_lockouts_total == 1",
        r#"portcullis_exchange_time_us_bucket{le="+Inf"} >= 15"#,
        "portcullis_exchange_time_us_count >= 15",
        // Rules that were evaluated: a new alert counts although its series has only begun.
        "portcullis:requests:rate5m",
        "portcullis:exchange_time_us:p99_5m",
        r#"ALERTS{alertname="PortcullisAlert", alert="Suspicious_patterns", alertstate="firing"}"#,
        r#"ALERTS{alertname="PortcullisLockout", alertstate="firing"}"#,
    ] {
        eventually(expression, SCRAPED_MAX, || has(expression));
    }
    let told = |alerts: Vec<Value>| {
        alerts
            .iter()
            .any(|alert| alert["labels"]["alertname"] == "PortcullisDataLossPrevented")
    };
    eventually(
        "Alertmanager hears of it from Prometheus, too",
        SCRAPED_MAX,
        || told(alertmanager.alerts()),
    );

    contract_is_there(&prometheus);
    dashboard_finds_what_it_asks_for(&prometheus);
    nothing_tells(&world.envoy.admin_text("/stats/prometheus").unwrap());
    world.finish();
}

/// Every metric that is documented, with its labels and no others.
fn contract_is_there(prometheus: &Server) {
    let documented = documented();
    assert_eq!(documented.len(), 12, "{documented:?}");
    let names = names(prometheus);
    for (name, labels) in &documented {
        let sample = if labels.contains(&"le".to_owned()) {
            format!("{name}_bucket")
        } else {
            name.clone()
        };
        if RARE.contains(&name.as_str()) && !names.contains(&sample) {
            continue;
        }
        let series = prometheus.query(&sample).unwrap();
        assert!(!series.is_empty(), "{sample} is not there");
        for one in series {
            let found: BTreeSet<&str> = one["metric"]
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let expected = labels
                .iter()
                .map(String::as_str)
                .chain(["__name__", "instance", "job"]);
            assert_eq!(found, expected.collect(), "{sample}");
        }
    }
    for name in names.iter().filter(|name| name.starts_with("portcullis_")) {
        let known = documented.iter().any(|(known, _)| {
            name.strip_prefix(known)
                .is_some_and(|rest| ["", "_bucket", "_sum", "_count"].contains(&rest))
        });
        assert!(known, "{name} stands in no documentation");
    }
}

fn names(prometheus: &Server) -> BTreeSet<String> {
    let names = prometheus.get("/api/v1/label/__name__/values").json();
    let names = names["data"].as_array().unwrap();
    names
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// Every query of the dashboard and of the rules is understood and asks for metrics that are there.
fn dashboard_finds_what_it_asks_for(prometheus: &Server) {
    let dashboard: Value = serde_json::from_str(&shipped_text("dashboard.json")).unwrap();
    let rules: Value = serde_yaml_ng::from_str(&shipped_text("rules.yml")).unwrap();
    let names = names(prometheus);
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            queries.push(target["expr"].as_str().unwrap().to_owned());
        }
    }
    assert!(queries.len() >= 18, "{}", queries.len());
    for rule in rules["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
    {
        queries.push(rule["expr"].as_str().unwrap().to_owned());
    }
    for query in queries {
        let filled = query.replace("$job", ".+");
        let found = prometheus
            .query(&filled)
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        for metric in metrics_of(&filled) {
            let there = names.contains(&metric) || RARE.contains(&metric.as_str());
            assert!(there, "{query}: there is no {metric}");
        }
        let rare = RARE.iter().any(|name| filled.contains(name));
        assert!(
            rare || !found.is_empty() || filled.contains(['>', '=']),
            "{query} finds nothing"
        );
    }
}

/// The names in a query that are metrics': ours, Envoy's and `up`.
fn metrics_of(query: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = query.split(|c| !word(c));
    let metric = |word: &&str| {
        word.starts_with("portcullis_")
            || word.starts_with("portcullis:")
            || word.starts_with("envoy_")
            || *word == "up"
    };
    let labels = ["envoy_cluster_name", "envoy_response_code_class"];
    words
        .filter(metric)
        .filter(|word| !labels.contains(word))
        .map(str::to_owned)
        .collect()
}

fn nothing_tells(text: &str) {
    for planted in [
        KEY,
        PROMPT,
        SECRET,
        SSN,
        WRONG_KEY,
        "tell me about",
        "127.0.0.9",
    ] {
        let line = text.lines().find(|line| line.contains(planted));
        assert!(line.is_none(), "a metric tells {planted}: {line:?}");
    }
}
