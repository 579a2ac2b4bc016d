//! `portcullis render envoy`: a whole Envoy configuration.

use super::common::Common;
use super::network::Network;
use super::policy::{PARTS, Policy};
use super::provider::{self, Choice, Provider, Route};
use super::service::{Service, services};
use super::template;
use anyhow::{Result, bail, ensure};
use clap::Args;
use portcullis_policy::config::Value;
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::str::FromStr;

const TEMPLATE: &str = include_str!("templates/envoy.yaml.j2");
const FIREWALL_TEMPLATE: &str = include_str!("templates/firewall.nft.j2");
const FILTER_TEMPLATE: &str = include_str!("templates/filter.yaml.j2");

/// What a connection may hold above the largest body that the policy takes, so that the policy answers one that is too large.
pub(super) const BUFFER_MARGIN_BYTES: usize = 1 << 20;

/// What Envoy may take before it sheds load: 2 GiB, or room for this many of the largest bodies where they are larger.
const HEAP_BYTES_MIN: usize = 2 << 30;
const HEAP_BODIES: usize = 16;

/// The labels of the modules' metrics.
pub(super) const LABELS: [&str; 7] = [
    "decision",
    "reason",
    "direction",
    "rule",
    "action",
    "alert",
    "outcome",
];

/// Write a complete Envoy configuration (Envoy 1.40 or later) around a policy to standard output.
///
/// Listener, wasm filter with the policy, routes, clusters of the providers with verified TLS, limits, audit log and metrics; each setting
/// says why it is there. It listens on this machine only until it is told otherwise. `envoy --mode validate` checks it together with
/// the modules and the environment.
#[derive(Debug, Args)]
pub(crate) struct Envoy {
    /// Where the gateway listens. Beyond this machine it needs --tls-cert, or --plaintext.
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:4000",
        help_heading = "Clients"
    )]
    listen: SocketAddr,
    /// The gateway's certificate with its chain, a PEM file on Envoy's machine.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        help_heading = "Clients"
    )]
    tls_cert: Option<String>,
    /// The certificate's private key.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        help_heading = "Clients"
    )]
    tls_key: Option<String>,
    /// The certificate as a secret of Envoy's named gateway_tls (SDS), in a file that is followed: renewed without a restart.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "tls_cert",
        help_heading = "Clients"
    )]
    tls_secret: Option<Followed>,
    /// Clients must have a certificate of this authority. Needed where the policy knows callers by certificate.
    #[arg(long, value_name = "FILE", help_heading = "Clients")]
    client_ca: Option<String>,
    /// The issuer of JSON Web Tokens. Needed where the policy knows callers by token.
    #[arg(long, value_name = "URL", requires = "jwks", help_heading = "Clients")]
    jwt_issuer: Option<String>,
    /// The issuer's public keys, a JSON Web Key Set on Envoy's machine.
    #[arg(
        long,
        value_name = "FILE",
        requires = "jwt_issuer",
        help_heading = "Clients"
    )]
    jwks: Option<String>,
    /// For whom a token must have been made; any of these.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        requires = "jwt_issuer",
        help_heading = "Clients"
    )]
    jwt_audience: Vec<String>,

    /// A provider (anthropic, openai), at its own host or at these, in order: the next ones are used while those before them fail. Both
    /// when none is given.
    #[arg(
        long = "provider",
        value_name = "NAME[=URL,…]",
        help_heading = "Providers"
    )]
    providers: Vec<Choice>,
    /// A folder with the providers' keys as Envoy's secrets (SDS), one file each, followed as they are replaced. Without it keys come from
    /// the environment: ANTHROPIC_API_KEY, OPENAI_API_KEY.
    #[arg(long, value_name = "FOLDER", help_heading = "Providers")]
    secrets_dir: Option<String>,
    /// Reach all that has TLS through this proxy, by CONNECT.
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Providers")]
    egress_proxy: Option<SocketAddr>,

    /// The folder with the modules, on Envoy's machine.
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "target/plugins",
        help_heading = "Envoy"
    )]
    modules: String,
    /// Four modules of one policy each instead of gateway.wasm, to put filters of your own between them.
    #[arg(long, help_heading = "Envoy")]
    chain: bool,
    /// The filter with the policy in a file of its own that Envoy follows: a changed policy needs no restart. --filter writes that file.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "chain",
        help_heading = "Envoy"
    )]
    follow: Option<Followed>,
    /// Write the file of --follow instead of the configuration.
    #[arg(long, conflicts_with = "chain", help_heading = "Envoy")]
    filter: bool,
    /// Write rules for nftables instead, for a machine on which Envoy runs as this user: who reaches the gateway (--inbound), whom it reaches.
    #[arg(
        long,
        value_name = "USER",
        conflicts_with = "filter",
        help_heading = "Envoy"
    )]
    firewall: Option<User>,
    /// The file that audit records go to; `-` for Envoy's standard output.
    #[arg(long, value_name = "FILE", default_value = "-", help_heading = "Envoy")]
    audit_log: String,
    /// The port of Envoy's administration interface, on 127.0.0.1.
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 9901,
        help_heading = "Envoy"
    )]
    admin_port: u16,

    #[command(flatten)]
    common: Common,
}

