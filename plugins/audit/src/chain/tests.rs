use super::*;
use portcullis_policy::MemoryStore;
use portcullis_policy::config::Document;
use serde_json::Value;

fn chain(seed: u8) -> Chain {
    let document = Document::parse(br#"{"audit":{}}"#).unwrap();
    let mut chain = Chain::new(Seal::Plain, PolicyDigest::of(&document), None, true);
    chain.seed([seed; 32]);
    chain
}

fn body() -> Body {
    Body {
        json: r#"{"event_type":"x"}"#.into(),
        persons: None,
        event: "x",
    }
}

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + secs)
}

fn append(chain: &mut Chain, secs: u64, store: &mut MemoryStore) -> Vec<Value> {
    let mut out = Vec::new();
    chain.append(at(secs), store, &body(), &mut out);
    out.iter()
        .map(|entry| serde_json::from_str(&entry.line).unwrap())
        .collect()
}

#[test]
fn a_chain_names_the_one_whose_place_it_takes_and_all_others() {
    let mut store = MemoryStore::default();
    let (mut one, mut other) = (chain(1), chain(2));
    assert_eq!(append(&mut one, 0, &mut store)[0]["follows"], Value::Null);
    append(&mut other, 0, &mut store);
    let last = append(&mut one, 1, &mut store).remove(0);
    one.close(at(2), &mut store);

    let start = append(&mut chain(3), 3, &mut store).remove(0);
    assert_eq!(start["event_type"], "start");
    assert_eq!(start["follows"]["id"], last["chain"]["id"]);
    assert_eq!(start["follows"]["seq"], last["chain"]["seq"]);
    assert_eq!(start["chain"]["prev"], last["chain"]["mac"]);
    assert_eq!(start["heads"].as_array().unwrap().len(), 2);
}

#[test]
fn what_a_crash_left_is_known_to_the_next_and_its_place_is_taken_in_time() {
    let mut store = MemoryStore::default();
    let crashed = append(&mut chain(1), 0, &mut store).remove(1);
    // It may be alive: only its head is named.
    let second = append(&mut chain(2), 5, &mut store).remove(0);
    assert_eq!(second["follows"], Value::Null);
    assert_eq!(second["heads"][0]["mac"], crashed["chain"]["mac"]);
    let third = append(&mut chain(3), 601, &mut store).remove(0);
    assert_eq!(third["follows"]["id"], crashed["chain"]["id"]);
}

#[test]
fn a_clock_set_back_hides_no_lost_place() {
    let mut store = MemoryStore::default();
    let mut silent = chain(1);
    append(&mut silent, 1000, &mut store);
    append(&mut chain(2), 1700, &mut store);
    // Before it last looked: nobody knows how long ago that was.
    assert_eq!(
        append(&mut silent, 900, &mut store)[0]["event_type"],
        "start"
    );
}

#[test]
fn a_chain_that_was_silent_too_long_starts_anew_when_its_place_is_gone() {
    let mut store = MemoryStore::default();
    let mut silent = chain(1);
    let last = append(&mut silent, 0, &mut store).remove(1);
    append(&mut chain(2), 700, &mut store);
    let records = append(&mut silent, 701, &mut store);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["event_type"], "start");
    assert_ne!(records[0]["chain"]["id"], last["chain"]["id"]);
    assert_eq!(
        (&records[0]["chain"]["seq"], &records[1]["chain"]["seq"]),
        (&0.into(), &1.into())
    );
    assert_eq!(append(&mut silent, 702, &mut store).len(), 1);
}

#[test]
fn however_many_chains_there_were_the_store_holds_a_bounded_number() {
    let mut store = MemoryStore::default();
    for seed in 0..200 {
        append(&mut chain(seed), u64::from(seed), &mut store);
    }
    assert_eq!(store.len(), head::CHAINS_MAX + 1);
}

#[test]
fn heads_of_all_chains_are_recorded_once_a_minute_by_one_of_the_workers() {
    let mut store = MemoryStore::default();
    let (mut one, mut other) = (chain(1), chain(2));
    append(&mut one, 0, &mut store);
    append(&mut other, 0, &mut store);
    assert!(one.heads_due(at(59), &mut store).is_none());
    let heads = one.heads_due(at(60), &mut store).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&heads.json).unwrap()["heads"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert!(other.heads_due(at(61), &mut store).is_none());
    assert!(one.heads_due(at(110), &mut store).is_none());
    assert!(other.heads_due(at(121), &mut store).is_some());
}

#[test]
fn salts_and_ids_never_come_twice() {
    let mut random = Random::new([7; 32]);
    let drawn: std::collections::HashSet<_> = (0..1000).map(|_| random.next()).collect();
    assert_eq!(drawn.len(), 1000);
}

#[test]
fn a_chain_that_goes_on_after_its_end_leaves_the_place_to_who_took_it() {
    let mut store = MemoryStore::default();
    let mut one = chain(1);
    append(&mut one, 0, &mut store);
    one.close(at(0), &mut store);
    let mut other = chain(2);
    let taken = append(&mut other, 0, &mut store).remove(0);
    assert_ne!(taken["follows"], Value::Null);

    // Though it looked at its slot a moment ago.
    let late = append(&mut one, 0, &mut store);
    assert_eq!(late[0]["event_type"], "start");
    assert_eq!(late[0]["heads"][0]["id"], taken["chain"]["id"]);
    assert_eq!(append(&mut other, 0, &mut store).len(), 1);
}

#[test]
fn each_record_leaves_its_head_whether_or_not_the_place_was_looked_at() {
    let mut store = MemoryStore::default();
    let mut one = chain(1);
    for secs in [0, 0, 0, 1, 1, 3, 2] {
        let last = append(&mut one, secs, &mut store).pop().unwrap();
        let start = append(&mut chain(2), secs, &mut store.clone()).remove(0);
        assert_eq!(start["heads"][0]["mac"], last["chain"]["mac"]);
    }
}
