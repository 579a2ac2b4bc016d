//! What a long streamed answer costs and how much of it is held back, under the guide's rules and under all detectors: `cargo xtask bench` shows it.
//!
//! Prints one JSON object: by policy, the deltas, the instructions that each of them adds in gateway.wasm, and how many did not leave in the
//! callback in which they came.

use anyhow::{Result, ensure};
use portcullis_conformance::case::{Api, Case, Request, Upstream};
use portcullis_conformance::load::Suite;
use portcullis_conformance::resolve::{self, Call, Reply};
use portcullis_conformance::wasm::{Chain, Modules, Wasm};
use portcullis_envoy_test::Checkout;
use portcullis_host_test::World;
use serde_json::{Map, Value, json};

/// Deltas of the answer.
const DELTAS: usize = 2000;

/// Most letters of a delta: a longer word comes in two, as from a tokenizer.
const LETTERS_MAX: usize = 8;

fn main() -> Result<()> {
    let (suite, modules) = (Suite::load()?, Modules::built()?);
    let prose = std::fs::read_to_string(Checkout::find()?.root().join("LICENSE"))?;
    let deltas: Vec<String> = tokens(&prose).into_iter().cycle().take(DELTAS).collect();
    let all = json!({ "dlp": { "rules": [{ "detector": "all", "action": "redact" }] } });
    let mut found = Map::new();
    for (name, change) in [("guide", json!({})), ("all detectors", all)] {
        let case: Case =
            serde_json::from_value(json!({ "name": "", "why": "", "change": change }))?;
        let setup = suite.setup(&case, true)?;
        let cost = |deltas: &[String]| -> Result<(u64, usize)> {
            let world = World::new().counting_instructions();
            let mut wasm = Wasm::in_world(world, &modules, Chain::Gateway, &setup, 1)?;
            let (call, reply) = exchange(&suite, deltas)?;
            // The first one defines metrics and fills tables.
            for warm in [false, true] {
                let stream = wasm.stream(0, &call);
                stream.request(&call);
                let late = stream.answer(&reply);
                let instructions = wasm.instructions(&stream);
                if warm {
                    return Ok((instructions, late));
                }
            }
            Ok((0, 0))
        };
        let (one, _) = cost(deltas.get(..1).unwrap_or_default())?;
        let (many, late) = cost(&deltas)?;
        ensure!(many > one, "nothing was counted");
        let each = (many - one) / (DELTAS as u64 - 1);
        found.insert(
            name.to_owned(),
            json!({ "deltas": DELTAS, "instructions_per_delta": each, "late": late }),
        );
    }
    println!("{}", Value::Object(found));
    Ok(())
}

/// Words with the blank before them, long ones in parts.
fn tokens(prose: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut room = 0;
    let mut before = ' ';
    for letter in prose.chars() {
        let begins = letter.is_whitespace() && !before.is_whitespace();
        if begins || room == 0 {
            tokens.push(String::new());
            room = LETTERS_MAX;
        }
        if let Some(token) = tokens.last_mut() {
            token.push(letter);
        }
        room -= 1;
        before = letter;
    }
    tokens
}

/// A streamed answer, each event in a piece of its own, as providers send them.
fn exchange(suite: &Suite, deltas: &[String]) -> Result<(Call, Reply)> {
    let request = Request {
        api: Some(Api::Openai),
        fields: json!({ "stream": true }),
        ..Request::default()
    };
    let upstream = Upstream {
        deltas: Some(deltas.to_vec()),
        ..Upstream::default()
    };
    let call = resolve::call(&request, &suite.people)?;
    let mut reply = resolve::reply(&upstream, &call)?;
    if let Some(response) = &mut reply.response {
        let body = String::from_utf8(response.body())?;
        let events = body.split_inclusive("\n\n");
        response.pieces = events.map(|event| event.as_bytes().to_vec()).collect();
    }
    Ok((call, reply))
}
