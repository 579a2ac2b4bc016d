//! What stands around a policy in an Envoy configuration or an Istio resource, and opens what the policy closes: settings that no policy
//! document shows.

use super::report::{Place, Report};
use crate::policy_file::{self, PolicyText};
use crate::yaml::Node;
use portcullis_policy::config::Value;
use std::net::IpAddr;

/// What Envoy keeps of a body while a module inspects it, unless the listener says otherwise.
const BUFFER_BYTES_DEFAULT: f64 = 1_048_576.0;

/// Puts into `report` what is wrong around the policies of these documents.
pub(super) fn judge(documents: &[Node], report: &mut Report) {
    let mut judge = Judge { report };
    for document in documents {
        judge.visit(document);
        let secrets = document
            .field("static_resources")
            .and_then(|resources| resources.field("secrets"));
        for secret in secrets.map(Node::items).unwrap_or_default() {
            judge.secret(secret);
        }
    }
}

struct Judge<'a> {
    report: &'a mut Report,
}

/// A plugin that holds a policy of ours, and the policy.
struct Plugin<'a> {
    config: &'a Node,
    policy: PolicyText,
}

impl Judge<'_> {
    fn warn(&mut self, at: &Node, path: &str, check: &'static str, message: impl Into<String>) {
        let place = Place::at(at.line, path, check, message);
        self.report.warnings.push(place);
    }

    fn visit(&mut self, node: &Node) {
        if let Some(admin) = node.field("admin") {
            self.admin(admin);
        }
        let has_chains = chains(node).next().is_some();
        if has_chains && node.field("address").is_some() {
            self.listener(node);
        } else if node.field("load_assignment").is_some() {
            self.cluster(node);
        } else if is_a(node, "HttpConnectionManager") {
            self.connections(node);
        } else if node.field("kind").and_then(Node::text) == Some("WasmPlugin") {
            self.wasm_plugin(node);
        } else if let Some(plugin) = plugin(node) {
            self.plugin(&plugin);
        }
        for name in [
            "tls_minimum_protocol_version",
            "tls_maximum_protocol_version",
        ] {
            if let Some(version) = node.field(name)
                && let Some("TLSv1_0" | "TLSv1_1") = version.text()
            {
                let message = "TLS before 1.2 is broken: the guide asks for 1.2 at least";
                self.warn(version, name, "tls_old", message);
            }
        }
        if let Some(key) = node.field("private_key") {
            self.written_out(key, "private_key");
        }
        let children = node.entries().iter().map(|(_, child)| child);
        children
            .chain(node.items())
            .for_each(|child| self.visit(child));
    }

    fn admin(&mut self, admin: &Node) {
        if let Some(address) = open_address(admin) {
            let message = "Envoy's administration interface shows configuration and stops the proxy, and asks nobody who they are: bind it to 127.0.0.1";
            self.warn(address, "admin", "admin_open", message);
        }
    }

    fn listener(&mut self, listener: &Node) {
        let plugins = plugins(listener);
        let path = named("listener", listener);
        if plugins.is_empty() && !has_filter_elsewhere(listener) {
            return;
        }
        let mut addresses = ["address", "additional_addresses"]
            .iter()
            .filter_map(|name| listener.field(name));
        if addresses.any(|address| open_address(address).is_some()) {
            for chain in chains(listener).filter(|chain| chain.field("transport_socket").is_none())
            {
                let message = "keys and prompts come over the network without TLS: give the chain a `transport_socket`";
                self.warn(chain, &path, "listener_plain", message);
            }
        }
        let limit = listener.field("per_connection_buffer_limit_bytes");
        let bytes = limit.map_or(Some(BUFFER_BYTES_DEFAULT), number);
        let bodies = plugins.iter().map(|plugin| body_bytes_max(&plugin.policy));
        let largest = bodies.fold(0.0, f64::max);
        if bytes.is_some_and(|bytes| bytes < largest) {
            let message = format!(
                "`per_connection_buffer_limit_bytes` is below the {largest} bytes of `dlp.max_body_bytes`: Envoy refuses bodies (413, or 500 for answers) that the policy lets pass"
            );
            self.warn(limit.unwrap_or(listener), &path, "buffer_small", message);
        }
    }

    /// What one listener makes of its connections.
    fn connections(&mut self, manager: &Node) {
        let plugins = plugins(manager);
        if plugins.is_empty() {
            return;
        }
        if !manager.field("use_remote_address").is_some_and(is_true) {
            let message = "without `use_remote_address: true` the source is what `x-forwarded-for` says, so a client chooses its own";
            self.warn(manager, "use_remote_address", "source_chosen", message);
        }
        let records = |plugin: &Plugin<'_>| {
            let audit = plugin.policy.node.field("audit");
            audit.is_some_and(|audit| audit.field("sink").is_none())
        };
        if plugins.iter().any(records) && !mentions(manager, "portcullis.audit") {
            let message = "no access log writes `%FILTER_STATE(wasm.portcullis.audit:PLAIN)%` and the policy has no `audit.sink`: records go nowhere";
            self.warn(manager, "access_log", "record_unwritten", message);
        }
        let vm_id = |plugin: &Plugin<'_>| {
            let vm_id = plugin.config.field("vm_config")?.field("vm_id")?;
            vm_id.text().map(str::to_owned)
        };
        let mut ids = plugins.iter().map(vm_id);
        let first = ids.next().flatten();
        if ids.any(|other| other != first) {
            let message = "modules of one chain count together only under one `vm_id`: an address that one blocks, another lets in";
            self.warn(manager, "http_filters", "vm_ids_differ", message);
        }
    }

    /// How Envoy runs a module.
    fn plugin(&mut self, plugin: &Plugin<'_>) {
        let Plugin { config, policy } = plugin;
        let path = named("plugin", config);
        let failure = config.field("failure_policy");
        let opens = config.field("fail_open").is_some_and(is_true);
        self.failure(config, failure, opens, &path);
        let holds = holds_headers(policy);
        let may_hold = config
            .field("allow_on_headers_stop_iteration")
            .is_some_and(is_true);
        if holds && !may_hold {
            self.headers_stay(
                config,
                &path,
                "without `allow_on_headers_stop_iteration: true`",
            );
        } else if may_hold && !holds {
            let message = "Envoy may hold headers and the policy does not ask for it: say `envoy.hold_headers: true`, and providers hear nothing of refused requests";
            self.warn(config, &path, "headers_not_held", message);
        }
    }

    fn wasm_plugin(&mut self, resource: &Node) {
        let Some(spec) = resource.field("spec") else {
            return;
        };
        let config = spec.field("pluginConfig");
        let Some(policy) = config.and_then(policy_of) else {
            return;
        };
        let path = named("WasmPlugin", resource.field("metadata").unwrap_or(resource));
        self.failure(spec, spec.field("failStrategy"), false, &path);
        if holds_headers(&policy) {
            self.headers_stay(spec, &path, "and Istio's WasmPlugin cannot let it");
        }
    }

    /// A mistake, not a matter of taste: nothing gets through.
    fn headers_stay(&mut self, at: &Node, path: &str, why: &str) {
        let message = format!(
            "`envoy.hold_headers` holds headers {why}: every request with a body waits until its timeout"
        );
        let place = Place::at(at.line, path, "headers_stay", message);
        self.report.mistakes.push(place);
    }

    fn failure(&mut self, at: &Node, policy: Option<&Node>, opens: bool, path: &str) {
        match policy.and_then(Node::text) {
            Some("FAIL_OPEN") => self.fails_open(policy.unwrap_or(at), path),
            _ if opens => self.fails_open(at, path),
            Some("FAIL_RELOAD") => {}
            _ => {
                let message = "a module that failed stays away, and its worker refuses everything, until the configuration changes: `FAIL_RELOAD` starts it afresh";
                self.warn(policy.unwrap_or(at), path, "stays_down", message);
            }
        }
    }

    fn fails_open(&mut self, at: &Node, path: &str) {
        let message = "a module that failed lets everything through, without a key and unread: `FAIL_RELOAD` refuses, and starts it afresh";
        self.warn(at, path, "fails_open", message);
    }

    fn cluster(&mut self, cluster: &Node) {
        let path = named("cluster", cluster);
        let Some(address) = cluster.field("load_assignment").and_then(open_address) else {
            return;
        };
        if cluster.field("transport_socket").is_none()
            && cluster.field("transport_socket_matches").is_none()
        {
            let message = "what goes there, keys among it, can be read on the way: give the cluster a `transport_socket` with TLS";
            return self.warn(address, &path, "cluster_plain", message);
        }
        let Some(tls) = find(cluster, &|node| is_a(node, "UpstreamTlsContext")) else {
            return;
        };
        let has = |names: &[&str]| {
            let named = |node: &Node| names.iter().any(|name| node.field(name).is_some());
            find(cluster, &named).is_some()
        };
        // Either is a proof by itself, or comes from elsewhere.
        let pinned = has(&["verify_certificate_spki", "verify_certificate_hash"])
            || has(&[
                "validation_context_sds_secret_config",
                "custom_validator_config",
            ]);
        if !pinned && !has(&["trusted_ca", "system_root_certs"]) {
            let message =
                "Envoy believes any certificate: give the `validation_context` a `trusted_ca`";
            self.warn(tls, &path, "provider_unproven", message);
        } else if !pinned && !has(&["match_typed_subject_alt_names", "auto_sni_san_validation"]) {
            let message = "the certificate may be anybody's of that authority: name whose in `match_typed_subject_alt_names`, or say `auto_sni_san_validation: true`";
            self.warn(tls, &path, "provider_name_unproven", message);
        }
    }

    fn secret(&mut self, secret: &Node) {
        let path = named("secret", secret);
        if let Some(value) = secret
            .field("generic_secret")
            .and_then(|it| it.field("secret"))
        {
            self.written_out(value, &path);
        }
    }

    /// A secret that stands in the configuration itself.
    fn written_out(&mut self, source: &Node, path: &str) {
        let inline = ["inline_string", "inline_bytes"];
        if let Some(value) = inline.iter().find_map(|name| source.field(name)) {
            let message = "a secret stands in the configuration: take it from a file that a secrets manager writes, or from the environment";
            self.warn(value, path, "secret_inline", message);
        }
    }
}

