//! The chain of a VM's records: each is sealed together with the seal of the one before it.
//!
//! A chain begins with the first record of a VM (so that one which serves nothing leaves nothing behind), with a record of its own that names its
//! predecessor's head and the heads of all other chains. After each record the chain's head is in the store. What a crash of the VM
//! loses is therefore known to the next that starts; what a crash of the whole proxy loses is known from heads that were recorded elsewhere.

mod head;

use crate::digest::PolicyDigest;
use crate::hex::{hex, hex_into};
use crate::random::Random;
use crate::seal::{self, Link, NOTHING, Persons, Seal};
use head::{HEADS_AT_KEY, Head, POLICY_KEY, Slot};
use portcullis_policy::{CAS_ATTEMPTS_MAX, Store, Timestamp, update};
use serde::Serialize;
use std::rc::Rc;
use std::time::Duration;

/// How often the heads of all chains are recorded, by one of the workers.
const HEADS_EVERY: Duration = Duration::from_secs(60);

/// How often a chain makes sure that its slot is still its own. In between it writes without reading, which costs a request least; nobody takes the
/// slot of a chain that wrote within [`head::STALE_AFTER`] unless there are more than [`head::CHAINS_MAX`].
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// What is to be recorded, before it has a place in the chain.
pub(crate) struct Body {
    /// One JSON object, with `null` for each of the [`seal::PERSONAL`] members that it has.
    pub json: String,
    /// Those members, when one of them is not `null`.
    pub persons: Option<Named>,
    /// Its `event_type`.
    pub event: &'static str,
}

/// Personal values of a body.
pub(crate) struct Named {
    /// As JSON text.
    pub values: Rc<[String; 3]>,
    /// Where each one's `null` stands.
    pub places: [usize; 3],
}

impl Body {
    /// Of an event that concerns nobody.
    pub fn of(event: &'static str, body: &impl Serialize) -> Self {
        Self {
            // Nothing in a record can fail to serialize; an empty line would show that something did.
            json: serde_json::to_string(body).unwrap_or_default(),
            persons: None,
            event,
        }
    }
}

/// A record in its place.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The line, without its end.
    pub line: String,
    /// The chain.
    pub id: Rc<str>,
    /// The number.
    pub seq: u64,
    /// Its `event_type`.
    pub event: &'static str,
    /// When it was written.
    pub at: Timestamp,
}

/// The chain of a VM.
pub(crate) struct Chain {
    seal: Seal,
    random: Random,
    policy: PolicyDigest,
    service: Option<String>,
    place: Option<Place>,
    heads_at: Timestamp,
    /// How many records the collector has; `None` without one.
    pub delivered: Option<u64>,
}

/// Where the chain is.
struct Place {
    id: Rc<str>,
    /// Of the next record.
    seq: u64,
    prev: String,
    /// The key under which its head is kept; `None` when the store gives no answer.
    slot: Option<String>,
    /// When the head there was last seen to be this chain's.
    checked_at: Timestamp,
}

/// A chain's first record.
#[derive(Serialize)]
struct Start<'a> {
    timestamp: String,
    event_type: &'static str,
    policy: InForce<'a>,
    follows: Option<Follows<'a>>,
    heads: &'a [&'a Head],
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
}

/// Which policy is in force, and which was.
#[derive(Serialize)]
struct InForce<'a> {
    sha256: &'a str,
    before: Option<&'a str>,
    changed: Vec<&'static str>,
}

/// The chain whose place this one takes. The seal of its last record is this chain's first `prev`.
#[derive(Serialize)]
struct Follows<'a> {
    id: &'a str,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<u64>,
}

/// The heads of all chains.
#[derive(Serialize)]
struct Heads<'a> {
    timestamp: String,
    event_type: &'static str,
    heads: Vec<&'a Head>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
}

impl Chain {
    pub fn new(seal: Seal, policy: PolicyDigest, service: Option<String>, delivers: bool) -> Self {
        Self {
            seal,
            random: Random::new([0; 32]),
            policy,
            service,
            place: None,
            heads_at: Timestamp::default(),
            delivered: delivers.then_some(0),
        }
    }

    /// Before the first record, with randomness of this VM alone.
    pub fn seed(&mut self, seed: [u8; 32]) {
        self.random = Random::new(seed);
    }

    /// The chain's id, once it has begun.
    pub fn id(&self) -> Option<&Rc<str>> {
        self.place.as_ref().map(|place| &place.id)
    }

