//! IP addresses: dotted IPv4 (RFC 791) and IPv6 (RFC 4291, section 2.2).
//!
//! Four numbers with dots are as often a version, and most addresses in prompts are of no person: no group takes this in, only its name.

use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};
use std::net::Ipv6Addr;
use std::str::FromStr;

pub(super) const IP_ADDRESS: Detector = Detector {
    name: "ip_address",
    group: Group::Pii,
    grade: Grade::Named,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::range(1, 4), Before::Any),
    find: Find::Code(find),
};

/// The longest form of an IPv6 address, an IPv4 tail included.
const V6_BYTES_MAX: usize = 45;

fn find(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    let v6 = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let first = context.run_back(start, V6_BYTES_MAX, v6);
    let last = context.run(start, V6_BYTES_MAX, v6);
    if context.is_open(last) {
        return Outcome::Undecided;
    }
    let text = context.bytes(first..last);
    if text.iter().filter(|byte| **byte == b':').count() >= 2 {
        // Found at its first digit, once.
        let is_first = !context.bytes(first..start).iter().any(u8::is_ascii_digit);
        let end = if text.ends_with(b".") || text.ends_with(b":") && !text.ends_with(b"::") {
            last - 1
        } else {
            last
        };
        let is_address = std::str::from_utf8(context.bytes(first..end))
            .is_ok_and(|text| Ipv6Addr::from_str(text).is_ok());
        let is_word = context
            .before(first)
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        return if is_first && is_address && !is_word {
            context.settle(first..end)
        } else {
            Outcome::None
        };
    }
    find_v4(context)
}

fn find_v4(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    if context
        .before(start)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    {
        return Outcome::None;
    }
    let mut position = start;
    for index in 0..4 {
        if index > 0 {
            if context.byte(position) != Some(b'.') {
                return context.lacking(position);
            }
            position += 1;
        }
        let end = context.digits(position, 4);
        if context.is_open(end) {
            return Outcome::Undecided;
        }
        let octet = super::checksum::number(context.bytes(position..end), 0, end - position);
        let is_octet = (1..=3).contains(&(end - position))
            && octet <= 255
            && (end - position == 1 || context.byte(position) != Some(b'0'));
        if !is_octet {
            return Outcome::None;
        }
        position = end;
    }
    // A prefix length may follow (RFC 4632), a fifth number or a version's tail not.
    if context.is_open(position + 1) {
        return Outcome::Undecided;
    }
    let goes_on = match context.byte(position) {
        Some(b'.' | b'-') => context
            .byte(position + 1)
            .is_some_and(|byte| byte.is_ascii_alphanumeric()),
        Some(byte) => byte.is_ascii_alphanumeric() || byte == b'_',
        None => false,
    };
    if goes_on {
        Outcome::None
    } else {
        Outcome::Match(start..position)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_both_kinds() {
        check(
            "ip_address",
            "from «36.160.14.148», [«2345:0425:2ca1::0567:5673:23b5»] or «10.0.0.1»/8. ip: «684D:1111:222:3333:4444:5555:6:77»",
        );
    }

    #[test]
    fn leaves_versions_and_times() {
        check(
            "ip_address",
            "v12.36.22-rc.23 v10.0.0.1 1.2.3.4.5 192.168.0 256.1.1.1 10:20:30 01.02.03.004 2001:db8::256.1.1.1:x",
        );
    }
}
