//! Reads the section `audit`.

use crate::{Audit, Settings};
use portcullis_policy::Pseudonyms;
use portcullis_policy::config::{Document, Environment, Section};
use std::rc::Rc;

/// Shortest key for pseudonyms, in bytes. Protects persons from somebody who tries keys until known names give the pseudonyms in a log.
const KEY_BYTES_MIN: usize = 16;

const LITERAL: &str =
    "a key must not stand in the policy: write { env: <name of an environment variable> }";

/// How persons stand in records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    Plain,
    Pseudonym,
}

/// Reads the policy; `None` without a section `audit`. Mistakes are noted in the document.
pub fn configure(document: &Document, environment: &dyn Environment) -> Option<Audit> {
    let section = document.section("audit")?;
    section.only(&["service", "hmac_key", "user"]);
    let service = section
        .field("service")
        .and_then(|field| field.string())
        .map(str::to_owned);
    let key = section
        .field("hmac_key")
        .map(|field| key(&field.secret(), environment));
    let naming = section.field("user").and_then(|field| {
        field.one_of(&[("plain", Naming::Plain), ("pseudonym", Naming::Pseudonym)])
    });
    let pseudonyms = match naming {
        Some(Naming::Pseudonym) => pseudonyms(&section, key),
        Some(Naming::Plain) | None => None,
    };
    Some(Audit {
        settings: Rc::new(Settings {
            service,
            pseudonyms,
        }),
    })
}

/// The key: one that is there but wrong is `Some(None)`, and has its mistake already.
fn pseudonyms(section: &Section<'_>, key: Option<Option<String>>) -> Option<Pseudonyms> {
    let Some(key) = key else {
        if let Some(user) = section.field("user") {
            user.mistake(
                "pseudonyms need `hmac_key`: without a key anybody could find the person to a pseudonym by trying names",
            );
        }
        return None;
    };
    let key = key?;
    let pseudonyms = Pseudonyms::new(key.as_bytes()).filter(|_| key.len() >= KEY_BYTES_MIN);
    if pseudonyms.is_none()
        && let Some(field) = section.field("hmac_key")
    {
        field.mistake(format!(
            "pseudonyms need a key of at least {KEY_BYTES_MIN} characters"
        ));
    }
    pseudonyms
}

fn key(section: &Section<'_>, environment: &dyn Environment) -> Option<String> {
    if section.refuse_literal(LITERAL) {
        return None;
    }
    section.only(&["env"]);
    section.required("env")?.variable(environment)
}