    /// Puts a record into the chain, and before it what has to stand before it.
    pub fn append(
        &mut self,
        now: Timestamp,
        store: &mut dyn Store,
        body: &Body,
        out: &mut Vec<Entry>,
    ) {
        if self.place.is_none() {
            self.start(now, store, out);
        }
        let entry = self.seal_next(now, body);
        if self.keep_head(now, store) {
            out.push(entry);
            return;
        }
        // Another chain took this one for gone. Nobody has seen the entry yet.
        self.start(now, store, out);
        out.push(self.seal_next(now, body));
        self.publish(now, store, false);
    }

    /// Writes the head of a chain that goes on; `false` when its slot is known to hold another chain's.
    fn keep_head(&mut self, now: Timestamp, store: &mut dyn Store) -> bool {
        let checked_at = self.place.as_ref().map(|place| place.checked_at);
        let recent = checked_at.is_some_and(|at| at <= now && now.since(at) < CHECK_EVERY);
        if !recent {
            let own = self.publish(now, store, false);
            if let Some(place) = &mut self.place {
                place.checked_at = now;
            }
            return own;
        }
        if let Some((slot, head)) = self.head(now, false) {
            // As below: a store that gives no answer takes nobody's place away.
            let _ = store.put(slot, head.as_bytes());
        }
        true
    }

    /// The head as the store keeps it, and under which key.
    fn head(&self, now: Timestamp, closed: bool) -> Option<(&str, String)> {
        let place = self.place.as_ref()?;
        let seq = place.seq.saturating_sub(1);
        let text = head::text(&place.id, seq, &place.prev, self.delivered, now, closed);
        Some((place.slot.as_deref()?, text))
    }

    /// A record of the heads of all chains, when it is this worker's turn.
    #[inline(never)]
    pub fn heads_due(&mut self, now: Timestamp, store: &mut dyn Store) -> Option<Body> {
        if self.place.is_none() || now.since(self.heads_at) < HEADS_EVERY {
            return None;
        }
        self.heads_at = now;
        let won = update(store, HEADS_AT_KEY, |old| {
            let last = std::str::from_utf8(old)
                .ok()
                .and_then(|text| text.parse().ok());
            let last = Timestamp::from_nanos(last.unwrap_or(0));
            if now.since(last) < HEADS_EVERY {
                return (None, false);
            }
            (Some(now.as_nanos().to_string().into_bytes()), true)
        });
        if won != Ok(true) {
            return None;
        }
        let slots = head::slots(store).ok()?;
        let heads = Heads {
            timestamp: now.to_rfc3339(),
            event_type: "heads",
            heads: head::heads(&slots),
            service: self.service.as_deref(),
        };
        Some(Body::of("heads", &heads))
    }

    /// Writes the head to the store; `false` when its slot holds another chain's by now.
    pub fn publish(&self, now: Timestamp, store: &mut dyn Store, closed: bool) -> bool {
        let (Some(id), Some((slot, head))) = (self.id(), self.head(now, closed)) else {
            return true;
        };
        update(store, slot, |old| {
            let mine = old.starts_with(id.as_bytes());
            (mine.then(|| head.clone().into_bytes()), mine)
        })
        // A store that gives no answer takes nobody's place away.
        .unwrap_or(true)
    }

    /// No record follows, and who starts may have the slot.
    pub fn close(&mut self, now: Timestamp, store: &mut dyn Store) {
        self.publish(now, store, true);
        if let Some(place) = &mut self.place {
            // Should one follow after all, it looks first.
            place.checked_at = Timestamp::default();
        }
    }

    /// Begins a chain with its first record.
    #[inline(never)]
    fn start(&mut self, now: Timestamp, store: &mut dyn Store, out: &mut Vec<Entry>) {
        let (event, before) = self.policy_in_force(store);
        self.heads_at = now;
        let id: Rc<str> = hex(&self.random.next()).into();
        // Should others be first again and again, the chain goes on without a slot rather than not at all.
        let mut first = None;
        for _ in 0..CAS_ATTEMPTS_MAX {
            let slots = head::slots(store);
            let others: Vec<Head> = slots
                .as_ref()
                .map(|slots| head::heads(slots).into_iter().cloned().collect())
                .unwrap_or_default();
            let slot = slots.ok().and_then(|slots| head::choose(slots, now));
            let held = slot.as_ref().and_then(|slot| slot.held.as_ref());
            let follows = held.map(|(head, _)| head);
            let body = self.start_body(now, event, before.as_deref(), follows, &others);
            self.place = Some(Place {
                id: Rc::clone(&id),
                seq: 0,
                prev: follows.map_or_else(|| NOTHING.to_owned(), |head| head.mac.clone()),
                slot: None,
                checked_at: now,
            });
            if self.delivered.is_some() {
                self.delivered = Some(0);
            }
            first = Some(self.seal_next(now, &body));
            if self.claim(now, store, slot.as_ref()) {
                break;
            }
        }
        out.extend(first);
    }

