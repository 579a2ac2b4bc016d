//! What a stream of OpenAI's looks like on both sides when the gateway asks for its usage and the client did not: the one change of
//! a body that is no edit of a policy.

use serde_json::{Value, json};

use crate::engine::Setup;
use crate::resolve::Call;

/// Whether the gateway asks where the client of this call did not.
#[must_use]
pub fn by_the_gateway(setup: &Setup, call: &Call) -> bool {
    let section = |name: &str| setup.policy.get(name).filter(|value| !value.is_null());
    let limits = section("limits");
    let wants = limits.is_some() || section("audit").is_some();
    let may = limits.is_none_or(|limits| limits["include_usage"] != json!(false));
    let path = call.header(":path");
    let chat = path.split('?').next() == Some("/v1/chat/completions");
    wants && may && chat && asking(&call.body()).is_some()
}

/// The body, as JSON, that asks where this one does not: `None` when it does, is no stream, or cannot be made to ask.
fn asking(body: &[u8]) -> Option<Value> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let object = body.as_object_mut()?;
    let streams = object.get("stream") == Some(&json!(true));
    let options = object.entry("stream_options").or_insert(Value::Null);
    if options.is_null() {
        *options = json!({});
    }
    let flag = options
        .as_object_mut()?
        .entry("include_usage")
        .or_insert(Value::Null);
    let open = flag.is_null() || *flag == json!(false);
    *flag = json!(true);
    (streams && open).then_some(body)
}

/// Whether what the provider got is the client's body with the question in it, and otherwise byte for byte the same: without the
/// question's words nothing is left that is not the client's, and nothing of the client's is missing.
#[must_use]
pub fn only_the_question(sent: &[u8], got: &[u8]) -> bool {
    let same_meaning = serde_json::from_slice::<Value>(got).ok() == asking(sent);
    let before = sent.iter().zip(got).take_while(|(a, b)| a == b).count();
    let (sent, got) = (
        sent.get(before..).unwrap_or_default(),
        got.get(before..).unwrap_or_default(),
    );
    let after = sent
        .iter()
        .rev()
        .zip(got.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let left_of_sent = sent.len().saturating_sub(after);
    // At most `false` or `null` is gone.
    same_meaning && left_of_sent <= "false".len()
}

/// A stream's body without the events that tell usage and nothing else.
#[must_use]
pub fn hidden(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let tells_usage = |event: &str| {
        let data = event.trim().strip_prefix("data:").unwrap_or_default();
        serde_json::from_str::<Value>(data).is_ok_and(|data| {
            let answers = data["choices"].as_array().map_or(0, Vec::len);
            data["usage"].is_object() && answers == 0
        })
    };
    let events = text.split_inclusive("\n\n");
    events
        .filter(|event| !tells_usage(event))
        .collect::<String>()
        .into_bytes()
}
