//! Where a request may come from.

use std::net::IpAddr;

/// The addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
///
/// An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`, RFC 4291 section 2.5.5.2) is the IPv4 address, here and in requests: which
/// form a client's address arrives in depends on how the listener was bound, not on the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads `address/bits` or a single address.
    ///
    /// # Errors
    /// What was expected instead. Bits behind the prefix are an error, since the one who wrote them meant something else than what
    /// they say.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "an address or a network such as 10.0.0.0/8 or 2001:db8::/32";
        let (address, bits) = text
            .split_once('/')
            .map_or((text, None), |(address, bits)| (address, Some(bits)));
        let written: IpAddr = address.parse().map_err(|_| EXPECTED)?;
        let width = width(written);
        let mut bits = match bits {
            None => width,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().map_err(|_| EXPECTED)?
            }
            Some(_) => return Err(EXPECTED),
        };
        if bits > width {
            return Err(EXPECTED);
        }
        let mut address = written;
        let mapped_bits = 128 - 32;
        if let IpAddr::V6(_) = written
            && written.to_canonical().is_ipv4()
            && bits >= mapped_bits
        {
            address = written.to_canonical();
            bits -= mapped_bits;
        }
        let network = Self { address, bits };
        if network.has_bits_behind() {
            Err("a network without bits behind its prefix, as 10.0.0.0/8 is")
        } else {
            Ok(network)
        }
    }

    /// Whether an address lies in this network.
    #[must_use]
    pub fn contains(&self, source: IpAddr) -> bool {
        match (self.address, source.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits())
                    .checked_shr(32 - self.bits)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits())
                    .checked_shr(128 - self.bits)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    fn has_bits_behind(&self) -> bool {
        match self.address {
            IpAddr::V4(own) => own.to_bits().checked_shl(self.bits).unwrap_or(0) != 0,
            IpAddr::V6(own) => own.to_bits().checked_shl(self.bits).unwrap_or(0) != 0,
        }
    }
}

const fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// `allow_sources` and `deny_sources`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Who may call; `None`: everybody, empty: nobody.
    pub allow: Option<Vec<Network>>,
    /// Who may not, whatever `allow` says.
    pub deny: Vec<Network>,
}

impl Sources {
    /// Whether an address may call. Where lists exist, a request whose address is not known may not.
    #[must_use]
    pub fn allow(&self, source: Option<IpAddr>) -> bool {
        let Some(source) = source else {
            return self.allow.is_none() && self.deny.is_empty();
        };
        let within = |networks: &[Network]| networks.iter().any(|network| network.contains(source));
        !within(&self.deny) && self.allow.as_deref().is_none_or(within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts
            .iter()
            .map(|text| Network::parse(text).unwrap())
            .collect()
    }

    #[test]
    fn addresses_and_networks() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("10.0.0.0/8", "::10.0.0.1", false),
            ("::ffff:10.0.0.0/104", "10.1.1.1", true),
            ("192.168.1.7", "192.168.1.7", true),
            ("192.168.1.7", "192.168.1.6", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.9", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "::1", true),
        ] {
            assert_eq!(
                Network::parse(network)
                    .unwrap()
                    .contains(address.parse().unwrap()),
                expected,
                "{network} {address}"
            );
        }
    }

    #[test]
    fn what_is_no_network() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "::/129",
            "fe80::1%eth0",
            "localhost",
            "10.0.0.1/8",
        ] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deny_wins_and_the_unknown_may_not() {
        let at = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let sources = Sources {
            allow: Some(networks(&["10.0.0.0/8"])),
            deny: networks(&["10.6.6.0/24"]),
        };
        assert_eq!(
            [at("10.1.1.1"), at("10.6.6.6"), at("192.0.2.1"), None]
                .map(|source| sources.allow(source)),
            [true, false, false, false]
        );
        let deny_only = Sources {
            allow: None,
            deny: networks(&["10.6.6.0/24"]),
        };
        assert_eq!(
            [at("10.1.1.1"), at("10.6.6.6"), None].map(|source| deny_only.allow(source)),
            [true, false, false]
        );
        let nobody = Sources {
            allow: Some(Vec::new()),
            deny: Vec::new(),
        };
        assert!(!nobody.allow(at("10.1.1.1")));
        assert!(Sources::default().allow(None));
    }

    proptest! {
        #[test]
        fn a_network_holds_what_shares_its_prefix(own in any::<u32>(), other in any::<u32>(), bits in 0u32..=32) {
            let prefix = |address: u32| format!("{address:032b}").chars().take(bits as usize).collect::<String>();
            let base = Ipv4Addr::from_bits(own & u32::MAX.checked_shl(32 - bits).unwrap_or(0));
            let network = Network::parse(&format!("{base}/{bits}")).unwrap();
            prop_assert_eq!(network.contains(Ipv4Addr::from_bits(other).into()), prefix(own) == prefix(other));
            prop_assert!(network.contains(Ipv4Addr::from_bits(own).into()));
        }

        #[test]
        fn a_network_holds_what_shares_its_prefix_in_ipv6(own in any::<u128>(), other in any::<u128>(), bits in 0u32..=128) {
            let prefix = |address: u128| format!("{address:0128b}").chars().take(bits as usize).collect::<String>();
            let base = Ipv6Addr::from_bits(own & u128::MAX.checked_shl(128 - bits).unwrap_or(0));
            let network = Network::parse(&format!("{base}/{bits}")).unwrap();
            prop_assert_eq!(network.contains(Ipv6Addr::from_bits(other).into()), prefix(own) == prefix(other));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-f:./]{0,24}") {
            let _ = Network::parse(&text);
        }
    }
}
