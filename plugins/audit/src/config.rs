//! Reads the section `audit`.

use crate::chain::Chain;
use crate::digest::PolicyDigest;
use crate::ledger::Ledger;
use crate::seal::Seal;
use crate::sink::{Overflow, Settings as SinkSettings, Sink};
use crate::{Audit, Settings};
use portcullis_policy::Pseudonyms;
use portcullis_policy::config::{Document, Environment, Section};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Shortest key, in bytes. Protects persons from somebody who tries keys until known names give the pseudonyms in a log, and a chain from
/// somebody who tries keys until a seal fits.
pub const KEY_BYTES_MIN: usize = 16;

/// Most records in one call. Collectors refuse bodies of more than a few MiB.
const BATCH_MAX: u64 = 1000;

/// Most records that wait for a collector. Protects a worker's memory: about 1 KiB each.
const QUEUE_MAX: u64 = 100_000;

/// Longest time for which records may be kept back, and for which an answer is waited.
const WAIT_MAX: Duration = Duration::from_secs(60);

const LITERAL: &str =
    "a key must not stand in the policy: write { env: <name of an environment variable> }";

/// How persons stand in records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    Plain,
    Pseudonym,
}

/// Reads the policy; `None` without a section `audit`. Mistakes are noted in the document.
#[inline(never)]
pub fn configure(document: &Document, environment: &dyn Environment) -> Option<Audit> {
    let section = document.section("audit")?;
    section.only(&["service", "hmac_key", "user", "sink"]);
    let service = section
        .field("service")
        .and_then(|field| field.string())
        .map(str::to_owned);
    let key = section
        .field("hmac_key")
        .and_then(|field| key(&field.secret(), environment));
    let naming = section.field("user").and_then(|field| {
        field.one_of(&[("plain", Naming::Plain), ("pseudonym", Naming::Pseudonym)])
    });
    let pseudonyms = match naming {
        Some(Naming::Pseudonym) => pseudonyms(&section, key.as_deref()),
        Some(Naming::Plain) | None => None,
    };
    let sink = section
        .field("sink")
        .and_then(|field| sink(&field, service.clone()));
    let seal = Seal::new(key.as_deref().map(str::as_bytes));
    let chain = Chain::new(
        seal,
        PolicyDigest::of(document),
        service.clone(),
        sink.is_some(),
    );
    Some(Audit {
        settings: Rc::new(Settings {
            service,
            pseudonyms,
        }),
        ledger: Rc::new(RefCell::new(Ledger::new(chain, sink.map(Sink::new)))),
    })
}

fn pseudonyms(section: &Section<'_>, key: Option<&str>) -> Option<Pseudonyms> {
    let Some(key) = key else {
        // A key that is there but wrong has its mistake already.
        if section.field("hmac_key").is_none()
            && let Some(user) = section.field("user")
        {
            user.mistake(
                "pseudonyms need `hmac_key`: without a key anybody could find the person to a pseudonym by trying names",
            );
        }
        return None;
    };
    Pseudonyms::new(key.as_bytes())
}

/// The key; `None` when it is wrong, which is noted.
fn key(section: &Section<'_>, environment: &dyn Environment) -> Option<String> {
    if section.refuse_literal(LITERAL) {
        return None;
    }
    section.only(&["env"]);
    let key = section.required("env")?.variable(environment)?;
    if key.len() < KEY_BYTES_MIN {
        section.mistake(format!(
            "expected a key of at least {KEY_BYTES_MIN} characters"
        ));
        return None;
    }
    Some(key)
}

#[inline(never)]
fn sink(section: &Section<'_>, service: Option<String>) -> Option<SinkSettings> {
    section.only(&[
        "cluster",
        "path",
        "authority",
        "format",
        "batch",
        "flush",
        "queue",
        "timeout",
        "on_overflow",
    ]);
    let text = |name: &str| {
        section
            .field(name)
            .and_then(|field| field.string())
            .map(str::to_owned)
    };
    let count = |name: &str, default: usize, max: u64| {
        section.field(name).map_or(Some(default), |field| {
            let number = field.positive()?;
            if number > max {
                field.mistake(format!("must not be above {max}"));
                return None;
            }
            usize::try_from(number).ok()
        })
    };
    let wait = |name: &str, default: Duration| {
        section.field(name).map_or(Some(default), |field| {
            let wait = field.duration()?;
            if wait > WAIT_MAX {
                field.mistake(format!("must not be above {}s", WAIT_MAX.as_secs()));
                return None;
            }
            Some(wait)
        })
    };
    if let Some(format) = section.field("format") {
        let _ = format.one_of(&[("otlp", ())]);
    }
    let overflow = section
        .field("on_overflow")
        .map_or(Some(Overflow::Drop), |field| {
            field.one_of(&[("drop", Overflow::Drop), ("refuse", Overflow::Refuse)])
        });
    let path = text("path").unwrap_or_else(|| "/v1/logs".to_owned());
    if !path.starts_with('/')
        && let Some(field) = section.field("path")
    {
        field.mistake("expected a path that begins with /");
    }
    // All are read before one that is wrong ends it, so that every mistake is told.
    let cluster = section.required("cluster").and_then(|field| field.string());
    let batch = count("batch", 100, BATCH_MAX);
    let queue = count("queue", 10_000, QUEUE_MAX);
    let flush = wait("flush", Duration::from_secs(1));
    let timeout = wait("timeout", Duration::from_secs(5));
    let (cluster, batch, queue) = (cluster?.to_owned(), batch?, queue?);
    if queue < batch
        && let Some(field) = section.field("queue").or_else(|| section.field("batch"))
    {
        field.mistake(format!("a queue of {queue} never fills a batch of {batch}"));
    }
    Some(SinkSettings {
        authority: text("authority").unwrap_or_else(|| cluster.clone()),
        cluster,
        path,
        service,
        batch,
        flush: flush?,
        queue,
        timeout: timeout?,
        overflow: overflow?,
    })
}
