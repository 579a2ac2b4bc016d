//! An OpenTelemetry collector for tests: takes logs as OTLP defines them (<https://opentelemetry.io/docs/specs/otlp/>), by HTTP with JSON and by
//! gRPC, and keeps what came. The messages are OpenTelemetry's own (`opentelemetry-proto`), so what is no OTLP is not taken.

mod grpc;
mod http;

use anyhow::{Context, Result};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;

/// A log record as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `service.name` of the resource; empty without one.
    pub service: String,
    /// `eventName`.
    pub event: String,
    /// Nanoseconds since 1970.
    pub time_ns: u64,
    /// The body's text.
    pub body: String,
}

#[derive(Default)]
struct State {
    records: Vec<Record>,
    /// What HTTP requests are answered with; 200 unless set.
    refuses: Option<u16>,
    /// Bodies that were no OTLP.
    misunderstood: Vec<String>,
}

/// What both servers write into.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<State>>);

impl Store {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A running collector; gone when dropped.
pub struct Collector {
    store: Store,
    http: SocketAddr,
    grpc: SocketAddr,
    _runtime: Runtime,
}

impl Collector {
    /// Starts one on free ports of the loopback interface.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let store = Store::default();
        let (http, grpc) = runtime.block_on(async {
            let http = http::serve(store.clone()).await?;
            let grpc = grpc::serve(store.clone()).await?;
            anyhow::Ok((http, grpc))
        })?;
        Ok(Self {
            store,
            http,
            grpc,
            _runtime: runtime,
        })
    }

    /// Where `POST /v1/logs` is served.
    #[must_use]
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where `opentelemetry.proto.collector.logs.v1.LogsService` is served.
    #[must_use]
    pub const fn grpc(&self) -> SocketAddr {
        self.grpc
    }

    /// From now on HTTP requests are answered with this status and not taken; `None`: they are taken again.
    pub fn refuse(&self, status: Option<u16>) {
        self.store.with(|state| state.refuses = status);
    }

    /// What came so far, in order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.store.with(|state| state.records.clone())
    }

    /// What came that was no OTLP.
    #[must_use]
    pub fn misunderstood(&self) -> Vec<String> {
        self.store.with(|state| state.misunderstood.clone())
    }
}

/// The records of a request in OTLP's JSON encoding.
///
/// # Errors
/// When it is not one.
pub fn parse(json: &[u8]) -> Result<Vec<Record>> {
    let request: ExportLogsServiceRequest = serde_json::from_slice(json).context("not OTLP")?;
    Ok(records(request))
}

fn records(request: ExportLogsServiceRequest) -> Vec<Record> {
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        _ => String::new(),
    };
    let mut records = Vec::new();
    for of_resource in request.resource_logs {
        let attributes = of_resource.resource.map(|resource| resource.attributes);
        let mut attributes = attributes.into_iter().flatten();
        let service = attributes.find(|one| one.key == "service.name");
        let service = text(service.and_then(|one| one.value?.value));
        let logs = of_resource
            .scope_logs
            .into_iter()
            .flat_map(|scope| scope.log_records);
        records.extend(logs.map(|log| Record {
            service: service.clone(),
            event: log.event_name,
            time_ns: log.time_unix_nano,
            body: text(log.body.and_then(|body| body.value)),
        }));
    }
    records
}
