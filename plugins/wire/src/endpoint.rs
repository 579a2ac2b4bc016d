//! Which API a request calls, from its request line alone.

use portcullis_policy::Endpoint;

/// Every call that this gateway guards: method, exact path, meaning. Nothing is normalized: a path that only *resembles* one of these
/// (a trailing slash, `//`, percent signs) might be understood differently upstream, so it is [`Endpoint::Unknown`].
const ROUTES: &[(&str, &str, Endpoint)] = &[
    ("POST", "/v1/chat/completions", Endpoint::OpenAiChat),
    ("POST", "/v1/responses", Endpoint::OpenAiResponses),
    ("POST", "/v1/embeddings", Endpoint::OpenAiEmbeddings),
    ("POST", "/v1/messages", Endpoint::AnthropicMessages),
    (
        "POST",
        "/v1/messages/count_tokens",
        Endpoint::AnthropicCountTokens,
    ),
    ("GET", "/v1/models", Endpoint::Models),
    ("HEAD", "/", Endpoint::Probe),
    ("GET", "/", Endpoint::Probe),
];

/// What a path that names a model begins with.
const MODEL_PREFIX: &str = "/v1/models/";

/// Longest name of a model in a path. Those of fine-tuned models, which hold an organization and a suffix, stay below it.
const MODEL_BYTES_MAX: usize = 128;

/// The model that a path names; `None` when it names none, or not in letters, digits and the marks of models' names, so that no two readers
/// take it for different ones (percent signs, slashes, dots that go up).
pub(crate) fn model_in(path: &str) -> Option<&str> {
    let name = path.strip_prefix(MODEL_PREFIX)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (name.len() <= MODEL_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(fits))
    .then_some(name)
}

/// The API that `method` on `path` (without its query) calls.
#[must_use]
pub fn endpoint(method: &str, path: &str) -> Endpoint {
    let route = ROUTES
        .iter()
        .find(|(its_method, its_path, _)| *its_method == method && *its_path == path);
    match route {
        Some((_, _, endpoint)) => *endpoint,
        None if method == "GET" && model_in(path).is_some() => Endpoint::Model,
        None => Endpoint::Unknown,
    }
}

/// `:path` without query string and fragment, which may hold secrets.
#[must_use]
pub fn path_without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_paths_only() {
        for (method, path, expected) in [
            ("POST", "/v1/chat/completions", Endpoint::OpenAiChat),
            (
                "POST",
                "/v1/messages?beta=true",
                Endpoint::AnthropicMessages,
            ),
            (
                "POST",
                "/v1/messages/count_tokens",
                Endpoint::AnthropicCountTokens,
            ),
            ("GET", "/v1/models?limit=1", Endpoint::Models),
            ("GET", "/v1/models/gpt-4o", Endpoint::Model),
            (
                "GET",
                "/v1/models/ft:gpt-4o-mini:acme::Ab3?x=1",
                Endpoint::Model,
            ),
            ("POST", "/v1/models/gpt-4o", Endpoint::Unknown),
            ("DELETE", "/v1/models/gpt-4o", Endpoint::Unknown),
            ("GET", "/v1/models/", Endpoint::Unknown),
            ("GET", "/v1/models/..", Endpoint::Unknown),
            ("GET", "/v1/models/a/b", Endpoint::Unknown),
            ("GET", "/v1/models/a%2fb", Endpoint::Unknown),
            ("GET", "/v1/models/a\"b", Endpoint::Unknown),
            ("HEAD", "/", Endpoint::Probe),
            ("GET", "/", Endpoint::Probe),
            ("POST", "/", Endpoint::Unknown),
            ("GET", "/v1/messages", Endpoint::Unknown),
            ("post", "/v1/messages", Endpoint::Unknown),
            ("POST", "/v1/messages/", Endpoint::Unknown),
            ("POST", "//v1/messages", Endpoint::Unknown),
            ("POST", "/v1/%6dessages", Endpoint::Unknown),
            ("POST", "/V1/messages", Endpoint::Unknown),
            ("POST", "/v1/./messages", Endpoint::Unknown),
            ("POST", "/v1/messages;x", Endpoint::Unknown),
            ("HEAD", "/v1/models", Endpoint::Unknown),
            ("GET", "", Endpoint::Unknown),
        ] {
            assert_eq!(
                endpoint(method, path_without_query(path)),
                expected,
                "{method} {path}"
            );
        }
    }
}
