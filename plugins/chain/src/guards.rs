//! What is refused because it cannot be read, whatever the policies say: design rule *fail closed*.

use crate::response::SWITCHING_PROTOCOLS;
use portcullis_policy::{Endpoint, Reason, Refusal, RequestHead};
use portcullis_wire::BodyKind;

/// Refuses a request whose kind this gateway cannot guard.
pub(crate) fn request_head(
    head: &RequestHead<'_>,
    pass_upgrades: bool,
    body_bytes_max: usize,
) -> Result<(), Refusal> {
    // A handshake is a GET (RFC 6455, section 4.1). Whoever does not want the other protocol answers the call as if nobody had asked for it,
    // and of a call that is guarded nobody would have read the body.
    let handshake = matches!(head.method, "GET" | "CONNECT");
    if head.upgrade && !(pass_upgrades && handshake) {
        return Err(Refusal::new(
            Reason::UpgradeRefused,
            "Protocol upgrades are not let through this gateway.",
        ));
    }
    if head.endpoint == Endpoint::Unknown && !head.upgrade {
        return Err(Refusal::new(
            Reason::UnknownEndpoint,
            "This gateway does not serve this endpoint.",
        ));
    }
    if let Some(length) = content_length(head)
        && length > body_bytes_max as u64
    {
        return Err(body_too_large());
    }
    Ok(())
}

/// Refuses an answer that takes the client away from this gateway: to another protocol that nobody lets pass, or to another place, where
/// most SDKs send the prompt once more, and the key with it. `sends_away`: it names a place.
pub(crate) fn response_head(
    endpoint: Endpoint,
    status: u16,
    sends_away: bool,
    pass_upgrades: bool,
) -> Result<(), Refusal> {
    if status == SWITCHING_PROTOCOLS && !pass_upgrades {
        return Err(unreadable_response(
            "The provider changed to another protocol, which nobody asked for.",
        ));
    }
    // Nothing is sent to the others that a client would send again: a probe, a public path, an upgrade.
    let guarded = !matches!(
        endpoint,
        Endpoint::Probe | Endpoint::Public | Endpoint::Unknown
    );
    if guarded && sends_away && (300..400).contains(&status) {
        return Err(unreadable_response(
            "The provider's answer sends the client to another place, where nothing is guarded.",
        ));
    }
    Ok(())
}

/// Refuses a body that cannot be read, judging by its headers.
pub(crate) fn request_body(head: &RequestHead<'_>) -> Result<(), Refusal> {
    if !identity_encoding(head.values("content-encoding")) {
        return Err(Refusal::new(
            Reason::UnsupportedEncoding,
            "Request bodies must come without a content-encoding, so that they can be inspected.",
        ));
    }
    let mut types = head.values("content-type");
    let json = types.next().and_then(body_kind) == Some(BodyKind::Json);
    if json && types.next().is_none() {
        Ok(())
    } else {
        Err(Refusal::new(
            Reason::UnsupportedMediaType,
            "Request bodies must be application/json in UTF-8.",
        ))
    }
}

/// The refusal of a body above the limit.
pub(crate) fn body_too_large() -> Refusal {
    Refusal::new(
        Reason::BodyTooLarge,
        "The request's body is larger than this gateway accepts.",
    )
}

/// The refusal of a body where none belongs.
pub(crate) fn body_not_expected() -> Refusal {
    Refusal::new(Reason::MalformedBody, "This endpoint takes no body.")
}

/// The refusal of a response that cannot be inspected.
pub(crate) fn unreadable_response(why: &'static str) -> Refusal {
    Refusal::new(Reason::UnreadableResponse, why)
}

/// Whether every value of `content-encoding` says that nothing was encoded.
pub(crate) fn identity_encoding<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> bool {
    values.all(|value| {
        let value = value.trim_ascii();
        value.is_empty() || value.eq_ignore_ascii_case(b"identity")
    })
}

/// How a body of this `content-type` is read; `None` when it cannot be.
pub(crate) fn body_kind(content_type: &[u8]) -> Option<BodyKind> {
    BodyKind::of(std::str::from_utf8(content_type).ok()?)
}

/// How long a body says that it is.
pub(crate) fn content_length(head: &RequestHead<'_>) -> Option<u64> {
    std::str::from_utf8(head.values("content-length").next()?)
        .ok()?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_announces_too_much_is_refused_before_it_comes() {
        let reason = |length: &str| {
            let headers = [("content-length", length.as_bytes())];
            let head = RequestHead {
                endpoint: Endpoint::OpenAiChat,
                method: "POST",
                path: "/v1/chat/completions",
                source: None,
                attributes: &[],
                headers: &headers,
                upgrade: false,
            };
            request_head(&head, false, 100).map_err(|refusal| refusal.reason)
        };
        assert_eq!(reason("100"), Ok(()));
        assert_eq!(reason("101"), Err(Reason::BodyTooLarge));
        // Not to be trusted, so the body is counted when it comes.
        assert_eq!(reason("-1"), Ok(()));
    }

    #[test]
    fn encodings() {
        assert!(identity_encoding([].into_iter()));
        assert!(identity_encoding([&b" Identity "[..]].into_iter()));
        assert!(!identity_encoding([&b"identity"[..], b"gzip"].into_iter()));
        assert!(!identity_encoding([&b"identity, br"[..]].into_iter()));
    }
}
