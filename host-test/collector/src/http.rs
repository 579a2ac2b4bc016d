//! OTLP over HTTP, JSON encoding.

use crate::Store;
use anyhow::Result;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::net::TcpListener;

pub(crate) async fn serve(store: Store) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let store = store.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(store.clone(), request));
                // A connection that breaks has nobody to tell.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            });
        }
    });
    Ok(address)
}

async fn answer(
    store: Store,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let right = request.method() == "POST"
        && request.uri().path() == "/v1/logs"
        && request
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind == "application/json");
    let body = request
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes());
    let status = match (store.with(|state| state.refuses), body) {
        (Some(status), _) => status,
        (None, Ok(body)) if right => take(&store, &body),
        (None, _) => 404,
    };
    let mut response = Response::new(Full::new(Bytes::from_static(b"{\"partialSuccess\":{}}")));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    Ok(response)
}

fn take(store: &Store, body: &[u8]) -> u16 {
    match crate::parse(body) {
        Ok(records) => {
            store.with(|state| state.records.extend(records));
            200
        }
        Err(error) => {
            store.with(|state| state.misunderstood.push(format!("{error:#}")));
            400
        }
    }
}
