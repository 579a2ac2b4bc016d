//! Services that the policy has the module call, by names of clusters.

use super::endpoint::{Endpoint, discovery};
use super::policy::Policy;
use super::provider::Provider;
use anyhow::{Context, Result, ensure};
use portcullis_policy::config::Value;
use serde::Serialize;
use std::str::FromStr;

/// Where a cluster of the policy's is.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
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

/// A cluster that the policy names.
#[derive(Debug, Serialize)]
pub(super) struct Service {
    name: String,
    named_by: String,
    discovery: &'static str,
    tls: bool,
    pub endpoints: [Endpoint; 1],
}

/// The clusters that the policy names, each of which must be given, and no other.
pub(super) fn services(
    policy: &Policy,
    clusters: &[Cluster],
    providers: &[Provider],
    plaintext: bool,
) -> Result<Vec<Service>> {
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
        let given = clusters.iter().find(|cluster| cluster.name == name);
        let given = given.with_context(|| {
            format!("{named_by} names a cluster that Envoy has to know: --cluster {name}=https://host:port")
        })?;
        given.endpoint.ensure_safe(plaintext)?;
        services.push(Service {
            name: name.to_owned(),
            named_by,
            discovery: discovery(std::slice::from_ref(&given.endpoint)),
            tls: given.endpoint.tls,
            endpoints: [given.endpoint.clone()],
        });
    }
    for cluster in clusters {
        ensure!(
            services.iter().any(|service| service.name == cluster.name),
            "--cluster {}: the policy names no such cluster",
            cluster.name
        );
    }
    Ok(services)
}
