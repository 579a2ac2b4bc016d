//! The policy document: any bytes are read or refused, the same each time, and no message repeats a secret.
//!
//! Input: the document.

use portcullis_chain::Settings;
use portcullis_policy::config::Document;

/// Stands in the environment under every name, and in the seeds where people write secrets by mistake.
const SECRET: &str = "Zq9Xw8Vu7Ts6Rr5Qq4Pp3";

/// Panics when reading is not the same twice, or a message tells the secret.
pub fn check(data: &[u8]) {
    let once = read(data);
    assert_eq!(once, read(data));
    for mistake in &once {
        assert!(!mistake.contains(SECRET), "{mistake}");
    }
}

fn read(data: &[u8]) -> Vec<String> {
    let document = match Document::parse(data) {
        Ok(document) => document,
        Err(mistake) => return vec![mistake.to_string()],
    };
    let environment = |_: &str| Some(SECRET.to_owned());
    let policies = portcullis_conformance::gateway::policies(&document, &environment);
    let _ = Settings::read(&document);
    for policy in &policies {
        policy.open();
    }
    let mistakes = document.take_mistakes();
    mistakes.iter().map(ToString::to_string).collect()
}
