//! Which API a request calls, from its request line alone.

use portcullis_policy::Endpoint;

/// Every call that this gateway guards: method, exact path, meaning. Nothing is normalized: a path that only *resembles* one of these
/// (a trailing slash, `//`, percent signs) might be understood differently upstream, so it is [`Endpoint::Unknown`].
const ROUTES: &[(&str, &str, Endpoint)] = &[
    ("POST", "/v1/chat/completions", Endpoint::OpenAiChat),
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

/// The API that `method` on `path` (without its query) calls.
#[must_use]
pub fn endpoint(method: &str, path: &str) -> Endpoint {
    ROUTES
        .iter()
        .find(|(its_method, its_path, _)| *its_method == method && *its_path == path)
        .map_or(Endpoint::Unknown, |(_, _, endpoint)| *endpoint)
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
