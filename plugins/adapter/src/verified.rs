//! What the host verified about a caller: attributes of the connection, and claims that its `jwt_authn` filter left in metadata.

use crate::{abi, headers};
use portcullis_policy::Attribute;

/// Those attributes that there are, with their values.
pub(crate) fn read(wanted: &[Attribute]) -> Vec<(Attribute, String)> {
    let mut all = Vec::new();
    for attribute in wanted {
        let bytes = abi::property(&path(attribute)).unwrap_or_default();
        for value in texts(&bytes) {
            all.push((attribute.clone(), value));
        }
    }
    all
}

/// The names of <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>, NUL between their parts.
fn path(attribute: &Attribute) -> String {
    match attribute {
        Attribute::CertificateUri => "connection\0uri_san_peer_certificate".to_owned(),
        Attribute::CertificateDns => "connection\0dns_san_peer_certificate".to_owned(),
        Attribute::CertificateSubject => "connection\0subject_peer_certificate".to_owned(),
        Attribute::CertificateSha256 => "connection\0sha256_peer_certificate_digest".to_owned(),
        Attribute::Claim { payload, claim } => {
            format!("metadata\0filter_metadata\0envoy.filters.http.jwt_authn\0{payload}\0{claim}")
        }
    }
}

/// A string as it is; a list as the host serializes one, which is as header fields with its items for names. Numbers and booleans come as
/// bytes that are neither.
fn texts(bytes: &[u8]) -> Vec<String> {
    let text = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?;
        (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
    };
    if let Some(text) = text(bytes) {
        return vec![text];
    }
    let items = headers::parse(bytes).unwrap_or_default();
    items
        .iter()
        .filter(|(_, value)| value.is_empty())
        .filter_map(|(item, _)| text(item.as_bytes()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_lists_of_strings_are_read_and_nothing_else() {
        assert_eq!(texts(b"spiffe://a/b"), ["spiffe://a/b"]);
        let list = headers::serialize(&[
            ("eng", String::new()),
            ("", String::new()),
            ("ops", String::new()),
        ]);
        assert_eq!(texts(&list), ["eng", "ops"]);
        let map = headers::serialize(&[("admin", "true".to_owned())]);
        for other in [
            &b""[..],
            &1.0f64.to_le_bytes(),
            &[1],
            b"a\nb",
            b"\xff",
            &map,
        ] {
            assert_eq!(texts(other), Vec::<String>::new(), "{other:?}");
        }
    }
}
