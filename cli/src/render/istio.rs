//! `portcullis render istio`: a gateway of a mesh, with the module as a `WasmPlugin`.

use super::common::Common;
use super::endpoint::HTTPS_PORT;
use super::envoy::{BUFFER_MARGIN_BYTES, LABELS};
use super::network::Network;
use super::policy::Policy;
use super::provider::{self, Choice, Provider, Route};
use super::service::{Service, services};
use super::template;
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::collections::BTreeSet;

const TEMPLATE: &str = include_str!("templates/istio.yaml.j2");

/// Where the providers' keys are mounted.
const SECRETS_DIR: &str = "/etc/portcullis/providers";

/// The digest of an image, in hexadecimal digits.
const DIGEST_DIGITS: usize = 64;

/// Write the resources of a guarded gateway in an Istio mesh around a policy to standard output.
///
/// A WasmPlugin with the policy, and what it needs beside it: the gateway's deployment, Gateway and VirtualService, the providers with verified TLS and
/// their keys, the audit log, firewall and network policy. Nothing is applied: `kubectl apply -f` does that.
#[derive(Debug, Args)]
pub(crate) struct Istio {
    /// The module's image, as `cargo xtask image` makes it: oci://registry/repository:tag.
    #[arg(long, value_name = "URL", help_heading = "Module")]
    url: String,
    /// The digest of the image (`cargo xtask image` tells it). Not needed where the URL ends with `@sha256:…`.
    #[arg(long, value_name = "DIGEST", help_heading = "Module")]
    sha256: Option<String>,
    /// The secret that the image is pulled with.
    #[arg(long, value_name = "SECRET", help_heading = "Module")]
    pull_secret: Option<String>,
    /// Where in the chain of filters the module stands.
    #[arg(long, value_enum, default_value = "authn", help_heading = "Module")]
    phase: Phase,
    /// What happens when the module fails, and requests are refused: it starts afresh at the next one (reload), or stays down until it is configured
    /// anew (close: all that Istio before 1.27 has). Never open.
    #[arg(long, value_enum, default_value = "reload", help_heading = "Module")]
    fail_strategy: FailStrategy,

    /// The name that clients call the gateway by.
    #[arg(long, value_name = "NAME", help_heading = "Clients")]
    host: String,
    /// The secret with the gateway's certificate.
    #[arg(
        long,
        value_name = "SECRET",
        default_value = "llm-gateway-tls",
        help_heading = "Clients"
    )]
    tls_secret: String,
    /// Clients must have a certificate of the authority in the secret's ca.crt. Needed where the policy knows callers by certificate.
    #[arg(long, help_heading = "Clients")]
    mutual: bool,

    /// A provider (anthropic, openai), at its own host or at this one. Both when none is given.
    #[arg(
        long = "provider",
        value_name = "NAME[=URL]",
        help_heading = "Providers"
    )]
    providers: Vec<Choice>,
    /// Private networks that the gateway may reach, too: that of the image's registry, of a provider's private endpoint.
    #[arg(
        long,
        value_name = "NETWORK",
        value_delimiter = ',',
        help_heading = "Providers"
    )]
    egress: Vec<Network>,

    /// The namespace of all of it.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "llm-gateway",
        help_heading = "Kubernetes"
    )]
    namespace: String,
    /// The secret with the environment variables that the policy names.
    #[arg(
        long,
        value_name = "SECRET",
        default_value = "portcullis",
        help_heading = "Kubernetes"
    )]
    environment_secret: String,
    /// The secret with the providers' keys, each a file of Envoy's (SDS).
    #[arg(
        long,
        value_name = "SECRET",
        default_value = "portcullis-providers",
        help_heading = "Kubernetes"
    )]
    providers_secret: String,
    /// How many gateways. Each counts limits by itself.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 1,
        help_heading = "Kubernetes"
    )]
    replicas: u16,
    /// How the gateway is reached.
    #[arg(
        long,
        value_enum,
        default_value = "cluster-ip",
        help_heading = "Kubernetes"
    )]
    service_type: ServiceType,

    #[command(flatten)]
    common: Common,
}

/// `PluginPhase` of the WasmPlugin.
#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Phase {
    /// Before Istio's authentication: the policy sees every request
    Authn,
    /// Behind Istio's authentication, before its authorization
    Authz,
    /// Behind Istio's authorization
    Stats,
}

/// `FailStrategy` of the WasmPlugin, without the one that is open.
#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
enum FailStrategy {
    #[serde(rename = "FAIL_CLOSE")]
    Close,
    #[serde(rename = "FAIL_RELOAD")]
    Reload,
}

/// `type` of the Service.
#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
enum ServiceType {
    #[serde(rename = "ClusterIP")]
    ClusterIp,
    LoadBalancer,
}

