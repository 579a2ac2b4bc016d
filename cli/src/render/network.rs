//! Networks, as proxies write them.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Network {
    address: String,
    bits: u8,
}

impl Network {
    pub fn is_v6(&self) -> bool {
        self.address.contains(':')
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        portcullis_auth::Network::parse(text).map_err(|expected| format!("expected {expected}"))?;
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let whole = if address.contains(':') { 128 } else { 32 };
        Ok(Self {
            address: address.to_owned(),
            bits: bits.parse().unwrap_or(whole),
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.bits)
    }
}
