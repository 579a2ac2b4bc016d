//! Where a cluster leads to, as it is given on the command line: `https://host[:port]`.

use anyhow::{Result, bail, ensure};
use serde::Serialize;
use std::net::IpAddr;
use std::str::FromStr;

pub(super) const HTTPS_PORT: u16 = 443;
const HTTP_PORT: u16 = 80;

/// One address of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Endpoint {
    /// What it is called: what its certificate must be for, and what requests name.
    pub host: String,
    /// What is resolved.
    pub address: String,
    pub port: u16,
    pub tls: bool,
    /// Nothing has to be resolved.
    pub is_address: bool,
}

impl Endpoint {
    /// A service in the internet, by TLS.
    pub fn https(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            address: host.to_owned(),
            port: HTTPS_PORT,
            tls: true,
            is_address: false,
        }
    }

    /// Whether what is sent there stays on this machine.
    fn is_local(&self) -> bool {
        self.address
            .parse::<IpAddr>()
            .map_or(self.host == "localhost", |address| address.is_loopback())
    }

    /// Whether it may be reached as it is: in clear only on this machine, unless somebody says that the network is trusted.
    pub fn ensure_safe(&self, plaintext: bool) -> Result<()> {
        ensure!(
            self.tls || plaintext || self.is_local(),
            "http://{}:{} is beyond this machine and without TLS: use https, or say --plaintext where something else encrypts the way there",
            self.host,
            self.port
        );
        Ok(())
    }
}

impl FromStr for Endpoint {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        // The text is not repeated: somebody might write a password into it.
        let expected = "expected https://host[:port] or http://host[:port], without a path";
        let Ok(uri) = text.parse::<http::Uri>() else {
            bail!(expected)
        };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            bail!(expected)
        };
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => bail!(expected),
        };
        let clean = !authority.as_str().contains('@') && uri.query().is_none();
        ensure!(clean && matches!(uri.path(), "" | "/"), expected);
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_address = address.parse::<IpAddr>().is_ok();
        let is_name = host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        ensure!(!host.is_empty() && (is_address || is_name), expected);
        // A port that is none would be taken for one that is not given.
        let port = authority.port_u16();
        let has_port = port.is_some_and(|port| port != 0);
        ensure!(has_port || authority.as_str() == host, expected);
        ensure!(
            !(tls && is_address),
            "an address proves nothing: TLS needs the name that the certificate is for"
        );
        Ok(Self {
            host: host.to_owned(),
            address: address.to_owned(),
            port: port.unwrap_or(if tls { HTTPS_PORT } else { HTTP_PORT }),
            tls,
            is_address,
        })
    }
}

/// How Envoy finds a cluster's endpoints.
pub(super) fn discovery(endpoints: &[Endpoint]) -> &'static str {
    if endpoints.iter().all(|endpoint| endpoint.is_address) {
        "STATIC"
    } else if endpoints.len() == 1 {
        "LOGICAL_DNS"
    } else {
        "STRICT_DNS"
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn endpoints() {
        let seen = |text: &str| {
            let endpoint = Endpoint::from_str(text).unwrap();
            (endpoint.address, endpoint.port, endpoint.tls)
        };
        assert_eq!(seen("https://a.example"), ("a.example".into(), 443, true));
        assert_eq!(seen("https://a:8443/"), ("a".into(), 8443, true));
        assert_eq!(seen("http://127.0.0.1"), ("127.0.0.1".into(), 80, false));
        assert_eq!(seen("http://[::1]:81"), ("::1".into(), 81, false));
        for wrong in [
            "",
            "a",
            "a:443",
            "ftp://a",
            "https://",
            "https://a/v1",
            "https://a?x",
            "https://u:secret@a",
            "https://10.0.0.1",
            "https://a:99999",
            "https://a:0",
            "https://a:",
            "https://*.a",
        ] {
            let error = Endpoint::from_str(wrong).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn clear_text_stays_here() {
        let safe = |text: &str, plaintext| {
            let endpoint = Endpoint::from_str(text).unwrap();
            endpoint.ensure_safe(plaintext).is_ok()
        };
        assert!(safe("http://localhost:1", false) && safe("http://[::1]:1", false));
        assert!(safe("https://a", false) && safe("http://a", true));
        assert!(!safe("http://a", false) && !safe("http://10.0.0.1", false));
    }
}
