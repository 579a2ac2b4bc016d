//! The resources of Kubernetes and Istio that are rendered, field by field as their API references have them: an unknown field or value is an
//! error. Sources: istio.io/latest/docs/reference/config (WasmPlugin, Gateway, VirtualService, ServiceEntry, DestinationRule,
//! AuthorizationPolicy, EnvoyFilter), kubernetes.io/docs/reference/kubernetes-api. Of Kubernetes' own, the fields that a gateway may have.

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
#[serde(tag = "kind")]
pub enum Resource {
    WasmPlugin(Object<WasmPlugin>),
    Gateway(Object<Gateway>),
    VirtualService(Object<VirtualService>),
    ServiceEntry(Object<ServiceEntry>),
    DestinationRule(Object<DestinationRule>),
    AuthorizationPolicy(Object<AuthorizationPolicy>),
    EnvoyFilter(Object<EnvoyFilter>),
    NetworkPolicy(Object<NetworkPolicy>),
    Deployment(Object<Deployment>),
    Service(Object<Service>),
    ConfigMap(ConfigMap),
    Namespace(Plain),
    ServiceAccount(Plain),
    Role(Role),
    RoleBinding(RoleBinding),
}

macro_rules! schema {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? })+) => {$(
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        $(#[$meta])*
        pub struct $name { $($(#[$field_meta])* pub $field: $type),* }
    )+};
}

macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),+ $(,)? })+) => {$(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),+ }
    )+};
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Object<S> {
    pub api_version: ApiVersion,
    pub metadata: Metadata,
    pub spec: S,
}

words! {
    ApiVersion {
        V1 = "v1", Apps = "apps/v1", Rbac = "rbac.authorization.k8s.io/v1", Policy = "networking.k8s.io/v1",
        Extensions = "extensions.istio.io/v1alpha1", Networking = "networking.istio.io/v1", NetworkingAlpha = "networking.istio.io/v1alpha3",
        Security = "security.istio.io/v1",
    }
    FailStrategy { FailClose = "FAIL_CLOSE", FailOpen = "FAIL_OPEN", FailReload = "FAIL_RELOAD" }
    Phase { Unspecified = "UNSPECIFIED_PHASE", Authn = "AUTHN", Authz = "AUTHZ", Stats = "STATS" }
    PluginType { Unspecified = "UNSPECIFIED_PLUGIN_TYPE", Http = "HTTP", Network = "NETWORK" }
    PullPolicy { Unspecified = "UNSPECIFIED_POLICY", IfNotPresent = "IfNotPresent", Always = "Always" }
    WorkloadMode { Undefined = "UNDEFINED", Client = "CLIENT", Server = "SERVER", Both = "CLIENT_AND_SERVER" }
    ValueFrom { Inline = "INLINE", Host = "HOST" }
    ServerTlsMode {
        Passthrough = "PASSTHROUGH", Simple = "SIMPLE", Mutual = "MUTUAL", AutoPassthrough = "AUTO_PASSTHROUGH",
        IstioMutual = "ISTIO_MUTUAL", OptionalMutual = "OPTIONAL_MUTUAL",
    }
    ClientTlsMode { Disable = "DISABLE", Simple = "SIMPLE", Mutual = "MUTUAL", IstioMutual = "ISTIO_MUTUAL" }
    TlsProtocol { Auto = "TLS_AUTO", V10 = "TLSV1_0", V11 = "TLSV1_1", V12 = "TLSV1_2", V13 = "TLSV1_3" }
    Location { External = "MESH_EXTERNAL", Internal = "MESH_INTERNAL" }
    Resolution { None = "NONE", Static = "STATIC", Dns = "DNS", RoundRobin = "DNS_ROUND_ROBIN" }
    Action { Allow = "ALLOW", Deny = "DENY", Audit = "AUDIT", Custom = "CUSTOM" }
    ApplyTo {
        Listener = "LISTENER", FilterChain = "FILTER_CHAIN", NetworkFilter = "NETWORK_FILTER", HttpFilter = "HTTP_FILTER",
        RouteConfiguration = "ROUTE_CONFIGURATION", VirtualHost = "VIRTUAL_HOST", HttpRoute = "HTTP_ROUTE", Cluster = "CLUSTER",
        ExtensionConfig = "EXTENSION_CONFIG", ListenerFilter = "LISTENER_FILTER",
    }
    PatchContext { Any = "ANY", Inbound = "SIDECAR_INBOUND", Outbound = "SIDECAR_OUTBOUND", Gateway = "GATEWAY" }
    Operation {
        Merge = "MERGE", Add = "ADD", Remove = "REMOVE", InsertBefore = "INSERT_BEFORE", InsertAfter = "INSERT_AFTER",
        InsertFirst = "INSERT_FIRST", Replace = "REPLACE",
    }
    FilterClass { Unspecified = "UNSPECIFIED", Authn = "AUTHN", Authz = "AUTHZ", Stats = "STATS" }
    Protocol { Tcp = "TCP", Udp = "UDP" }
    GatewayProtocol { Http = "HTTP", Https = "HTTPS", Grpc = "GRPC", Http2 = "HTTP2", Tcp = "TCP", Tls = "TLS" }
    PolicyType { Ingress = "Ingress", Egress = "Egress" }
    ServiceType { ClusterIp = "ClusterIP", NodePort = "NodePort", LoadBalancer = "LoadBalancer" }
    TrafficPolicyKind { Local = "Local", Cluster = "Cluster" }
}