    /// Puts the head of a chain that has just begun into a slot; `false` when somebody else was first.
    fn claim(&mut self, now: Timestamp, store: &mut dyn Store, slot: Option<&Slot>) -> bool {
        let (Some(slot), Some(place)) = (slot, &mut self.place) else {
            return true;
        };
        let text = head::text(&place.id, 0, &place.prev, self.delivered, now, false);
        let version = slot.held.as_ref().map(|(_, version)| *version);
        let key = head::key(slot.number);
        match store.swap(&key, text.as_bytes(), version) {
            Ok(true) => {
                place.slot = Some(key);
                true
            }
            Ok(false) => false,
            Err(_) => true,
        }
    }

    #[inline(never)]
    fn start_body(
        &self,
        now: Timestamp,
        event: &'static str,
        before: Option<&str>,
        follows: Option<&Head>,
        heads: &[Head],
    ) -> Body {
        let whole = before.and_then(|text| text.split(' ').next());
        let heads: Vec<&Head> = heads.iter().collect();
        let start = Start {
            timestamp: now.to_rfc3339(),
            event_type: event,
            policy: InForce {
                sha256: &self.policy.whole,
                before: whole,
                changed: before
                    .map(|text| self.policy.changed(text))
                    .unwrap_or_default(),
            },
            follows: follows.map(|head| Follows {
                id: &head.id,
                seq: head.seq,
                delivered: head.delivered,
            }),
            heads: &heads,
            service: self.service.as_deref(),
        };
        Body::of(event, &start)
    }

    /// Which event a start is, and the policy before it: a change is recorded by the first worker that starts with it.
    fn policy_in_force(&self, store: &mut dyn Store) -> (&'static str, Option<String>) {
        let new = self.policy.to_text();
        let changed = update(store, POLICY_KEY, |old| {
            let old = String::from_utf8(old.to_vec()).unwrap_or_default();
            let differs = old != new;
            (differs.then(|| new.clone().into_bytes()), (differs, old))
        });
        match changed {
            Ok((true, old)) => ("config_change", Some(old).filter(|old| !old.is_empty())),
            Ok((false, old)) => ("start", Some(old)),
            Err(_) => ("start", None),
        }
    }

    /// Seals a record as the chain's next.
    #[inline(never)]
    fn seal_next(&mut self, now: Timestamp, body: &Body) -> Entry {
        let Some(place) = &mut self.place else {
            // Every caller has started the chain; a record without a place in it is still a record.
            return Entry {
                line: body.json.clone(),
                id: "".into(),
                seq: 0,
                event: body.event,
                at: now,
            };
        };
        let open = body.json.strip_suffix('}').unwrap_or(&body.json);
        let link = Link {
            id: &place.id,
            seq: place.seq,
            prev: &place.prev,
        };
        let mut line = String::with_capacity(open.len() + ROOM_BYTES);
        let (salt, digest) = match &body.persons {
            None => {
                line.push_str(open);
                (None, None)
            }
            Some(named) => {
                let salt = self.random.next();
                let [user, source, key] = named.values.as_ref();
                let digest = seal::personal_digest(&salt, [user, source, key]);
                named.put_into(open, &mut line);
                (Some(hex(&salt)), Some(digest))
            }
        };
        let behind_body = line.len();
        seal::push_link(link, &mut line);
        // Up to here both are the same.
        let mut sealed = String::with_capacity(ROOM_BYTES);
        sealed.push_str(line.get(behind_body..).unwrap_or_default());
        seal::push_sealed(digest.as_ref(), &mut sealed);
        let mac = self.seal.of(&[open, &sealed]);
        let persons = salt.as_deref().map_or(Persons::None, Persons::Salted);
        seal::push_persons(persons, &mut line);
        place.prev.clear();
        hex_into(&mac, &mut place.prev);
        line.push_str(seal::BEFORE_MAC);
        line.push_str(&place.prev);
        line.push_str(seal::AFTER_MAC);
        let entry = Entry {
            line,
            id: Rc::clone(&place.id),
            seq: place.seq,
            event: body.event,
            at: now,
        };
        place.seq += 1;
        entry
    }
}

/// What a line has beside its body: persons, and its place in the chain.
const ROOM_BYTES: usize = 512;

impl Named {
    /// Appends a body with the values in their places.
    fn put_into(&self, body: &str, line: &mut String) {
        let mut from = 0;
        for (value, place) in self.values.iter().zip(self.places) {
            line.push_str(body.get(from..place).unwrap_or_default());
            line.push_str(value);
            from = place + "null".len();
        }
        line.push_str(body.get(from..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
