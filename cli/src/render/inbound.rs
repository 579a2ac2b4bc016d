//! Networks that may connect.

use portcullis_auth::Network;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A network that may connect.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Inbound {
    address: String,
    bits: u8,
}

impl FromStr for Inbound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Network::parse(text).map_err(|expected| format!("expected {expected}"))?;
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let whole = if address.contains(':') { 128 } else { 32 };
        Ok(Self {
            address: address.to_owned(),
            bits: bits.parse().unwrap_or(whole),
        })
    }
}

impl fmt::Display for Inbound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.bits)
    }
}
