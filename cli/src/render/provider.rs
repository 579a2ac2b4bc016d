//! The providers whose APIs the gateway speaks.

use super::endpoint::{Endpoint, discovery};
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use std::str::FromStr;

/// What is known of a provider.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub name: &'static str,
    /// Its API's own host.
    host: &'static str,
    /// The environment variable that usually holds its key.
    variable: &'static str,
    /// The name of its key as a secret of Envoy's.
    secret: &'static str,
    /// The header field that carries the key, and what stands before it.
    header: &'static str,
    prefix: &'static str,
}

/// All of them; the first that is there gets what belongs to no API in particular.
pub(super) const KINDS: [Kind; 2] = [
    Kind {
        name: "anthropic",
        host: "api.anthropic.com",
        variable: "ANTHROPIC_API_KEY",
        secret: "anthropic_api_key",
        header: "x-api-key",
        prefix: "",
    },
    Kind {
        name: "openai",
        host: "api.openai.com",
        variable: "OPENAI_API_KEY",
        secret: "openai_api_key",
        header: "authorization",
        prefix: "Bearer ",
    },
];

/// A provider to call: `--provider NAME[=URL,…]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    kind: &'static Kind,
    endpoints: Vec<Endpoint>,
}

impl FromStr for Choice {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, urls) = text
            .split_once('=')
            .map_or((text, None), |(name, urls)| (name, Some(urls)));
        let known = KINDS.each_ref().map(|kind| kind.name);
        let kind = KINDS.iter().find(|kind| kind.name == name);
        let kind = kind.with_context(|| format!("expected one of {}", known.join(", ")))?;
        let endpoints = match urls {
            Some(urls) => urls
                .split(',')
                .map(str::parse)
                .collect::<Result<Vec<_>>>()?,
            None => vec![Endpoint::https(kind.host)],
        };
        let tls = endpoints.iter().filter(|endpoint| endpoint.tls).count();
        ensure!(
            tls == 0 || tls == endpoints.len(),
            "the endpoints of a provider all have TLS, or none has"
        );
        Ok(Self { kind, endpoints })
    }
}

/// A provider as templates see it.
#[derive(Debug, Serialize)]
pub(super) struct Provider {
    pub name: &'static str,
    discovery: &'static str,
    pub endpoints: Vec<Endpoint>,
    tls: bool,
    /// It may be spoken to by HTTP/2, as TLS agrees on.
    pub http2: bool,
    secret: &'static str,
    pub variable: &'static str,
    header: &'static str,
    prefix: &'static str,
}

/// The providers that were chosen, or all of them at their own hosts; in the order of [`KINDS`].
pub(super) fn providers(chosen: &[Choice], plaintext: bool) -> Result<Vec<Provider>> {
    let all: Vec<Choice>;
    let chosen = if chosen.is_empty() {
        all = KINDS
            .iter()
            .map(|kind| kind.name.parse())
            .collect::<Result<_>>()?;
        &all
    } else {
        chosen
    };
    let mut providers = Vec::new();
    for kind in &KINDS {
        let mut of_kind = chosen.iter().filter(|choice| choice.kind == kind);
        let Some(choice) = of_kind.next() else {
            continue;
        };
        ensure!(
            of_kind.next().is_none(),
            "--provider {} stands twice; several endpoints of one are separated by commas",
            kind.name
        );
        for endpoint in &choice.endpoints {
            endpoint.ensure_safe(plaintext)?;
        }
        providers.push(Provider {
            name: kind.name,
            discovery: discovery(&choice.endpoints),
            tls: choice.endpoints.iter().all(|endpoint| endpoint.tls),
            http2: choice.endpoints.iter().all(|endpoint| endpoint.tls),
            endpoints: choice.endpoints.clone(),
            secret: kind.secret,
            variable: kind.variable,
            header: kind.header,
            prefix: kind.prefix,
        });
    }
    Ok(providers)
}

/// What goes where.
#[derive(Debug, Serialize)]
pub(super) struct Route {
    /// Any of these.
    matches: Vec<Match>,
    /// Whose; `None` where nobody serves that API.
    provider: Option<&'static str>,
    /// Its first endpoint.
    host: Option<String>,
    port: Option<u16>,
    /// How many other endpoints there are.
    fallbacks: usize,
    /// What is answered where there is no provider, in the API's own words.
    refusal: String,
}

/// A path, or all that begin with it, of requests that lack a header field.
#[derive(Debug, Clone, Serialize)]
struct Match {
    path: &'static str,
    is_prefix: bool,
    without_header: Option<&'static str>,
}

impl Match {
    const fn exact(path: &'static str) -> Self {
        Self {
            path,
            is_prefix: false,
            without_header: None,
        }
    }

    const fn prefix(path: &'static str) -> Self {
        Self {
            path,
            is_prefix: true,
            without_header: None,
        }
    }
}

/// What OpenAI's API has and Anthropic's has not.
const OPENAI_PATHS: [&str; 3] = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"];

/// Routes to these providers, in order.
pub(super) fn routes(providers: &[Provider]) -> Vec<Route> {
    let find = |name: &str| providers.iter().find(|provider| provider.name == name);
    let route = |matches: Vec<Match>, provider: Option<&Provider>, refusal: &Value| {
        let first = provider.and_then(|provider| provider.endpoints.first());
        Route {
            matches,
            provider: provider.map(|provider| provider.name),
            host: first.map(|endpoint| endpoint.host.clone()),
            port: first.map(|endpoint| endpoint.port),
            fallbacks: provider.map_or(0, |provider| provider.endpoints.len().saturating_sub(1)),
            refusal: refusal.to_string(),
        }
    };
    let message = "No provider of this API stands behind this gateway.";
    let no_openai = json!({ "error": { "message": message, "type": "invalid_request_error", "param": null, "code": "unknown_endpoint" } });
    let no_anthropic =
        json!({ "type": "error", "error": { "type": "not_found_error", "message": message } });
    let of_openai = || OPENAI_PATHS.map(Match::exact).to_vec();
    let messages = Match::prefix("/v1/messages");
    let rest = Match::prefix("/");
    match (find("anthropic"), find("openai")) {
        (anthropic, None) => vec![
            route(of_openai(), None, &no_openai),
            route(vec![rest], anthropic, &no_anthropic),
        ],
        (None, openai) => vec![
            route(vec![messages], None, &no_anthropic),
            route(vec![rest], openai, &no_openai),
        ],
        (anthropic, openai) => {
            // Both APIs have lists of models; who speaks Anthropic's says so.
            let models = Match {
                without_header: Some("anthropic-version"),
                ..Match::prefix("/v1/models")
            };
            let matches = of_openai().into_iter().chain([models]).collect();
            vec![
                route(matches, openai, &no_openai),
                route(vec![rest], anthropic, &no_anthropic),
            ]
        }
    }
}
