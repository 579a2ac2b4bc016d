//! No text costs more than in proportion to its length: whatever a text is made of, twice as much of it takes at most twice the instructions,
//! and four times as much four times, through the whole pipeline in wasmtime; nor does any cost more than a named number of instructions a byte.
//! Texts are made of what makes scanners slow: triggers, their beginnings, digits and separators, encodings within encodings, escapes.
//!
//! The texts are the same in each run, so that the gate does not fail by chance. To look for worse ones:
//! `PROPTEST_RNG_SEED=7 PROPTEST_CASES=5000 cargo test -p portcullis-speed --test linear`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use portcullis_envoy_test::Checkout;
use portcullis_host_test::{Module, World};
use portcullis_speed::gateway::Gateway;
use portcullis_speed::{request, rules};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::Value;

/// What a text is repeated to, and then four times as much. Large enough that what each request costs anyway hardly counts.
const BYTES: usize = 64 * 1024;

/// By how much twice the text may cost more than twice: tables grow in steps, and a period of the text can meet what is decoded at once in one phase
/// or another. Two doublings may add up to it; what grew with the square of the length would be over it with a twelfth of the cost. Below 64 KiB more
/// is different: of the first pieces of a body the blocks begin where the text does, and so do runs that are decoded.
const TOLERANCE_PERCENT: u64 = 12;

/// Most instructions for a byte of a body. The worst among thousands of these texts cost 8,000: true findings that are decoded from base64, one behind
/// the other, within a document within a document; and comments within what could be a number.
const INSTRUCTIONS_PER_BYTE_MAX: u64 = 10_000;

/// Parts that somebody who wants to waste time would repeat.
const PARTS: [&str; 64] = [
    "k.",
    "a\", \"",
    "5.3.6.-.9.0.-.4.3.9.9.",
    "g<b>h<b>",
    "01110011 ",
    "4",
    "1-",
    "1.",
    "1 2 3 ",
    "1\n",
    "12\n- ",
    "12\n> ",
    "1<b>",
    "+1\n2 ",
    "+1*2",
    "9*/**5 /*",
    "*@\t/*9\t5 /",
    "**9@+0****/**~/**@/**1239",
    "+1*2345678 ",
    "4012*8888 ",
    "DE89*37",
    "\n@@",
    "@a*",
    "a.b@c*d.ee",
    "AKIA*",
    "eyJ*a.",
    "536-90-4399 ",
    "4012-8888-",
    "+1 212 ",
    "(212) ",
    "tel ",
    "DE89",
    "A1",
    "eyJ",
    "eyJ.",
    "-eyJ",
    "a@",
    "a@b.",
    "a.",
    "sk-ant-",
    "sk-proj-",
    "xoxb-",
    "ghp_",
    "AKIA",
    "T3BlbkFJ",
    "aB3/",
    "password=",
    "key: ",
    "\"token\":\"",
    "Bearer ",
    "-----BEGIN ",
    "-----BEGIN RSA PRIVATE KEY-----",
    "://",
    "://a:b@",
    "\\u0034",
    "%34",
    "&#52;",
    "&am",
    "A K ",
    "**",
    "`",
    "\u{200b}",
    "５",
    "NTM2LTkwLTQzOTk",
];

/// How the text is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Plain,
    Hexadecimal,
    Base64,
    /// As JSON within the string.
    Nested,
}

fn written(form: Form, text: &str) -> String {
    match form {
        Form::Plain => text.to_owned(),
        Form::Hexadecimal => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        Form::Base64 => base64(text.as_bytes()),
        Form::Nested => serde_json::json!({ "a": [text, { text: text }] }).to_string(),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = (0..3).fold(0_u32, |bits, at| {
            bits << 8 | u32::from(group.get(at).copied().unwrap_or(0))
        });
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(bits >> shift) as usize & 63]))
    };
    bytes.chunks(3).flat_map(group).collect()
}

/// What stands behind each period of a text.
#[derive(Debug, Clone, Copy)]
enum Behind {
    Nothing,
    /// A sign, so that nothing is what stood a few hundred bytes before: what the scanner has seen to say nothing once it passes over where it comes again.
    Signs,
}

impl Behind {
    /// Signs of which no short sequence comes again and again.
    fn sign(self, at: usize) -> Option<char> {
        const SIGNS: &[u8; 16] = b"a0Zz 9.eB5-t/1M_";
        let mixed = (at as u32).wrapping_mul(0x9e37_79b1);
        let bits = (mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca6b);
        match self {
            Self::Nothing => None,
            Self::Signs => Some(char::from(SIGNS[(bits >> 28) as usize])),
        }
    }
}

fn texts() -> impl Strategy<Value = (Form, String, Behind)> {
    let part = prop_oneof![
        6 => prop::sample::select(PARTS.as_slice()).prop_map(str::to_owned),
        1 => "[ -~]{1,12}",
        1 => "[0-9 ./-]{1,12}",
    ];
    let repeated = (part, prop_oneof![3 => 1_usize..4, 1 => 4_usize..300]);
    let period = prop::collection::vec(repeated, 1..5).prop_map(|parts| {
        let parts = parts.iter().map(|(part, times)| part.repeat(*times));
        parts.collect::<String>()
    });
    let form = prop_oneof![
        6 => Just(Form::Plain),
        1 => Just(Form::Hexadecimal),
        1 => Just(Form::Base64),
        1 => Just(Form::Nested),
    ];
    let behind = prop_oneof![Just(Behind::Nothing), Just(Behind::Signs)];
    (form, period, behind)
}

fn body(form: Form, period: &str, behind: Behind, bytes: usize) -> Value {
    let mut text = String::new();
    let mut periods = 0;
    while text.len() < bytes {
        text.push_str(period);
        text.extend(behind.sign(periods));
        periods += 1;
    }
    request(&written(form, &text))
}

#[test]
fn twice_the_text_takes_at_most_twice_the_instructions() {
    let checkout = Checkout::find().expect("a checkout");
    let module = Module::from_file(checkout.plugins().join("dlp.wasm"));
    let module = module.expect("run `cargo xtask build` first");
    let world = World::new().counting_instructions();
    let gateway = Gateway::load(world, &module, &rules()).expect("a policy");
    // What grows once has grown.
    gateway.instructions(
        body(Form::Plain, "warm ", Behind::Nothing, 4 * BYTES)
            .to_string()
            .as_bytes(),
    );
    let config = Config::default();
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        rng_seed: match config.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            RngSeed::Fixed(seed) => RngSeed::Fixed(seed),
        },
        ..config
    });
    let result = runner.run(&texts(), |(form, period, behind)| {
        let cost = |bytes: usize| {
            let body = body(form, &period, behind, bytes).to_string();
            (gateway.instructions(body.as_bytes()), body.len() as u64)
        };
        let ((once, len), (four_times, _)) = (cost(BYTES), cost(4 * BYTES));
        let doubled = |cost: u64| 2 * cost * (100 + TOLERANCE_PERCENT) / 100;
        prop_assert!(
            four_times <= doubled(doubled(once)),
            "{form:?} {period:?} {behind:?}: {once} instructions for {BYTES} bytes, {four_times} for four times as many"
        );
        prop_assert!(
            once <= len * INSTRUCTIONS_PER_BYTE_MAX,
            "{form:?} {period:?} {behind:?}: {once} instructions for a body of {len} bytes"
        );
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
