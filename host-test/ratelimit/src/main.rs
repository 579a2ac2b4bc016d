//! The rate-limit service of the tests: Envoy's rate-limit protocol in front, the engine of Limitador behind it, counters in a
//! Redis. It reads the configuration that `envoy/global-limits` has for `envoyproxy/ratelimit` and treats descriptors as that
//! service does, so that what is tested is what an operator deploys.
//!
//! ```text
//! portcullis-ratelimit-service 127.0.0.1:8090 redis://127.0.0.1:6379 envoy/global-limits/ratelimit/config.yaml
//! ```
//!
//! It prints `portcullis-ratelimit-service: ready on http://127.0.0.1:8090` when it listens; port 0 takes any.

mod config;
mod service;

use std::env;
use std::fs;

use anyhow::{Context, Result, bail};
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_server::RateLimitServiceServer;
use limitador::AsyncRateLimiter;
use limitador::storage::redis::AsyncRedisStorage;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use crate::config::Config;
use crate::service::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [listen, redis, file] = arguments.as_slice() else {
        bail!("usage: portcullis-ratelimit-service ADDRESS REDIS-URL CONFIG");
    };
    let text = fs::read_to_string(file).with_context(|| file.clone())?;
    let config = Config::parse(&text).with_context(|| file.clone())?;
    let storage = AsyncRedisStorage::new(redis)
        .await
        .with_context(|| redis.clone())?;
    let limiter = AsyncRateLimiter::new_with_storage(Box::new(storage));
    for limit in config.limits()? {
        limiter.add_limit(limit);
    }
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| listen.clone())?;
    println!(
        "portcullis-ratelimit-service: ready on http://{}",
        listener.local_addr()?
    );
    Server::builder()
        .add_service(RateLimitServiceServer::new(Service::new(limiter)))
        .serve_with_incoming(TcpListenerStream::new(listener))
        .await?;
    Ok(())
}
