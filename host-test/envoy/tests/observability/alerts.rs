//! From a failed authentication to a mail: Envoy, the module, Alertmanager, the guide's address.

use std::time::Duration;

use portcullis_envoy_test::http1::Request;
use serde_json::{Value, json};

use crate::common::{
    CLAUDE, KEY, PROMPT, Variant, WRONG_KEY, World, assert_refused, eventually, messages,
};
use crate::mail::MailServer;
use crate::servers::{Server, free_address, have, shipped_text};

/// How long a notification may take, with a group's wait and a busy machine.
const TOLD_MAX: Duration = Duration::from_secs(60);

/// `alerting.yaml`: sections and cluster.
pub fn alerting() -> Value {
    serde_yaml_ng::from_str(&shipped_text("alerting.yaml")).unwrap()
}

/// A world whose scenario has what `alerting.yaml` adds.
pub fn world(scenario: &'static str, alertmanager: &Server, edit: impl Fn(&mut Value)) -> World {
    let variant = Variant::held(scenario);
    let alerting = alerting();
    World::with(variant, |scenario| {
        scenario.edit(|bootstrap| {
            let clusters = bootstrap["static_resources"]["clusters"]
                .as_array_mut()
                .unwrap();
            clusters.extend(alerting["clusters"].as_array().unwrap().iter().cloned());
        });
        scenario
            .cluster("alertmanager", alertmanager.address())
            .unwrap();
        scenario.concurrency(2);
        let add = |policy: &mut Value| {
            for (name, section) in alerting["policy"].as_object().unwrap() {
                policy[name] = section.clone();
            }
            edit(policy);
        };
        scenario.edit_policy(add).unwrap();
    })
}

/// The shipped configuration, with this mail server and shorter waits.
fn config(mail: &MailServer) -> String {
    let shipped = shipped_text("alertmanager.yml");
    let config = shipped
        .replace("localhost:25", &mail.address().to_string())
        .replace("smtp_require_tls: true", "smtp_require_tls: false")
        .replace("group_wait: 10s", "group_wait: 2s")
        .replace("group_interval: 1m", "group_interval: 2s");
    assert_eq!(config.lines().count(), shipped.lines().count());
    config
}

/// A request with nobody's key.
pub fn wrong() -> Request {
    let body = json!({ "model": CLAUDE, "max_tokens": 9, "messages": [{ "role": "user", "content": PROMPT }] });
    Request::post("/v1/messages")
        .header("x-api-key", WRONG_KEY)
        .header("anthropic-version", "2023-06-01")
        .json(&body)
}