/// A file on Envoy's machine that Envoy follows: it looks when one is moved into the folder.
#[derive(Debug, Clone, Serialize)]
struct Followed {
    path: String,
    folder: String,
}

impl FromStr for Followed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.rsplit_once('/') {
            Some((folder, name)) if !folder.is_empty() && !name.is_empty() => Ok(Self {
                path: text.to_owned(),
                folder: folder.to_owned(),
            }),
            Some(_) | None => Err("expected a file in a folder, as /etc/portcullis/filter.yaml"),
        }
    }
}

/// A user of the machine, by name or number.
#[derive(Debug, Clone, Serialize)]
struct User(String);

impl FromStr for User {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !text.is_empty() && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected the name or number of a user")
        }
    }
}

/// A wasm filter.
#[derive(Debug, Serialize)]
struct Module {
    name: &'static str,
    file: String,
    environment: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Address {
    address: String,
    port: u16,
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self {
            address: address.ip().to_string(),
            port: address.port(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Tls<'a> {
    certificate: Option<&'a str>,
    key: Option<&'a str>,
    secret: Option<&'a Followed>,
    client_ca: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Jwt<'a> {
    issuer: &'a str,
    keys: &'a str,
    audiences: &'a [String],
    payload: String,
}

/// What the template knows.
#[derive(Debug, Serialize)]
struct Known<'a> {
    file: String,
    environment: BTreeSet<String>,
    listen: Address,
    admin_port: u16,
    tls: Option<Tls<'a>>,
    trusted_hops: u8,
    inbound: &'a [Network],
    jwt: Option<Jwt<'a>>,
    buffer_bytes: usize,
    heap_bytes: usize,
    audit_log: Option<&'a str>,
    modules: Vec<Module>,
    hold_headers: bool,
    policy: String,
    public_paths: &'a [String],
    routes: Vec<Route>,
    providers: Vec<Provider>,
    services: Vec<Service>,
    secrets_dir: Option<&'a str>,
    trusted_ca: &'a str,
    egress_proxy: Option<Address>,
    follow: Option<&'a Followed>,
    filter: bool,
    firewall: Option<&'a User>,
    inbound_v4: Vec<String>,
    inbound_v6: Vec<String>,
    egress_is_v6: bool,
    provider_ports: BTreeSet<u16>,
    labels: [&'static str; LABELS.len()],
}

impl Envoy {
    pub(super) fn text(&self) -> Result<String> {
        let mut policy = Policy::read(&self.common.file)?;
        // Held unless the policy says otherwise: then a refused answer has its real status, and a provider hears nothing of a refused request.
        let hold_headers = policy.hold_headers.unwrap_or(true);
        policy.settle(hold_headers);
        let providers = provider::providers(&self.providers, self.common.plaintext)?;
        let modules = self.modules(&policy);
        let mut environment: BTreeSet<String> = modules
            .iter()
            .flat_map(|module| module.environment.clone())
            .collect();
        if self.secrets_dir.is_none() {
            environment.extend(
                providers
                    .iter()
                    .map(|provider| provider.variable.to_owned()),
            );
        }
        let body_bytes = policy.settings().body_bytes_max;
        let endpoints = providers.iter().flat_map(|provider| &provider.endpoints);
        let provider_ports = endpoints.map(|endpoint| endpoint.port).collect();
        let (v6, v4): (Vec<&Network>, Vec<&Network>) = self
            .common
            .inbound
            .iter()
            .partition(|network| network.is_v6());
        let context = Known {
            file: self.common.file.display().to_string(),
            environment,
            listen: self.listen.into(),
            admin_port: self.admin_port,
            tls: self.tls(&policy)?,
            trusted_hops: self.common.trusted_hops,
            inbound: &self.common.inbound,
            jwt: self.jwt(&policy)?,
            buffer_bytes: body_bytes.saturating_add(BUFFER_MARGIN_BYTES),
            heap_bytes: HEAP_BYTES_MIN.max(body_bytes.saturating_mul(HEAP_BODIES)),
            audit_log: (self.audit_log != "-").then_some(&self.audit_log),
            modules,
            hold_headers,
            policy: policy.json()?,
            public_paths: &policy.settings().public_paths,
            routes: provider::routes(&providers),
            services: services(
                &policy,
                &self.common.clusters,
                &providers,
                self.common.plaintext,
            )?,
            providers,
            secrets_dir: self.secrets_dir.as_deref(),
            trusted_ca: &self.common.trusted_ca,
            egress_proxy: self.egress_proxy.map(Address::from),
            follow: self.follow.as_ref(),
            filter: self.filter,
            firewall: self.firewall.as_ref(),
            inbound_v4: v4.iter().map(ToString::to_string).collect(),
            inbound_v6: v6.iter().map(ToString::to_string).collect(),
            egress_is_v6: self.egress_proxy.is_some_and(|proxy| proxy.is_ipv6()),
            provider_ports,
            labels: LABELS,
        };
        let template = match (self.filter, &self.firewall) {
            (true, _) => FILTER_TEMPLATE,
            (false, Some(_)) => FIREWALL_TEMPLATE,
            (false, None) => TEMPLATE,
        };
        template::fill(template, context)
    }

    fn modules(&self, policy: &Policy) -> Vec<Module> {
        let names: &[&'static str] = if self.chain { &PARTS } else { &["gateway"] };
        let modules = names.iter().map(|name| Module {
            name,
            file: format!("{}/{name}.wasm", self.modules),
            environment: policy.environment(name),
        });
        modules.collect()
    }

    fn tls(&self, policy: &Policy) -> Result<Option<Tls<'_>>> {
        let by_certificate = policy.identities("certificate").next().is_some();
        ensure!(
            !by_certificate || self.client_ca.is_some(),
            "the policy knows callers by certificate (auth.identities), which Envoy has to verify: --client-ca"
        );
        if self.tls_cert.is_some() || self.tls_secret.is_some() {
            return Ok(Some(Tls {
                certificate: self.tls_cert.as_deref(),
                key: self.tls_key.as_deref(),
                secret: self.tls_secret.as_ref(),
                client_ca: self.client_ca.as_deref(),
            }));
        }
        ensure!(
            self.client_ca.is_none(),
            "--client-ca needs a listener with TLS: --tls-cert and --tls-key, or --tls-secret"
        );
        ensure!(
            self.common.plaintext || self.listen.ip().is_loopback(),
            "clients would send their keys to {} in clear: --tls-cert and --tls-key, or --tls-secret, or --plaintext where something else encrypts the way here",
            self.listen
        );
        Ok(None)
    }

    fn jwt(&self, policy: &Policy) -> Result<Option<Jwt<'_>>> {
        const PAYLOAD_DEFAULT: &str = "jwt_payload";
        let names = policy.identities("jwt").map(|jwt| {
            jwt.get("payload")
                .and_then(Value::as_str)
                .unwrap_or(PAYLOAD_DEFAULT)
        });
        let names: BTreeSet<&str> = names.collect();
        let Some((issuer, keys)) = self.jwt_issuer.as_deref().zip(self.jwks.as_deref()) else {
            ensure!(
                names.is_empty(),
                "the policy knows callers by token (auth.identities), which Envoy has to verify: --jwt-issuer and --jwks"
            );
            return Ok(None);
        };
        let mut names = names.into_iter();
        let payload = names.next().unwrap_or(PAYLOAD_DEFAULT).to_owned();
        if names.next().is_some() {
            bail!(
                "the policy reads the claims of several payloads (auth.identities), and one issuer's can be rendered: add a provider to jwt_authn for each other one"
            );
        }
        Ok(Some(Jwt {
            issuer,
            keys,
            audiences: &self.jwt_audience,
            payload,
        }))
    }
}
