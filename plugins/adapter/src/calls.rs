//! Calls that policies make to other services, and whose answer a token of the host is.

use crate::abi::{self, Buffer, Map};
use crate::callbacks::ByNumber;
use crate::headers;
use portcullis_chain::Errand;
use portcullis_policy::{ANSWER_BYTES_MAX, Answer, Call};

/// Calls on their way.
#[derive(Default)]
pub(crate) struct Calls {
    by_token: ByNumber<Errand>,
    /// The host did not take these. Told with the next tick, so that who calls again at once cannot keep a worker busy.
    failed: Vec<Errand>,
}

impl Calls {
    /// Makes calls.
    pub fn make(&mut self, calls: Vec<(Errand, Call)>) {
        for (errand, call) in calls {
            let mut headers = vec![
                (":method", call.method),
                (":path", call.path.as_str()),
                (":authority", call.authority.as_str()),
            ];
            headers.extend(
                call.headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            );
            let headers = headers::serialize(&headers);
            match abi::http_call(&call.cluster, &headers, &call.body, call.timeout) {
                Ok(token) => {
                    self.by_token.insert(token, errand);
                }
                Err(_) => self.failed.push(errand),
            }
        }
    }

    /// Calls that the host did not take, since the last time.
    pub fn take_failed(&mut self) -> Vec<Errand> {
        std::mem::take(&mut self.failed)
    }

    /// Reads the answer that the host has for a token.
    pub fn answer(&mut self, token: u32, body_size: usize) -> Option<(Errand, Answer)> {
        let errand = self.by_token.remove(&token)?;
        Some((errand, read(body_size).unwrap_or(Answer::Failed)))
    }
}

/// An answer without a status is one that broke off.
fn read(body_size: usize) -> Option<Answer> {
    let pairs = abi::header_pairs(Map::CallResponse).ok()?;
    let fields = headers::parse(&pairs)?;
    let number = |name: &str| {
        let (_, value) = fields.iter().find(|(have, _)| *have == name)?;
        std::str::from_utf8(value).ok()?.trim().parse().ok()
    };
    let status = u16::try_from(number(":status")?).ok()?;
    let body = if body_size == 0 {
        Vec::new()
    } else {
        abi::buffer(Buffer::CallResponseBody, 0, body_size.min(ANSWER_BYTES_MAX))
            .unwrap_or_default()
    };
    Some(Answer::Status {
        status,
        retry_after_secs: number("retry-after"),
        body,
    })
}