schema! {
    Metadata { name: String, namespace: Option<String>, labels: Option<Map<String, Value>>, annotations: Option<Map<String, Value>> }
    Plain { api_version: ApiVersion, metadata: Metadata }
    ConfigMap { api_version: ApiVersion, metadata: Metadata, data: Map<String, Value> }
    Role { api_version: ApiVersion, metadata: Metadata, rules: Vec<PolicyRule> }
    PolicyRule { api_groups: Vec<String>, resources: Vec<String>, resource_names: Option<Vec<String>>, verbs: Vec<String> }
    RoleBinding { api_version: ApiVersion, metadata: Metadata, role_ref: RoleRef, subjects: Vec<Subject> }
    RoleRef { api_group: String, kind: String, name: String }
    Subject { kind: String, name: String, namespace: Option<String> }

    Selector { match_labels: Map<String, Value> }
    WasmPlugin {
        selector: Option<Selector>, target_refs: Option<Vec<Value>>, url: String, sha256: Option<String>, image_pull_policy: Option<PullPolicy>,
        image_pull_secret: Option<String>, plugin_config: Value, plugin_name: Option<String>, phase: Option<Phase>, priority: Option<i32>,
        fail_strategy: Option<FailStrategy>, vm_config: VmConfig, #[serde(rename = "match")] traffic: Option<Vec<TrafficSelector>>,
        #[serde(rename = "type")] plugin_type: Option<PluginType>,
    }
    VmConfig { env: Vec<EnvVar> }
    EnvVar { name: String, value_from: ValueFrom, value: Option<String> }
    TrafficSelector { mode: Option<WorkloadMode>, ports: Option<Vec<PortSelector>> }
    PortSelector { number: u16 }

    Gateway { servers: Vec<Server>, selector: Map<String, Value> }
    Server { port: Port, bind: Option<String>, hosts: Vec<String>, tls: Option<ServerTls>, default_endpoint: Option<String>, name: Option<String> }
    Port { number: u16, name: String, protocol: GatewayProtocol, target_port: Option<u16> }
    ServerTls {
        https_redirect: Option<bool>, mode: ServerTlsMode, server_certificate: Option<String>, private_key: Option<String>,
        ca_certificates: Option<String>, ca_crl: Option<String>, credential_name: Option<String>, subject_alt_names: Option<Vec<String>>,
        verify_certificate_spki: Option<Vec<String>>, verify_certificate_hash: Option<Vec<String>>,
        min_protocol_version: Option<TlsProtocol>, max_protocol_version: Option<TlsProtocol>, cipher_suites: Option<Vec<String>>,
    }

    VirtualService {
        hosts: Vec<String>, gateways: Option<Vec<String>>, http: Vec<HttpRoute>, tls: Option<Value>, tcp: Option<Value>,
        export_to: Option<Vec<String>>,
    }
    HttpRoute {
        name: Option<String>, #[serde(rename = "match")] matches: Option<Vec<HttpMatch>>, route: Option<Vec<RouteDestination>>, redirect: Option<Value>,
        direct_response: Option<DirectResponse>, delegate: Option<Value>, rewrite: Option<Rewrite>, timeout: Option<String>,
        retries: Option<Retries>, fault: Option<Value>, mirror: Option<Value>, mirrors: Option<Value>, cors_policy: Option<Value>,
        headers: Option<Headers>,
    }
    HttpMatch {
        name: Option<String>, uri: Option<StringMatch>, scheme: Option<StringMatch>, method: Option<StringMatch>, authority: Option<StringMatch>,
        headers: Option<Map<String, Value>>, port: Option<u16>, source_labels: Option<Value>, gateways: Option<Vec<String>>,
        query_params: Option<Value>, ignore_uri_case: Option<bool>, without_headers: Option<Map<String, Value>>,
        source_namespace: Option<String>, stat_prefix: Option<String>,
    }
    StringMatch { exact: Option<String>, prefix: Option<String>, regex: Option<String> }
    RouteDestination { destination: Destination, weight: Option<i32>, headers: Option<Headers> }
    Destination { host: String, subset: Option<String>, port: Option<PortSelector> }
    DirectResponse { status: u16, body: Option<Body> }
    Body { string: Option<String>, bytes: Option<String> }
    Rewrite { uri: Option<String>, authority: Option<String>, uri_regex_rewrite: Option<Value> }
    Retries { attempts: i32, per_try_timeout: Option<String>, retry_on: Option<String>, retry_remote_localities: Option<bool> }
    Headers { request: Option<HeaderOperations>, response: Option<HeaderOperations> }
    HeaderOperations { set: Option<Map<String, Value>>, add: Option<Map<String, Value>>, remove: Option<Vec<String>> }

    ServiceEntry {
        hosts: Vec<String>, addresses: Option<Vec<String>>, ports: Vec<Port>, location: Option<Location>, resolution: Resolution,
        endpoints: Option<Value>, workload_selector: Option<Value>, export_to: Option<Vec<String>>, subject_alt_names: Option<Vec<String>>,
    }
    DestinationRule {
        host: String, traffic_policy: TrafficPolicy, subsets: Option<Value>, export_to: Option<Vec<String>>, workload_selector: Option<Value>,
    }
    TrafficPolicy {
        load_balancer: Option<Value>, connection_pool: Option<ConnectionPool>, outlier_detection: Option<Value>, tls: ClientTls,
        port_level_settings: Option<Value>, tunnel: Option<Value>, proxy_protocol: Option<Value>,
    }
    ClientTls {
        mode: ClientTlsMode, client_certificate: Option<String>, private_key: Option<String>, ca_certificates: Option<String>,
        credential_name: Option<String>, subject_alt_names: Vec<String>, sni: String, #[serde(default)] insecure_skip_verify: bool,
        ca_crl: Option<String>,
    }
    ConnectionPool { tcp: Option<TcpPool>, http: Option<HttpPool> }
    TcpPool {
        max_connections: Option<i32>, connect_timeout: Option<String>, tcp_keepalive: Option<Value>, max_connection_duration: Option<String>,
        idle_timeout: Option<String>,
    }
    HttpPool {
        http1_max_pending_requests: Option<i32>, http2_max_requests: Option<i32>, max_requests_per_connection: Option<i32>,
        max_retries: Option<i32>, idle_timeout: Option<String>, h2_upgrade_policy: Option<String>, use_client_protocol: Option<bool>,
        max_concurrent_streams: Option<i32>,
    }

    AuthorizationPolicy {
        selector: Option<Selector>, target_refs: Option<Value>, rules: Vec<Rule>, action: Option<Action>, provider: Option<Value>,
    }
    Rule { from: Option<Vec<From>>, to: Option<Value>, when: Option<Value> }
    From { source: Source }
    Source {
        principals: Option<Vec<String>>, not_principals: Option<Vec<String>>, request_principals: Option<Vec<String>>,
        not_request_principals: Option<Vec<String>>, namespaces: Option<Vec<String>>, not_namespaces: Option<Vec<String>>,
        ip_blocks: Option<Vec<String>>, not_ip_blocks: Option<Vec<String>>, remote_ip_blocks: Option<Vec<String>>,
        not_remote_ip_blocks: Option<Vec<String>>,
    }

    EnvoyFilter {
        workload_selector: Option<LabelSelector>, target_refs: Option<Value>, config_patches: Vec<ConfigPatch>, priority: Option<i32>,
    }
    LabelSelector { labels: Map<String, Value> }
    ConfigPatch { apply_to: ApplyTo, #[serde(rename = "match")] object: Option<ObjectMatch>, patch: Patch }
    ObjectMatch {
        context: Option<PatchContext>, proxy: Option<Value>, listener: Option<ListenerMatch>, route_configuration: Option<Value>,
        cluster: Option<ClusterMatch>,
    }
    ListenerMatch {
        port_number: Option<u16>, filter_chain: Option<FilterChainMatch>, listener_filter: Option<String>, name: Option<String>,
    }
    FilterChainMatch {
        name: Option<String>, sni: Option<String>, transport_protocol: Option<String>, application_protocols: Option<String>,
        filter: Option<FilterMatch>, destination_port: Option<u16>,
    }
    FilterMatch { name: String, sub_filter: Option<Value> }
    ClusterMatch { port_number: Option<u16>, service: Option<String>, subset: Option<String>, name: Option<String> }
    Patch { operation: Operation, value: Value, filter_class: Option<FilterClass> }

    NetworkPolicy { pod_selector: Selector, policy_types: Vec<PolicyType>, ingress: Vec<Ingress>, egress: Vec<Egress> }
    Ingress { from: Option<Vec<Peer>>, ports: Option<Vec<PolicyPort>> }
    Egress { to: Option<Vec<Peer>>, ports: Option<Vec<PolicyPort>> }
    Peer { ip_block: Option<IpBlock>, namespace_selector: Option<MaybeSelector>, pod_selector: Option<MaybeSelector> }
    MaybeSelector { match_labels: Option<Map<String, Value>> }
    IpBlock { cidr: String, except: Option<Vec<String>> }
    PolicyPort { protocol: Protocol, port: u16, end_port: Option<u16> }

    Service {
        #[serde(rename = "type")] kind: ServiceType, selector: Map<String, Value>, ports: Vec<ServicePort>,
        external_traffic_policy: Option<TrafficPolicyKind>,
    }
    ServicePort { name: String, port: u16, target_port: u16, protocol: Option<Protocol> }

    Deployment { replicas: u32, selector: Selector, template: Template, strategy: Option<Value> }
    Template { metadata: TemplateMetadata, spec: PodSpec }
    TemplateMetadata { labels: Map<String, Value>, annotations: Map<String, Value> }
    PodSpec {
        service_account_name: String, termination_grace_period_seconds: Option<u64>, security_context: Option<PodSecurity>,
        containers: Vec<Container>, volumes: Vec<Volume>,
    }
    PodSecurity { sysctls: Vec<Named> }
    Named { name: String, value: String }
    Container {
        name: String, image: String, env: Vec<ContainerEnv>, security_context: ContainerSecurity, volume_mounts: Vec<VolumeMount>,
        resources: Option<Value>,
    }
    ContainerEnv { name: String, value: Option<String>, value_from: Option<EnvSource> }
    EnvSource { secret_key_ref: SecretKeyRef }
    SecretKeyRef { name: String, key: String, optional: Option<bool> }
    ContainerSecurity {
        capabilities: Capabilities, allow_privilege_escalation: bool, read_only_root_filesystem: bool, run_as_non_root: bool,
        run_as_user: u32, run_as_group: u32, privileged: Option<bool>,
    }
    Capabilities { drop: Vec<String>, add: Option<Vec<String>> }
    VolumeMount { name: String, mount_path: String, read_only: bool }
    Volume { name: String, config_map: Option<ConfigMapVolume>, secret: Option<SecretVolume> }
    ConfigMapVolume { name: String }
    SecretVolume { secret_name: String, default_mode: Option<u16>, optional: Option<bool> }
}
