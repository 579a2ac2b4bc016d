//! What every target is told.

use super::network::Network;
use super::service::Cluster;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Common {
    /// The policy; `-` for standard input.
    pub file: PathBuf,

    /// How many proxies in front of the gateway add to x-forwarded-for.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        help_heading = "Clients"
    )]
    pub trusted_hops: u8,
    /// Networks that may open a connection at all, as 10.0.0.0/8. With --trusted-hops: those of the proxies.
    #[arg(
        long,
        value_name = "NETWORK",
        value_delimiter = ',',
        help_heading = "Clients"
    )]
    pub inbound: Vec<Network>,

    /// The authorities that certificates of providers and services are checked with, a PEM file where Envoy runs.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/ssl/certs/ca-certificates.crt",
        help_heading = "Providers"
    )]
    pub trusted_ca: String,
    /// Where a cluster is that the policy names (audit.sink, notify).
    #[arg(long = "cluster", value_name = "NAME=URL", help_heading = "Providers")]
    pub clusters: Vec<Cluster>,
    /// Something else encrypts what would go beyond the gateway's machine in clear.
    #[arg(long, help_heading = "Providers")]
    pub plaintext: bool,
}