/// What the template knows.
#[derive(Debug, Serialize)]
struct Known<'a> {
    file: String,
    url: &'a str,
    sha256: &'a str,
    pull_secret: Option<&'a str>,
    phase: Phase,
    fail_strategy: FailStrategy,
    environment: Vec<String>,
    policy: String,
    public_paths: &'a [String],
    buffer_bytes: usize,
    host: &'a str,
    tls_secret: &'a str,
    mutual: bool,
    trusted_hops: u8,
    inbound: &'a [Network],
    blocks: Vec<String>,
    routes: Vec<Route>,
    providers: Vec<Provider>,
    services: Vec<Service>,
    egress_blocks: Vec<String>,
    egress_ports: BTreeSet<u16>,
    egress_proxy: Option<()>,
    trusted_ca: &'a str,
    secrets_dir: &'static str,
    namespace: &'a str,
    environment_secret: &'a str,
    providers_secret: &'a str,
    replicas: u16,
    service_type: ServiceType,
    labels: [&'static str; LABELS.len()],
}

impl Istio {
    pub(super) fn text(&self) -> Result<String> {
        let mut policy = Policy::read(&self.common.file)?;
        // Istio cannot tell Envoy to hold headers; a module that believes it could would wait for bodies that never come.
        policy.settle(false);
        let mut providers = provider::providers(&self.providers, false)?;
        for provider in &mut providers {
            let one = provider.endpoints.len() == 1;
            let tls = provider.endpoints.iter().all(|endpoint| endpoint.tls);
            ensure!(
                one && tls,
                "--provider {}: in a mesh a provider has one endpoint, with TLS",
                provider.name
            );
            // What the DestinationRule's TLS does not agree on is not spoken.
            provider.http2 = false;
        }
        let hosts: BTreeSet<&str> = providers
            .iter()
            .flat_map(|provider| &provider.endpoints)
            .map(|endpoint| endpoint.host.as_str())
            .collect();
        ensure!(
            hosts.len() == providers.len(),
            "--provider: in a mesh each provider has a host of its own, by which its key is told"
        );
        ensure!(
            self.mutual || policy.identities("certificate").next().is_none(),
            "the policy knows callers by certificate (auth.identities), which the gateway has to verify: --mutual"
        );
        ensure!(
            policy.identities("jwt").next().is_none(),
            "the policy knows callers by token (auth.identities), which is not rendered for Istio: it needs jwt_authn before the module, as docs/access.md says"
        );
        let body_bytes = policy.settings().body_bytes_max;
        let endpoints = providers.iter().flat_map(|provider| &provider.endpoints);
        let mut egress_ports: BTreeSet<u16> = endpoints.map(|endpoint| endpoint.port).collect();
        egress_ports.insert(self.registry_port());
        let known = Known {
            file: self.common.file.display().to_string(),
            url: &self.url,
            sha256: self.digest()?,
            pull_secret: self.pull_secret.as_deref(),
            phase: self.phase,
            fail_strategy: self.fail_strategy,
            environment: policy.environment("gateway"),
            policy: policy.json()?,
            public_paths: &policy.settings().public_paths,
            buffer_bytes: body_bytes.saturating_add(BUFFER_MARGIN_BYTES),
            host: &self.host,
            tls_secret: &self.tls_secret,
            mutual: self.mutual,
            trusted_hops: self.common.trusted_hops,
            inbound: &self.common.inbound,
            blocks: self
                .common
                .inbound
                .iter()
                .map(ToString::to_string)
                .collect(),
            routes: provider::routes(&providers),
            services: services(
                &policy,
                &self.common.clusters,
                &providers,
                self.common.plaintext,
            )?,
            providers,
            egress_blocks: self.egress.iter().map(ToString::to_string).collect(),
            egress_ports,
            egress_proxy: None,
            trusted_ca: &self.common.trusted_ca,
            secrets_dir: SECRETS_DIR,
            namespace: &self.namespace,
            environment_secret: &self.environment_secret,
            providers_secret: &self.providers_secret,
            replicas: self.replicas,
            service_type: self.service_type,
            labels: LABELS,
        };
        template::fill(TEMPLATE, known)
    }

    /// The port of the image's registry.
    fn registry_port(&self) -> u16 {
        let uri = self.url.parse::<http::Uri>().ok();
        let port = uri.and_then(|uri| uri.port_u16());
        port.unwrap_or(HTTPS_PORT)
    }

    /// The digest that pins the image.
    fn digest(&self) -> Result<&str> {
        let in_url = self.url.split_once("@sha256:").map(|(_, digest)| digest);
        let given = self
            .sha256
            .as_deref()
            .map(|digest| digest.trim_start_matches("sha256:"));
        let digest = given.or(in_url).context(
            "a tag can be moved to another image: --sha256 with the digest that `cargo xtask image` tells, or a URL that ends with @sha256:…",
        )?;
        ensure!(
            in_url.is_none_or(|other| other == digest),
            "--sha256 is not the digest in the URL"
        );
        let plain = digest
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ensure!(
            plain && digest.len() == DIGEST_DIGITS,
            "--sha256: expected {DIGEST_DIGITS} hexadecimal digits, in lower case"
        );
        Ok(digest)
    }
}