fn subjects(alerts: &[Value], name: &str) -> Vec<String> {
    let of_name = alerts
        .iter()
        .filter(|alert| alert["labels"]["alertname"] == name);
    let mut subjects: Vec<String> = of_name
        .map(|alert| {
            alert["labels"]["subject"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    subjects.sort();
    subjects
}

#[test]
fn an_alert_arrives_is_grouped_and_resolves() {
    if !have(&[("prometheus-alertmanager", "prometheus-alertmanager")]) {
        return;
    }
    let (folder, mail) = (tempfile::tempdir().unwrap(), MailServer::start());
    let alertmanager = Server::alertmanager(folder.path(), &config(&mail));
    for scenario in ["local", "chain"] {
        let began = mail.mails().len();
        arrives_is_grouped_and_resolves(scenario, &alertmanager, &mail, began);
    }
    let log = alertmanager.log();
    assert!(
        !log.contains(PROMPT) && !log.contains(KEY) && !log.contains(WRONG_KEY),
        "{log}"
    );
}

fn arrives_is_grouped_and_resolves(
    scenario: &'static str,
    alertmanager: &Server,
    mail: &MailServer,
    began: usize,
) {
    const NAME: &str = "Authentication failures";
    // The guide's rules, but for an hour that a test cannot wait for.
    let world = world(scenario, alertmanager, |policy| {
        policy["audit"]["service"] = scenario.into();
        policy["alerts"][1]["condition"] = "auth_failures > 10 in 6s".into();
        policy["alerts"][1]["action"] =
            "block IP for 6 seconds and notify security-team@company.com".into();
        policy["notify"]["resend"] = "1s".into();
    });
    let sources = ["127.0.0.2", "127.0.0.3"];
    for source in sources {
        let from = |request: Request| request.from(source.parse().unwrap());
        for _ in 0..11 {
            assert_refused(&world.send(&from(wrong())), 401, "invalid_api_key");
        }
        // Whatever the worker, whatever the key.
        for _ in 0..8 {
            assert_refused(
                &world.send(&from(messages(PROMPT))),
                429,
                "source_locked_out",
            );
        }
    }
    assert_eq!(world.send(&messages(PROMPT)).status, 200, "others go on");
    assert_eq!(world.send(&messages("how to jailbreak it")).status, 200);

    let of_scenario = || -> Vec<Value> {
        let all = alertmanager.alerts();
        all.into_iter()
            .filter(|alert| alert["labels"]["service"] == scenario)
            .collect()
    };
    eventually("both addresses are there", TOLD_MAX, || {
        subjects(&of_scenario(), NAME) == sources
    });
    eventually("and the suspicious prompt", TOLD_MAX, || {
        subjects(&of_scenario(), "Suspicious patterns") == ["john.doe@company.com"]
    });
    let groups = alertmanager.get("/api/v2/alerts/groups").json();
    let of_name =
        |group: &&Value| group["labels"] == json!({ "alertname": NAME, "service": scenario });
    let group = groups
        .as_array()
        .unwrap()
        .iter()
        .find(of_name)
        .expect("a group of that name");
    assert_eq!(
        group["alerts"].as_array().unwrap().len(),
        2,
        "one group for both addresses: {group}"
    );
    assert_eq!(group["receiver"]["name"], "security-team");

    let mails = |word: &str| -> usize {
        let mails = mail.mails();
        let about = |mail: &&crate::mail::Mail| {
            mail.text.contains(&format!("[{word}")) && mail.text.contains(NAME)
        };
        mails
            .iter()
            .skip(began)
            .filter(about)
            .inspect(|mail| {
                assert_eq!(mail.to, ["security-team@company.com"]);
            })
            .count()
    };
    eventually("a mail to the guide's address", TOLD_MAX, || {
        mails("FIRING") > 0
    });
    // The addresses are free again, and the alert is over.
    eventually("it resolves", TOLD_MAX, || {
        subjects(&of_scenario(), NAME).is_empty()
    });
    eventually("a mail that says so", TOLD_MAX, || mails("RESOLVED") > 0);
    let back = messages(PROMPT).from("127.0.0.2".parse().unwrap());
    assert_eq!(world.send(&back).status, 200);
    for mail in mail.mails() {
        for planted in [PROMPT, KEY, WRONG_KEY, "jailbreak it"] {
            assert!(
                !mail.text.contains(planted),
                "a mail tells {planted}: {}",
                mail.text
            );
        }
    }
    let delivered = world.envoy.stats("portcullis_notifications_total").unwrap();
    assert!(
        delivered
            .iter()
            .any(|(name, count)| name.contains("outcome=delivered") && *count > 0),
        "{delivered:?}"
    );
    world.finish();
}

#[test]
fn a_receiver_that_is_away_delays_nobody() {
    let world = world("local", &Server::gone(free_address()), |policy| {
        policy["alerts"][2]["action"] =
            "flag for review and notify security-team@company.com".into();
    });
    let begin = std::time::Instant::now();
    for n in 0..50 {
        assert_eq!(world.send(&messages(&format!("jailbreak {n}"))).status, 200);
    }
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?} for 50 requests");
    eventually("failures are counted", TOLD_MAX, || {
        let stats = world.envoy.stats("portcullis_notifications_total").unwrap();
        stats
            .iter()
            .any(|(name, count)| name.contains("outcome=failed") && *count > 0)
    });
    world.finish();
}
