//! The same over HTTP/2, where a body has no length in front and many requests share a connection.

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::common::{CLAUDE, KEY, PROMPT, SECRET, SSN, World};
use crate::in_every_variant;

in_every_variant! {
    usual from World::new: [requests_and_trailers, many_on_one_connection];
}

/// Small enough that a body takes several frames.
const FRAME_BYTES: usize = 40;

type Client = SendRequest<Channel<Bytes>>;

/// Status, reason and body.
type Answer = (u16, Option<String>, String);

async fn connect(world: &World) -> Client {
    let stream = TcpStream::connect(world.envoy.address()).await.unwrap();
    let (client, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

fn body(text: &str, stream: bool) -> String {
    let messages = json!([{ "role": "user", "content": text }]);
    json!({ "model": CLAUDE, "max_tokens": 100, "stream": stream, "messages": messages })
        .to_string()
}

/// Sends a body in small frames, with or without trailers after it.
async fn send(mut client: Client, body: String, trailers: bool) -> Answer {
    let (mut sender, channel) = Channel::new(1);
    let request = Request::post(Uri::from_static("http://gateway/v1/messages"))
        .header("x-api-key", KEY)
        .header("content-type", "application/json")
        .body(channel)
        .unwrap();
    tokio::spawn(async move {
        for frame in body.as_bytes().chunks(FRAME_BYTES) {
            // A refusal may end the request before all of it is sent.
            sender.send_data(Bytes::copy_from_slice(frame)).await.ok();
        }
        if trailers {
            let sum = HeaderMap::from_iter([(
                "x-checksum".parse().unwrap(),
                HeaderValue::from_static("abc"),
            )]);
            sender.send_trailers(sum).await.ok();
        }
    });
    client.ready().await.unwrap();
    let response = client.send_request(request).await.unwrap();
    let reason = response
        .headers()
        .get("x-portcullis-reason")
        .map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, reason, String::from_utf8(body.to_vec()).unwrap())
}

fn requests_and_trailers(world: &World) {
    Runtime::new().unwrap().block_on(async {
        let client = connect(world).await;
        for trailers in [false, true] {
            let clean = body(PROMPT, false);
            assert_eq!(send(client.clone(), clean.clone(), trailers).await.0, 200);
            assert_eq!(world.take_one().body, clean.as_bytes());

            let (status, reason, _) = send(client.clone(), body(SSN, false), trailers).await;
            assert_eq!((status, reason.as_deref()), (400, Some("dlp_blocked")));
            world.assert_nothing_received(SSN);

            let secret = format!("before {SECRET} after");
            let (status, _, answer) = send(client.clone(), body(&secret, true), trailers).await;
            assert_eq!(status, 200);
            assert!(
                answer.contains("message_stop") && !answer.contains(SECRET),
                "{answer}"
            );
            let text = world.take_one().text();
            assert!(
                !text.contains(SECRET) && text.contains("before ") && text.contains(" after"),
                "{text}"
            );
        }
    });
}

fn many_on_one_connection(world: &World) {
    Runtime::new().unwrap().block_on(async {
        let client = connect(world).await;
        let mut answers = JoinSet::new();
        for nth in 0..60 {
            let text = if nth % 3 == 0 { SSN } else { PROMPT };
            let answer = send(client.clone(), body(text, nth % 2 == 0), nth % 5 == 0);
            answers.spawn(async move { (nth, answer.await) });
        }
        while let Some(answer) = answers.join_next().await {
            let (nth, (status, reason, text)) = answer.unwrap();
            assert_eq!(
                status,
                if nth % 3 == 0 { 400 } else { 200 },
                "{nth}: {reason:?} {text}"
            );
        }
        assert_eq!(world.take_received().len(), 40);
    });
}
