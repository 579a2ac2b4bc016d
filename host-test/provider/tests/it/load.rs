//! The load generator against the stub, which counts on its own.

use std::time::Duration;

use portcullis_provider::load::{LoadReport, LoadSpec, Stop, run};
use portcullis_provider::{Provider, Script};
use serde_json::json;

use crate::client::{Api, provider};

fn spec(provider: &Provider, requests: u64) -> LoadSpec {
    LoadSpec {
        addr: provider.addr(),
        method: "POST".to_owned(),
        path: Api::OpenAi.path().to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Api::OpenAi.body("hello", &json!({})).into_bytes(),
        connections: 7,
        warmup: Duration::ZERO,
        stop: Stop::Requests(requests),
    }
}

fn statuses(report: &LoadReport) -> Vec<(u16, u64)> {
    report
        .statuses
        .iter()
        .map(|(&status, &count)| (status, count))
        .collect()
}

#[test]
fn as_many_requests_are_sent_as_were_asked_for() {
    let provider = provider();
    for script in [
        Script::default(),
        Script {
            content_length_off: true,
            chunk_bytes: Some(50),
            ..Script::default()
        },
        Script {
            headers: vec![("connection".parse().unwrap(), "close".parse().unwrap())],
            ..Script::default()
        },
    ] {
        provider.reset_totals();
        provider.set_script(script);
        let report = run(&spec(&provider, 500)).unwrap();
        assert_eq!(
            (report.requests, report.errors, statuses(&report)),
            (500, 0, vec![(200, 500)]),
            "{report:?}"
        );
        assert_eq!(
            (provider.totals().requests, provider.totals().answers),
            (500, 500)
        );
        assert!(report.requests_per_second > 0.0 && report.latency_p50 <= report.latency_p99);
    }
}

#[test]
fn a_run_by_time_ends_in_time_and_leaves_the_warmup_out() {
    let provider = provider();
    provider.set_script(Script {
        delay_headers_ms: 10,
        ..Script::default()
    });
    let report = run(&LoadSpec {
        warmup: Duration::from_millis(200),
        stop: Stop::After(Duration::from_millis(300)),
        ..spec(&provider, 0)
    })
    .unwrap();
    assert!(
        report.latency_p50 >= Duration::from_millis(10),
        "{report:?}"
    );
    // A machine that stalls makes it late, but nothing makes it a count.
    assert!(report.elapsed <= Duration::from_secs(10), "{report:?}");
    let most = 7 * (report.elapsed.as_millis() / 10 + 1);
    assert!(
        (1..=most).contains(&u128::from(report.requests)),
        "{report:?}"
    );
    assert!(provider.totals().requests > report.requests);
}

#[test]
fn failures_are_counted_and_end_a_hopeless_run() {
    let provider = provider();
    provider
        .push_scripts([Script {
            status: Some(529),
            ..Script::default()
        }])
        .unwrap();
    provider
        .push_scripts((0..3).map(|_| Script {
            abort_after_bytes: Some(5),
            ..Script::default()
        }))
        .unwrap();
    let report = run(&spec(&provider, 100)).unwrap();
    assert_eq!((report.requests, report.errors), (97, 3), "{report:?}");
    assert_eq!(statuses(&report), [(200, 96), (529, 1)]);
    assert!(report.first_error.is_some());

    provider.set_script(Script {
        drop_connection: true,
        ..Script::default()
    });
    let report = run(&spec(&provider, 1_000_000)).unwrap();
    assert_eq!((report.requests, statuses(&report)), (0, vec![]));
    assert!(report.errors > 0);
}

#[test]
fn what_should_not_be_loaded_is_not() {
    let provider = provider();
    let good = spec(&provider, 1);
    for bad in [
        LoadSpec {
            addr: "192.0.2.1:80".parse().unwrap(),
            ..good.clone()
        },
        LoadSpec {
            connections: 0,
            ..good.clone()
        },
        LoadSpec {
            connections: 100_000,
            ..good.clone()
        },
        LoadSpec {
            stop: Stop::Requests(0),
            ..good.clone()
        },
        LoadSpec {
            stop: Stop::After(Duration::from_secs(3600)),
            ..good.clone()
        },
        LoadSpec {
            path: "/ HTTP/1.1\r\nx: y".to_owned(),
            ..good.clone()
        },
        LoadSpec {
            headers: vec![("a".to_owned(), "b\nc: d".to_owned())],
            ..good.clone()
        },
    ] {
        assert!(run(&bad).is_err(), "{bad:?}");
    }
    assert_eq!(provider.totals().requests, 0);
    drop(provider);
    assert!(run(&good).is_err());
}
