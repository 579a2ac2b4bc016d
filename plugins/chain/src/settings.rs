//! What a module needs to know of the policy document beside its policies.

use crate::Told;
use portcullis_policy::Endpoint;
use portcullis_policy::config::{Document, Section};
use portcullis_wire::endpoint;

/// Largest body when the policy names none: 32 MiB. Protects a worker's memory; both sides of an exchange are bounded by it.
pub const BODY_BYTES_MAX_DEFAULT: usize = 32 << 20;

/// Most that a policy may say: a body's positions are 32 bits wide in wasm, and its memory is all of a worker's.
pub const BODY_BYTES_MAX_LIMIT: usize = 1 << 30;

/// Settings of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The host can hold headers while the body is inspected (`allow_on_headers_stop_iteration`), so a refusal may still change the
    /// status of a response, and nothing reaches the provider before the request was read.
    pub hold_headers: bool,
    /// What is written to filter state beside the record.
    pub told: Told,
    /// Largest body of a request, and of a response that is not streamed.
    pub body_bytes_max: usize,
    /// Names of request header fields that are no texts, whatever they hold.
    pub pass_headers: Vec<String>,
    /// Paths that are reachable without a key and hold no text.
    pub public_paths: Vec<String>,
    /// Let protocol upgrades through, uninspected.
    pub pass_upgrades: bool,
    /// Where a policy wants the usage of streams, ask for it when the client does not. Not every provider that speaks OpenAI's API knows
    /// the question.
    pub include_usage: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hold_headers: false,
            told: Told::ALL,
            body_bytes_max: BODY_BYTES_MAX_DEFAULT,
            pass_headers: Vec::new(),
            public_paths: Vec::new(),
            pass_upgrades: false,
            include_usage: true,
        }
    }
}

impl Settings {
    /// Reads `envoy`, and those fields of other sections that are about the exchange as a whole.
    #[must_use]
    pub fn read(document: &Document) -> Self {
        let mut settings = Self::default();
        if let Some(envoy) = document.section("envoy") {
            envoy.only(&["hold_headers", "filter_state"]);
            settings.hold_headers = envoy
                .field("hold_headers")
                .and_then(|field| field.boolean())
                .unwrap_or(false);
            if let Some(list) = envoy.field("filter_state") {
                settings.told = Told::read(&list);
            }
        }
        if let Some(auth) = document.section("auth") {
            if let Some(paths) = auth.field("public_paths") {
                settings.public_paths = paths.items().iter().filter_map(public_path).collect();
            }
            let choices = &[("refuse", false), ("pass", true)];
            settings.pass_upgrades = auth
                .field("on_upgrade")
                .and_then(|field| field.one_of(choices))
                .unwrap_or(false);
        }
        if let Some(limits) = document.section("limits") {
            settings.include_usage = limits
                .field("include_usage")
                .and_then(|field| field.boolean())
                .unwrap_or(true);
        }
        if let Some(dlp) = document.section("dlp") {
            if let Some(limit) = dlp.field("max_body_bytes")
                && let Some(bytes) = limit.positive()
            {
                match usize::try_from(bytes) {
                    Ok(bytes) if bytes <= BODY_BYTES_MAX_LIMIT => settings.body_bytes_max = bytes,
                    Ok(_) | Err(_) => {
                        limit.mistake(format!("must not be above {BODY_BYTES_MAX_LIMIT} (1 GiB)"));
                    }
                }
            }
            if let Some(names) = dlp.field("pass_headers") {
                settings.pass_headers = names.items().iter().filter_map(header_name).collect();
            }
        }
        settings
    }
}

fn header_name(item: &Section<'_>) -> Option<String> {
    let name = item.string()?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return item.expected("the name of a header field");
    }
    Some(name.to_ascii_lowercase())
}

fn public_path(item: &Section<'_>) -> Option<String> {
    let path = item.string()?;
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return item.expected("an absolute path without a query");
    }
    let guarded = ["GET", "HEAD", "POST"]
        .iter()
        .any(|method| endpoint(method, path) != Endpoint::Unknown);
    if guarded {
        item.mistake("is an endpoint that this gateway guards: it cannot be public");
        return None;
    }
    Some(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_from_their_sections() {
        let document = Document::parse(
            br#"{"envoy":{"hold_headers":true},"auth":{"public_paths":["/healthz"],"on_upgrade":"pass"},"limits":{"include_usage":false},"dlp":{"max_body_bytes":1000,"pass_headers":["X-User"]}}"#,
        )
        .unwrap();
        let settings = Settings::read(&document);
        assert_eq!(document.take_mistakes(), []);
        assert_eq!(
            settings,
            Settings {
                hold_headers: true,
                told: Told::ALL,
                body_bytes_max: 1000,
                pass_headers: vec!["x-user".into()],
                public_paths: vec!["/healthz".into()],
                pass_upgrades: true,
                include_usage: false,
            }
        );
    }

    #[test]
    fn mistakes_name_their_place() {
        let document = Document::parse(
            br#"{"envoy":{"hold":true,"hold_headers":1},"auth":{"public_paths":["healthz","/v1/messages"],"on_upgrade":"maybe"},"limits":{"include_usage":1},
                "dlp":{"max_body_bytes":1e12,"pass_headers":["x y"]}}"#,
        )
        .unwrap();
        let _ = Settings::read(&document);
        let found: Vec<String> = document
            .take_mistakes()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "envoy.hold: unknown field; known here: hold_headers, filter_state",
                "envoy.hold_headers: expected true or false, found 1",
                r#"auth.public_paths[0]: expected an absolute path without a query, found "healthz""#,
                "auth.public_paths[1]: is an endpoint that this gateway guards: it cannot be public",
                r#"auth.on_upgrade: expected one of refuse, pass, found "maybe""#,
                "limits.include_usage: expected true or false, found 1",
                "dlp.max_body_bytes: must not be above 1073741824 (1 GiB)",
                r#"dlp.pass_headers[0]: expected the name of a header field, found "x y""#,
            ]
        );
    }
}