/// The plugin that a node configures, when a policy of ours is in it.
fn plugin(config: &Node) -> Option<Plugin<'_>> {
    config.field("vm_config")?;
    let policy = policy_of(config.field("configuration")?.field("value")?)?;
    Some(Plugin { config, policy })
}

/// What cannot be read was said already where policies were looked for.
fn policy_of(config: &Node) -> Option<PolicyText> {
    policy_file::policy(config).ok().flatten()
}

/// All plugins with policies of ours within a node, in order.
fn plugins(node: &Node) -> Vec<Plugin<'_>> {
    if let Some(plugin) = plugin(node) {
        return vec![plugin];
    }
    let children = node.entries().iter().map(|(_, child)| child);
    children.chain(node.items()).flat_map(plugins).collect()
}

/// The filter may come from a file of its own, which this configuration does not show.
fn has_filter_elsewhere(listener: &Node) -> bool {
    find(listener, &|node| node.field("config_discovery").is_some()).is_some()
}

fn holds_headers(policy: &PolicyText) -> bool {
    let envoy = policy.node.field("envoy");
    envoy
        .and_then(|envoy| envoy.field("hold_headers"))
        .is_some_and(is_true)
}

/// The largest body that a policy lets pass.
fn body_bytes_max(policy: &PolicyText) -> f64 {
    let settings = portcullis_chain::Settings::read(&policy.document());
    settings.body_bytes_max as f64
}

