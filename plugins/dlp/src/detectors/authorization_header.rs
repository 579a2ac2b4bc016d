//! Credentials of an HTTP `Authorization` header: `Basic` (RFC 7617) and `Bearer` (RFC 6750); the same pair as Docker and npm keep it in their
//! configuration.

use super::base64::decode;
use super::class::Class;
use super::entropy::{centibits, is_placeholder};
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const AUTHORIZATION_HEADER: Detector = Detector {
    name: "authorization_header",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::KeywordsAnyCase(&["basic ", "bearer ", "\"auth\":", "_auth=", "_auth = "]),
    find: Find::Code(find),
};

/// `b64token` of RFC 6750, section 2.1.
const TOKEN: Class = Class::of("0-9A-Za-z._~+/=:\\-");
const TOKEN_BYTES_MAX: usize = 2048;
const TOKEN_BYTES_MIN: usize = 16;

fn find(context: &Context<'_>) -> Outcome {
    if !context.begins_word(context.at.start) {
        return Outcome::None;
    }
    let is_kept = context.trigger().contains(&b'a') && context.trigger().contains(&b'u');
    let start = match is_kept {
        true => context.run_of(context.at.end, 4, &const { Class::of(" \"") }),
        false => context.at.end,
    };
    let end = context.run_of(start, TOKEN_BYTES_MAX, &TOKEN);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let token = context.bytes(start..end);
    let is_basic = context
        .byte(context.at.start)
        .is_some_and(|byte| byte.eq_ignore_ascii_case(&b'b'))
        && context.trigger().len() == 6;
    let is_secret = if is_basic || is_kept {
        is_basic_credential(token)
    } else {
        is_token(token)
    };
    Outcome::match_if(is_secret, start..end)
}

/// `user:password` in base64, all of it text.
fn is_basic_credential(token: &[u8]) -> bool {
    let text = decode(token);
    token.len() >= 8
        && text
            .iter()
            .all(|byte| (0x20..0x7F).contains(byte) || *byte >= 0x80)
        && text
            .iter()
            .position(|byte| *byte == b':')
            .is_some_and(|colon| text.len() - colon > 3)
        && std::str::from_utf8(&text).is_ok()
}

/// A word has no digits, a placeholder little entropy.
fn is_token(token: &[u8]) -> bool {
    token.len() >= TOKEN_BYTES_MIN
        && token.iter().any(u8::is_ascii_digit)
        && token.iter().any(u8::is_ascii_alphabetic)
        && centibits(token) >= 300
        && !token.windows(3).any(|part| part == b"://")
        && !is_placeholder(token)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_credentials() {
        check(
            "authorization_header",
            "{\"auth\": \"«bXl1c2VyOm15cGFzczEyMw==»\"} //r.corp/:_auth=«YWRtaW46UzNjcjN0UHcx» Authorization: Basic «R2hyZG5oYzpycWVpIGVuZ2xiZg==»\" 'authorization: bearer «38bb7b318cc6898c80317decb34525844bc9db55»'",
        );
    }

    #[test]
    fn leaves_prose_and_stand_ins() {
        check(
            "authorization_header",
            "Bearer <token>, Basic ..., bearer YOUR_TOKEN_1234567890abc, basic authentication, Bearer token1234, basic abcdefgh",
        );
    }
}
