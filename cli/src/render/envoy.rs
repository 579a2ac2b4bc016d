//! `portcullis render envoy`: a whole Envoy configuration.

use super::endpoint::{Endpoint, discovery};
use super::policy::{PARTS, Policy};
use super::provider::{self, Choice, Provider, Route};
use super::template;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use portcullis_auth::Network;
use portcullis_policy::config::Value;
use serde::Serialize;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

const TEMPLATE: &str = include_str!("envoy.yaml.j2");

/// What a connection may hold above the largest body that the policy takes, so that the policy answers one that is too large.
const BUFFER_MARGIN_BYTES: usize = 1 << 20;

/// What Envoy may take before it sheds load: 2 GiB, or room for this many of the largest bodies where they are larger.
const HEAP_BYTES_MIN: usize = 2 << 30;
const HEAP_BODIES: usize = 16;

/// The labels of the modules' metrics.
const LABELS: [&str; 7] = [
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
    /// The policy; `-` for standard input.
    file: PathBuf,

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
    /// Clients must have a certificate of this authority. Needed where the policy knows callers by certificate.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        help_heading = "Clients"
    )]
    client_ca: Option<String>,
    /// How many proxies in front of the gateway add to x-forwarded-for.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        help_heading = "Clients"
    )]
    trusted_hops: u8,
    /// Networks that may open a connection at all, as 10.0.0.0/8; the others are hung up on. With --trusted-hops: those of the proxies.
    #[arg(
        long,
        value_name = "NETWORK",
        value_delimiter = ',',
        help_heading = "Clients"
    )]
    inbound: Vec<Inbound>,
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
    /// The authorities that certificates of providers and services are checked with, a PEM file on Envoy's machine.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/ssl/certs/ca-certificates.crt",
        help_heading = "Providers"
    )]
    trusted_ca: String,
    /// Reach all that has TLS through this proxy, by CONNECT.
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Providers")]
    egress_proxy: Option<SocketAddr>,
    /// Where a cluster is that the policy names (audit.sink, notify).
    #[arg(long = "cluster", value_name = "NAME=URL", help_heading = "Providers")]
    clusters: Vec<Cluster>,
    /// Something else encrypts what goes beyond this machine in clear.
    #[arg(long, help_heading = "Providers")]
    plaintext: bool,

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
}

/// A network that may connect.
#[derive(Debug, Clone, Serialize)]
struct Inbound {
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

/// Where a cluster of the policy's is.
#[derive(Debug, Clone)]
struct Cluster {
    name: String,
    endpoint: Endpoint,
}

impl FromStr for Cluster {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, url) = text
            .split_once('=')
            .context("expected NAME=URL, as collector=https://collector.company.com:4318")?;
        Ok(Self {
            name: name.to_owned(),
            endpoint: url.parse()?,
        })
    }
}

/// A wasm filter.
#[derive(Debug, Serialize)]
struct Module {
    name: &'static str,
    file: String,
    environment: Vec<String>,
}

/// A cluster that the policy names.
#[derive(Debug, Serialize)]
struct Service {
    name: String,
    named_by: String,
    discovery: &'static str,
    tls: bool,
    endpoints: [Endpoint; 1],
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
    certificate: &'a str,
    key: &'a str,
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
    inbound: &'a [Inbound],
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
    labels: [&'static str; LABELS.len()],
}

impl Envoy {
    pub(super) fn text(&self) -> Result<String> {
        let mut policy = Policy::read(&self.file)?;
        // Held unless the policy says otherwise: then a refused answer has its real status, and a provider hears nothing of a refused request.
        let hold_headers = policy.hold_headers.unwrap_or(true);
        policy.settle(hold_headers);
        let providers = provider::providers(&self.providers, self.plaintext)?;
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
        let context = Known {
            file: self.file.display().to_string(),
            environment,
            listen: self.listen.into(),
            admin_port: self.admin_port,
            tls: self.tls(&policy)?,
            trusted_hops: self.trusted_hops,
            inbound: &self.inbound,
            jwt: self.jwt(&policy)?,
            buffer_bytes: body_bytes.saturating_add(BUFFER_MARGIN_BYTES),
            heap_bytes: HEAP_BYTES_MIN.max(body_bytes.saturating_mul(HEAP_BODIES)),
            audit_log: (self.audit_log != "-").then_some(&self.audit_log),
            modules,
            hold_headers,
            policy: policy.json()?,
            public_paths: &policy.settings().public_paths,
            routes: provider::routes(&providers),
            services: self.services(&policy, &providers)?,
            providers,
            secrets_dir: self.secrets_dir.as_deref(),
            trusted_ca: &self.trusted_ca,
            egress_proxy: self.egress_proxy.map(Address::from),
            labels: LABELS,
        };
        template::fill(TEMPLATE, context)
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
        let by_certificate = identities(policy, "certificate").next().is_some();
        ensure!(
            !by_certificate || self.client_ca.is_some(),
            "the policy knows callers by certificate (auth.identities), which Envoy has to verify: --client-ca"
        );
        let Some((certificate, key)) = self.tls_cert.as_deref().zip(self.tls_key.as_deref()) else {
            ensure!(
                self.plaintext || self.listen.ip().is_loopback(),
                "clients would send their keys to {} in clear: --tls-cert and --tls-key, or --plaintext where something else encrypts the way here",
                self.listen
            );
            return Ok(None);
        };
        Ok(Some(Tls {
            certificate,
            key,
            client_ca: self.client_ca.as_deref(),
        }))
    }

    fn jwt(&self, policy: &Policy) -> Result<Option<Jwt<'_>>> {
        const PAYLOAD_DEFAULT: &str = "jwt_payload";
        let names = identities(policy, "jwt").map(|jwt| {
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

    /// The clusters that the policy names, each of which must be given, and no other.
    fn services(&self, policy: &Policy, providers: &[Provider]) -> Result<Vec<Service>> {
        let mut services: Vec<Service> = Vec::new();
        for path in [&["audit", "sink", "cluster"][..], &["notify", "cluster"]] {
            let Some(name) = policy.at(path).and_then(Value::as_str) else {
                continue;
            };
            let named_by = path.join(".");
            if let Some(known) = services.iter_mut().find(|service| service.name == name) {
                known.named_by = format!("{}`, `{named_by}", known.named_by);
                continue;
            }
            ensure!(
                providers.iter().all(|provider| provider.name != name),
                "{named_by} names the cluster of a provider: call it otherwise"
            );
            let given = self.clusters.iter().find(|cluster| cluster.name == name);
            let given = given.with_context(|| {
                format!("{named_by} names a cluster that Envoy has to know: --cluster {name}=https://host:port")
            })?;
            given.endpoint.ensure_safe(self.plaintext)?;
            services.push(Service {
                name: name.to_owned(),
                named_by,
                discovery: discovery(std::slice::from_ref(&given.endpoint)),
                tls: given.endpoint.tls,
                endpoints: [given.endpoint.clone()],
            });
        }
        for cluster in &self.clusters {
            ensure!(
                services.iter().any(|service| service.name == cluster.name),
                "--cluster {}: the policy names no such cluster",
                cluster.name
            );
        }
        Ok(services)
    }
}

/// How the policy's identities are known: by `certificate`, by `jwt`.
fn identities<'a>(policy: &'a Policy, by: &'static str) -> impl Iterator<Item = &'a Value> {
    let identities = policy.items(&["auth", "identities"]);
    identities.iter().filter_map(move |rule| rule.get(by))
}
