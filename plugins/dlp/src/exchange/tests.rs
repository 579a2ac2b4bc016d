//! Messages one after the other, read by what was kept of those before, and each by itself.

use super::*;
use portcullis_policy::config::Document;
use portcullis_policy::{MemoryStore, Place, Placed, ResponseMeaning, Role, TextId};
use proptest::prelude::*;

const RULES: &str = r#"{"dlp":{"mask_key":{"env":"MASK_KEY"},"rules":[
    {"name":"mail","detector":"email","action":"mask"},
    {"name":"all","detector":"all","action":"redact"},
    {"name":"nino","pattern":"[A-Z]{2}\\d{6}[A-D]","action":"block"},
    {"name":"night","pattern":"(?i)project\\s+nightfall","action":"redact"}]}}"#;

const OF_DETECTORS: &str = r#"{"dlp":{"rules":[
    {"name":"all","detector":"all","action":"redact"},
    {"name":"night","pattern":"(?i)project\\s+nightfall","action":"flag"}]}}"#;

const OF_PATTERNS: &str = r#"{"dlp":{"rules":[
    {"name":"ssn","pattern":"\\b\\d{3}-\\d{2}-\\d{4}\\b","action":"redact"},
    {"name":"key","pattern":"sk-ant-api[0-9a-zA-Z]+","action":"block"}]}}"#;

/// Clean, something, and halves of something.
const PIECES: [&str; 24] = [
    "plain words",
    "id",
    "password",
    "123-45-6789",
    "123-45-",
    "6789",
    "4111 1111 1111 1111",
    "jane.doe@corp.com",
    "jane.doe@",
    "corp.com",
    "AKIAIOSFODNN7EXAMPLF",
    "A K I A I O S F O D N N 7",
    "sk-ant-api03",
    "Xy9Zq8",
    "Project  night",
    "fall",
    "AB123456C",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow",
    "\n-----END RSA PRIVATE KEY-----",
    "NTM2LTkwLTQzOTkgNTM2LTkwLTQzOTk=",
    "536%2D90%2D4399",
    "päss wörter １２",
    "hunter22Xq7!",
    "[MAIL-",
];

/// A piece of one of a few texts.
#[derive(Debug, Clone)]
struct Given {
    id: u64,
    piece: String,
    last: bool,
    key: &'static str,
    place: Place,
    part: Part,
}

#[derive(Debug, Clone)]
struct Message {
    side: Side,
    given: Vec<Given>,
    /// How it ends: as it should, refused by another, cut off, or forgotten.
    end: u8,
}

fn message() -> impl Strategy<Value = Message> {
    let piece = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..3);
    let place = prop::sample::select(vec![Place::Prose, Place::Prose, Place::Key, Place::Opaque]);
    let part = prop::sample::select(vec![Part::Alone, Part::Alone, Part::First, Part::Next]);
    let key = prop::sample::select(vec!["", "", "password", "ssn"]);
    let given = (0u64..4, piece, any::<bool>(), key, place, part);
    let given = given.prop_map(|(id, piece, last, key, place, part)| Given {
        id,
        piece: piece.concat(),
        last,
        key,
        place,
        part,
    });
    let side = prop::sample::select(vec![Side::Request, Side::Response]);
    let given = prop::collection::vec(given, 0..12);
    (side, given, 0u8..6).prop_map(|(side, given, end)| Message { side, given, end })
}

fn policy(document: &str) -> Dlp {
    let document = Document::parse(document.as_bytes()).unwrap();
    let environment = |name: &str| (name == "MASK_KEY").then(|| "0123456789abcdef".to_owned());
    let policy = crate::configure(&document, &environment);
    assert_eq!(document.take_mistakes(), []);
    policy.unwrap()
}

/// All that the policy says to a message.
fn read(policy: &Dlp, message: &Message) -> Vec<String> {
    let (mut exchange, mut facts) = (policy.open(), Facts::default());
    let mut store = MemoryStore::default();
    let mut out = Effects::new(&mut store);
    let mut said = Vec::new();
    let body: String = message.given.iter().map(|given| &*given.piece).collect();
    let mut begins = 0;
    let placed = message.given.iter().map(|given| {
        begins += given.piece.len();
        Placed {
            text: begins - given.piece.len()..begins,
            key: 0..0,
            role: Role::User,
            place: Place::Prose,
        }
    });
    let placed: Vec<_> = placed.collect();
    let (body, texts) = (body.as_str(), placed.as_slice());
    let sifted = exchange.sift(message.side, Batch { body, texts }, &facts);
    said.push(format!("{sifted:b}"));
    let mut tell = |event: &Event<'_>, facts: &mut Facts| {
        let verdict = exchange.handle(Timestamp::default(), event, facts, &mut out);
        let (edits, metrics) = (out.take_edits(), out.take_metrics());
        let undecided = out.take_undecided();
        let all = format!("{verdict:?} {edits:?} {undecided:?} {metrics:?}");
        said.push(format!("{all} {}", out.take_dismissed()));
    };
    for given in &message.given {
        let mut text = Text::prose(TextId(given.id), &given.piece, given.last);
        (text.key, text.place, text.part) = (given.key, given.place, given.part);
        let event = match message.side {
            Side::Request => Event::RequestText(text),
            Side::Response => Event::ResponseText(text),
        };
        tell(&event, &mut facts);
    }
    let refusal = Refusal::new(Reason::InvalidApiKey, "no");
    match (message.end, message.side) {
        (0, _) => tell(&Event::Refused(&refusal), &mut facts),
        (1, _) => tell(&Event::End { status: 0 }, &mut facts),
        (2, _) => {}
        (_, Side::Request) => tell(&Event::RequestEnd(&RequestMeaning::default()), &mut facts),
        (_, Side::Response) => tell(&Event::ResponseEnd(&ResponseMeaning::default()), &mut facts),
    }
    said.push(format!("{:?}", facts.findings));
    said
}

#[test]
fn what_is_kept_of_a_message_means_nothing_to_the_next() {
    for rules in [RULES, OF_DETECTORS, OF_PATTERNS] {
        let keeps = policy(rules);
        proptest!(ProptestConfig { cases: 150, ..ProptestConfig::default() }, |(messages in prop::collection::vec(message(), 1..8))| {
            for message in &messages {
                let alone = Dlp { config: Rc::clone(&keeps.config), spare: Spare::default() };
                prop_assert_eq!(read(&keeps, message), read(&alone, message));
            }
        });
    }
}

#[test]
fn what_has_become_large_is_not_kept() {
    let keeps = policy(OF_DETECTORS);
    let keeps_after = |pieces: &[String]| {
        let all = pieces.iter().enumerate();
        let given = all.map(|(index, piece)| Given {
            id: 1,
            piece: piece.clone(),
            last: index + 1 == pieces.len(),
            key: "",
            place: Place::Prose,
            part: Part::Alone,
        });
        let message = Message {
            side: Side::Request,
            given: given.collect(),
            end: 3,
        };
        read(&keeps, &message);
        keeps.spare.take().is_some()
    };
    assert!(keeps_after(&["a short message".to_owned()]));
    let large = [
        "Project nightfall, ".repeat(20_000),
        "jane.doe@corp.com ".repeat(5_000),
        format!("{} ", "NTM2LTkwLTQzOTkg".repeat(4_000)),
    ];
    for text in large {
        let cuts = [text.clone(), String::new()];
        assert!(!keeps_after(&cuts), "{}", text.get(..20).unwrap());
    }
}