/// What a listener makes of its connections, by where they come from.
fn chains(listener: &Node) -> impl Iterator<Item = &Node> {
    let chains = listener.field("filter_chains").map(Node::items);
    let others = listener.field("default_filter_chain");
    chains.unwrap_or_default().iter().chain(others)
}

/// The first address within a node that others than this machine reach; names are somebody else's.
fn open_address(node: &Node) -> Option<&Node> {
    let open = |node: &Node| {
        let text = node.field("address").and_then(Node::text);
        text.is_some_and(|text| {
            let local =
                text == "localhost" || text.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
            !local
        })
    };
    let is_open = |node: &Node| node.field("socket_address").is_some_and(open);
    find(node, &is_open)?
        .field("socket_address")?
        .field("address")
}

/// The first node, from the outside in, of which something is so.
fn find<'a>(node: &'a Node, is: &dyn Fn(&Node) -> bool) -> Option<&'a Node> {
    if is(node) {
        return Some(node);
    }
    let children = node.entries().iter().map(|(_, child)| child);
    children
        .chain(node.items())
        .find_map(|child| find(child, is))
}

fn mentions(node: &Node, word: &str) -> bool {
    let says = |node: &Node| node.text().is_some_and(|text| text.contains(word));
    find(node, &says).is_some()
}

/// Whether a node is a message of this name.
fn is_a(node: &Node, message: &str) -> bool {
    let kind = node.field("@type").and_then(Node::text);
    kind.and_then(|kind| kind.rsplit('.').next()) == Some(message)
}

fn is_true(node: &Node) -> bool {
    matches!(node.value(), Value::Bool(true))
}

fn number(node: &Node) -> Option<f64> {
    match node.value() {
        Value::Number(number) => Some(number),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// What it is, and its name where it has one.
fn named(kind: &str, node: &Node) -> String {
    let name = node.field("name").and_then(Node::text);
    name.map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"))
}
