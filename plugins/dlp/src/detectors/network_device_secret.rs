//! Secrets in the configuration of network devices: SNMP communities, pre-shared keys, passwords in types that are reversible
//! (<https://www.cisco.com/c/en/us/support/docs/security-vpn/remote-authentication-dial-user-service-radius/107614-64.html>).

use super::class::Class;
use super::stand_in::{kinds, stands_in};
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const NETWORK_DEVICE_SECRET: Detector = Detector {
    name: "network_device_secret",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::KeywordsAnyCase(&[
        " password 7 ",
        "crypto isakmp key ",
        "enable secret ",
        "message-digest-key ",
        "pac key ",
        "radius-server key ",
        "snmp community ",
        "snmp-server community ",
        "tacacs-server key ",
        "wpa-psk ascii ",
        "wpa_passphrase=",
        "psk=\"",
        ";p:",
    ]),
    find: Find::Code(find),
};

/// The longest.
const BYTES_MAX: usize = 128;
const BYTES_MIN: usize = 4;
/// Everybody's communities.
const PUBLIC: [&[u8]; 2] = [b"public", b"private"];

const BLANKS: Class = Class::of(" \t");
const SECRET: Class = Class::of("!#-&*-.0-Z^-~\\[\\]/");
const QUOTED: Class = Class::of(" !#-~");

fn find(context: &Context<'_>) -> Outcome {
    let trigger = context.trigger();
    // `WIFI:T:WPA;S:home;P:…;;`, as QR codes have it.
    if trigger.len() == 3 {
        let end = context.run_of(context.at.end, BYTES_MAX, &const { Class::of(" -:<-~") });
        if context.is_open(end) {
            return Outcome::Undecided;
        }
        let is_wifi = context.mentions(context.at.start, &["wifi:"]);
        let is_long = end - context.at.end >= BYTES_MIN;
        return match is_wifi && is_long && context.byte(end) == Some(b';') {
            true => Outcome::Match(context.at.end..end),
            false => Outcome::None,
        };
    }
    let is_quoted = trigger.ends_with(b"\"");
    let mut start = context.at.end;
    // The type of what follows, or the number of the key and its digest.
    for _ in 0..2 {
        let word = context.run_of(start, 4, &const { Class::of("0-9md") });
        let next = context.run_of(word, 4, &BLANKS);
        if context.is_open(next) {
            return Outcome::Undecided;
        }
        let is_type = context.bytes(start..word).iter().all(u8::is_ascii_digit);
        let is_digest = context.bytes(start..word) == b"md5";
        if is_quoted || word == start || next == word || word - start > 3 || !(is_type || is_digest)
        {
            break;
        }
        start = next;
    }
    let class = if is_quoted { &QUOTED } else { &SECRET };
    let end = context.run_of(start, BYTES_MAX, class);
    if context.is_open(end + 3) {
        return Outcome::Undecided;
    }
    let secret = context.bytes(start..end);
    let is_community = trigger.to_ascii_lowercase().ends_with(b"community ");
    let is_right = context.byte(end) == Some(b' ')
        && matches!(
            context
                .bytes(end + 1..end + 3)
                .to_ascii_uppercase()
                .as_slice(),
            b"RO" | b"RW"
        );
    let is_known = PUBLIC.iter().any(|word| word.eq_ignore_ascii_case(secret));
    if secret.len() < BYTES_MIN
        || is_known
        || stands_in(secret)
        || is_quoted && context.byte(end) != Some(b'"')
        || !is_quoted && kinds(secret) < 2 && !(is_community && is_right)
    {
        Outcome::None
    } else {
        Outcome::Match(start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_secrets_of_devices() {
        check(
            "network_device_secret",
            "snmp-server community «s3cr3tRW» RW\nsnmp-server community «backbone» RO 99\nusername admin privilege 15 password 7 «0822455D0A16»\nend",
        );
        check(
            "network_device_secret",
            "crypto isakmp key «Pr3Shar3d» address 1.2.3.4\ntacacs-server key 7 «0822455D0A16544541»\n ip ospf message-digest-key 1 md5 «S3cretOspf»\nend",
        );
        check(
            "network_device_secret",
            "ssid=\"home\"\n psk=\"«correct horse battery»\"\nwpa_passphrase=«MyWifiPass1»\nhw_mode=g WIFI:T:WPA;S:home net;P:«MyWifiPass1»;;",
        );
    }

    #[test]
    fn leaves_prose_and_defaults() {
        check(
            "network_device_secret",
            "snmp-server community public RO\nAn snmp community string is sent in the clear. The enable secret command hashes it. wpa_passphrase=$PASS and more",
        );
    }
}
