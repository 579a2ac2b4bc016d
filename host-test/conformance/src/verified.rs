//! What Envoy verified of a caller before any filter of ours ran.

use anyhow::{Result, bail};
use portcullis_policy::Attribute;
use serde_json::Value;

use crate::case::Request;

/// One attribute; a list has several values.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(feature = "wasm"),
    allow(
        dead_code,
        reason = "where the modules look is nothing to the native engine"
    )
)]
pub struct Verified {
    attribute: Attribute,
    /// Where Envoy shows it.
    path: Vec<String>,
    values: Vec<String>,
    list: bool,
}

/// The field `payload_in_metadata` of the filter that verifies tokens.
const PAYLOAD: &str = "jwt_payload";

impl Verified {
    /// All that a case says of a request.
    ///
    /// # Errors
    /// When it says what Envoy never would.
    pub fn of(request: &Request) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for (name, value) in &request.certificate {
            let (attribute, property) = match name.as_str() {
                "uri" => (Attribute::CertificateUri, "uri_san_peer_certificate"),
                "dns" => (Attribute::CertificateDns, "dns_san_peer_certificate"),
                "subject" => (Attribute::CertificateSubject, "subject_peer_certificate"),
                "sha256" => (
                    Attribute::CertificateSha256,
                    "sha256_peer_certificate_digest",
                ),
                _ => bail!("a certificate has no {name}"),
            };
            all.push(Self {
                attribute,
                path: vec!["connection".into(), property.into()],
                values: vec![value.clone()],
                list: false,
            });
        }
        for (claim, value) in &request.claims {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let values: Option<Vec<String>> = match value {
                Value::Array(items) => items.iter().map(text).collect(),
                other => text(other).map(|one| vec![one]),
            };
            let Some(values) = values else {
                bail!("the claim {claim} is neither a string nor a list of strings");
            };
            let path = [
                "metadata",
                "filter_metadata",
                "envoy.filters.http.jwt_authn",
                PAYLOAD,
                claim,
            ];
            all.push(Self {
                attribute: Attribute::Claim {
                    payload: PAYLOAD.into(),
                    claim: claim.clone(),
                },
                path: path.map(str::to_owned).to_vec(),
                values,
                list: value.is_array(),
            });
        }
        Ok(all)
    }

    /// Those that policies asked for, as `chain` takes them.
    #[must_use]
    pub fn wanted(all: &[Self], attributes: &[Attribute]) -> Vec<(Attribute, String)> {
        let wanted = all.iter().filter(|one| attributes.contains(&one.attribute));
        wanted
            .flat_map(|one| {
                one.values
                    .iter()
                    .map(|value| (one.attribute.clone(), value.clone()))
            })
            .collect()
    }

    /// Shows it to the modules as Envoy does.
    #[cfg(feature = "wasm")]
    pub fn show(&self, exchange: &portcullis_host_test::Exchange) {
        use portcullis_host_test::Property;
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let bytes = |text: &String| Property::Bytes(text.clone().into_bytes());
        let value = if self.list {
            // Envoy serializes a list as pairs of its items and nothing.
            let items = self
                .values
                .iter()
                .map(|item| (item.clone(), Property::from("")));
            Property::Map(items.collect())
        } else {
            self.values.first().map_or(Property::Group, bytes)
        };
        exchange.set_property(&path, value);
    }
}
