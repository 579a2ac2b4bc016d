//! Names of which Envoy's header maps hold one value only: a second value is joined to the first with a comma. Found by
//! adding every name in question twice in Envoy 1.40.0 (what its codecs and the filters it is built with register).

/// What a map is for: Envoy knows other names in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapKind {
    Request,
    Response,
    RequestTrailers,
    ResponseTrailers,
}

impl MapKind {
    /// The name under which Envoy keeps a header: `host` of a request is its `:authority`.
    pub(crate) fn canonical(self, name: &[u8]) -> Vec<u8> {
        let name = name.to_ascii_lowercase();
        if self == Self::Request && name == b"host" {
            b":authority".to_vec()
        } else {
            name
        }
    }

    /// Whether a second value under this name is joined to the first.
    pub(crate) fn joins(self, name: &[u8]) -> bool {
        let names = match self {
            Self::Request => REQUEST,
            Self::Response => RESPONSE,
            Self::RequestTrailers => &[],
            Self::ResponseTrailers => RESPONSE_TRAILERS,
        };
        names.iter().any(|known| known.as_bytes() == name)
    }
}

const RESPONSE_TRAILERS: &[&str] = &["grpc-message", "grpc-status"];

#[rustfmt::skip]
const REQUEST: &[&str] = &[
    ":authority", ":method", ":path", ":protocol", ":scheme", "accept", "accept-encoding",
    "access-control-request-headers", "access-control-request-method", "access-control-request-private-network",
    "authentication", "authorization", "cache-control", "cdn-loop", "connection", "content-encoding", "content-length",
    "content-type", "expect", "grpc-accept-encoding", "grpc-timeout", "if-match", "if-modified-since", "if-none-match",
    "if-range", "if-unmodified-since", "keep-alive", "origin", "pragma", "proxy-connection", "proxy-status", "referer",
    "te", "transfer-encoding", "upgrade", "user-agent", "via", "x-client-trace-id", "x-envoy-attempt-count",
    "x-envoy-decorator-operation", "x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node",
    "x-envoy-expected-rq-timeout-ms", "x-envoy-external-address", "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout", "x-envoy-internal", "x-envoy-ip-tags", "x-envoy-is-timeout-retry",
    "x-envoy-max-retries", "x-envoy-original-host", "x-envoy-original-path", "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes", "x-envoy-retry-grpc-on", "x-envoy-retry-on", "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-stream-duration-ms", "x-forwarded-client-cert",
    "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-request-id",
];

#[rustfmt::skip]
const RESPONSE: &[&str] = &[
    ":status", "access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods",
    "access-control-allow-origin", "access-control-allow-private-network", "access-control-expose-headers",
    "access-control-max-age", "age", "cache-control", "connection", "content-encoding", "content-length",
    "content-type", "date", "etag", "expires", "grpc-message", "grpc-status", "keep-alive", "last-modified", "location",
    "proxy-connection", "proxy-status", "server", "transfer-encoding", "upgrade", "vary", "via",
    "x-envoy-attempt-count", "x-envoy-decorator-operation", "x-envoy-degraded", "x-envoy-immediate-health-check-fail",
    "x-envoy-ratelimited", "x-envoy-upstream-canary", "x-envoy-upstream-healthchecked-cluster",
    "x-envoy-upstream-service-time", "x-request-id",
];
