//! The server: threads, the listener, connections, and their end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

use crate::record::Received;
use crate::script::Script;
use crate::stub::{Keys, Stub};
use crate::totals::Totals;
use crate::{api, exchange};

/// How long answers under way may take to end when the stub stops.
pub const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// The pause after a failed accept, so that a lack of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// The largest header section over HTTP/2: scripts travel in headers.
const HTTP2_HEADER_BYTES_MAX: u32 = 1024 * 1024;

/// How a stub is started.
#[derive(Clone, Debug)]
pub struct Builder {
    keys: Keys,
    record: bool,
    workers: usize,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            keys: Keys::default(),
            record: true,
            workers: 1,
        }
    }
}

impl Builder {
    /// The only key that is let in, by every provider without a key of its own. Without keys, any is let in.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Builder {
        self.keys.any = Some(key.into());
        self
    }

    /// The only key that `provider` (`openai`, `anthropic`) lets in. Fails on a provider that the stub does not play.
    pub fn api_key_of(mut self, provider: &str, key: impl Into<String>) -> anyhow::Result<Builder> {
        ensure!(
            api::providers().any(|known| known == provider),
            "the stub plays no provider {provider:?}"
        );
        self.keys
            .by_provider
            .insert(provider.to_owned(), key.into());
        Ok(self)
    }

    /// Whether requests are kept for [`Provider::received`]; they are by default.
    #[must_use]
    pub fn record(mut self, record: bool) -> Builder {
        self.record = record;
        self
    }

    /// The number of threads, 1 by default.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Builder {
        self.workers = workers.max(1);
        self
    }

    /// Binds and serves on threads of its own. Port 0 takes any free port. Fails if the address cannot be bound.
    pub fn start(self, addr: SocketAddr) -> anyhow::Result<Provider> {
        let listener =
            TcpListener::bind(addr).with_context(|| format!("cannot listen on {addr}"))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = match self.workers {
            1 => runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            workers => runtime::Builder::new_multi_thread()
                .worker_threads(workers)
                .enable_all()
                .build()?,
        };
        let stub = Arc::new(Stub::new(self.keys, self.record));
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("stub-provider".to_owned())
            .spawn({
                let stub = Arc::clone(&stub);
                move || run(&runtime, listener, &stub, stopped)
            })?;
        Ok(Provider {
            addr,
            stub,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// A running stub. Dropping it stops it.
#[derive(Debug)]
pub struct Provider {
    addr: SocketAddr,
    stub: Arc<Stub>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Provider {
    /// Starts a stub that takes any key and records; see [`Builder::start`].
    pub fn start(addr: SocketAddr) -> anyhow::Result<Provider> {
        Builder::default().start(addr)
    }

    /// For other settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Every request so far, in the order in which their heads arrived; nothing if recording is off.
    pub fn received(&self) -> Vec<Received> {
        self.stub
            .recorder
            .as_ref()
            .map(|recorder| recorder.received())
            .unwrap_or_default()
    }

    /// Forgets what was received. Totals stay.
    pub fn clear(&self) {
        if let Some(recorder) = &self.stub.recorder {
            recorder.clear();
        }
    }

    /// The stub's own accounting.
    pub fn totals(&self) -> Totals {
        self.stub.counters.totals()
    }

    /// Sets all totals to zero.
    pub fn reset_totals(&self) {
        self.stub.counters.reset();
    }

    /// Sets the script for all requests from now on. What a request's own headers say comes on top.
    pub fn set_script(&self, script: Script) {
        self.stub.set_script(script);
    }

    /// Adds scripts for the next requests, one each, before the standing one applies again. Fails, and adds none, if more
    /// than [`SCRIPTS_MAX`](crate::SCRIPTS_MAX) would wait.
    pub fn push_scripts(&self, scripts: impl IntoIterator<Item = Script>) -> anyhow::Result<()> {
        self.stub.push_scripts(scripts.into_iter().collect())
    }

    /// Back to ordinary answers.
    pub fn clear_scripts(&self) {
        self.stub.clear_scripts();
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(runtime: &Runtime, listener: TcpListener, stub: &Arc<Stub>, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return eprintln!("portcullis-provider: {error}"),
        };
        let connections = GracefulShutdown::new();
        tokio::select! {
            () = accept(&listener, stub, &connections) => {}
            _ = stopped => {}
        }
        drop(listener);
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, connections.shutdown()).await;
    });
}

async fn accept(
    listener: &tokio::net::TcpListener,
    stub: &Arc<Stub>,
    connections: &GracefulShutdown,
) {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http2().max_header_list_size(HTTP2_HEADER_BYTES_MAX);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Without it, the kernel would join writes that a script wants apart.
        let _ = stream.set_nodelay(true);
        let stub = Arc::clone(stub);
        let service = service_fn(move |request| exchange::serve(Arc::clone(&stub), request));
        let connection = server
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let watched = connections.watch(connection);
        tokio::spawn(async move {
            // Peers that go away and scripted aborts end here; the records say so.
            let _ = watched.await;
        });
    }
}
