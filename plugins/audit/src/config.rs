//! Reads the section `audit`.

use crate::pseudonym::Pseudonyms;
use crate::{Audit, Settings};
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
        let naming = field.one_of(&[("plain", Naming::Plain), ("pseudonym", Naming::Pseudonym)])?;
        if naming == Naming::Pseudonym && key.is_none() {
            field.mistake("pseudonyms need `hmac_key`: without a key anybody could find the person to a pseudonym by trying names");
        }
        Some(naming)
    });
    let pseudonyms = key.flatten().filter(|_| naming == Some(Naming::Pseudonym));
    Some(Audit {
        settings: Rc::new(Settings {
            service,
            pseudonyms,
        }),
    })
}

fn key(section: &Section<'_>, environment: &dyn Environment) -> Option<Pseudonyms> {
    if section.refuse_literal(LITERAL) {
        return None;
    }
    section.only(&["env"]);
    let variable = section.required("env")?;
    let key = variable.variable(environment)?;
    if key.len() < KEY_BYTES_MIN {
        variable.mistake(format!(
            "the environment variable of this name holds less than {KEY_BYTES_MIN} characters"
        ));
        return None;
    }
    let pseudonyms = Pseudonyms::new(key.as_bytes());
    if pseudonyms.is_none() {
        variable.mistake("the environment variable of this name holds no usable key");
    }
    pseudonyms
}
