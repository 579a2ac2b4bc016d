//! The shipped files, checked by the tools that they are for.

use std::process::Command;

use crate::common::checkout;
use crate::metrics::documented;
use crate::servers::{have, run, shipped};

#[test]
fn rules_hold_what_they_promise() {
    if !have(&[("promtool", "prometheus")]) {
        return;
    }
    for (arguments, file) in [
        (["check", "config"], "prometheus.yml"),
        (["check", "rules"], "rules.yml"),
        (["test", "rules"], "rules_test.yml"),
    ] {
        let mut command = Command::new("promtool");
        let said = run(command.args(arguments).arg(shipped(file)));
        said.unwrap_or_else(|said| panic!("promtool {arguments:?} {file}: {said}"));
    }
}

#[test]
fn alertmanager_takes_its_configuration_and_routes_the_guides_address() {
    if !have(&[("amtool", "prometheus-alertmanager")]) {
        return;
    }
    let config = shipped("alertmanager.yml");
    let said = run(Command::new("amtool").arg("check-config").arg(&config));
    said.unwrap_or_else(|said| panic!("{said}"));
    let route = |label: &str| {
        let mut command = Command::new("amtool");
        command
            .args(["config", "routes", "test"])
            .arg(format!("--config.file={}", config.display()));
        // The other lines are warnings.
        run(command.arg(label))
            .unwrap()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(route("notify=security-team@company.com"), "security-team");
    assert_eq!(route("severity=page"), "on-call");
    assert_eq!(route("alertname=anything"), "security-team");
}

#[test]
fn every_scenario_takes_every_label_out_of_the_names() {
    let envoy = checkout().root().join("envoy");
    let mut scenarios = 0;
    for folder in std::fs::read_dir(envoy).unwrap().flatten() {
        let Ok(text) = std::fs::read_to_string(folder.path().join("envoy.yaml")) else {
            continue;
        };
        scenarios += 1;
        for (metric, labels) in documented() {
            for label in labels.iter().filter(|label| *label != "le") {
                let tag = format!("{{ tag_name: {label}, ");
                assert!(
                    text.contains(&tag),
                    "{:?} leaves {label} in {metric}",
                    folder.path()
                );
            }
        }
    }
    assert!(scenarios >= 3, "{scenarios}");
}
