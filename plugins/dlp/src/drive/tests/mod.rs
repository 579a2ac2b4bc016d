//! The driver against a slow reference, and against what people do to hide things.
#![allow(clippy::string_slice, reason = "tests")]

mod detectors;
mod example;

use super::{Driver, Lane, Sighting};
use crate::detectors::{Context, LOOK_AHEAD, LOOK_BEHIND, Outcome, Trigger};
use crate::view::View;
use detectors::ALL;
use proptest::prelude::*;
use std::ops::Range;

fn driver() -> Driver {
    Driver::new((0..).zip(ALL), None).unwrap()
}

/// Rule, range, value and when it was decided; what continues is joined to what it continues.
type Seen = (u16, Range<usize>, Vec<u8>, usize);

fn joined(found: impl IntoIterator<Item = Sighting>) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    for sighting in found {
        let before = seen
            .iter_mut()
            .rev()
            .find(|seen| seen.0 == sighting.rule && seen.1.end == sighting.range.start);
        match before {
            Some(before) if sighting.continues => before.1.end = sighting.range.end,
            _ => seen.push((
                sighting.rule,
                sighting.range,
                sighting.value,
                sighting.decided,
            )),
        }
    }
    seen
}

fn read(text: &str, cuts: &[usize]) -> Vec<Seen> {
    let (driver, mut lane, mut found) = (driver(), Lane::default(), Vec::new());
    let mut cuts: Vec<usize> = cuts
        .iter()
        .map(|cut| text.floor_char_boundary(*cut))
        .collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    let (mut undecided, mut given) = (0, 0);
    for pair in cuts.windows(2) {
        let piece = &text[pair[0]..pair[1]];
        given += piece.len();
        lane.push(&driver, piece, false, false).unwrap();
        for sighting in lane.found() {
            assert!(sighting.decided <= given);
            assert!(
                sighting.range.start >= undecided,
                "{sighting:?} begins before {undecided}"
            );
            found.push(sighting);
        }
        let next = lane.undecided(&driver, false);
        assert!(
            next >= undecided && next <= given,
            "{undecided} {next} {given}"
        );
        assert!(lane.needs() <= next);
        undecided = next;
    }
    lane.push(&driver, "", true, false).unwrap();
    found.extend(lane.found());
    assert!(found.is_sorted_by_key(|sighting| sighting.decided));
    joined(found)
}

fn check_cuts(text: &str, cuts: &[usize]) -> Vec<Seen> {
    let mut whole = read(text, &[]);
    for cuts in [cuts.to_vec(), (0..text.len()).collect()] {
        let mut cut = read(text, &cuts);
        for seen in [&mut whole, &mut cut] {
            seen.sort_by_key(|seen| (seen.3, seen.0, seen.1.start, seen.1.end));
        }
        assert_eq!(cut, whole, "{text:?} {cuts:?}");
    }
    whole
}

/// What each detector says about each of its triggers in the plain view, with all of the text at hand.
fn reference(text: &str) -> Vec<(u16, Range<usize>)> {
    let (mut view, mut bytes) = (View::default(), Vec::new());
    if !view.push(text, &mut bytes) {
        bytes = text.as_bytes().to_vec();
    }
    let mut found = Vec::new();
    for (rule, detector) in (0..).zip(ALL) {
        let mut triggers: Vec<Range<usize>> = Vec::new();
        for start in 0..bytes.len() {
            let here = &bytes[start..];
            match detector.trigger {
                Trigger::Keywords(words) => {
                    let words = words
                        .iter()
                        .filter(|word| here.starts_with(word.as_bytes()));
                    triggers.extend(words.map(|word| start..start + word.len()));
                }
                Trigger::KeywordsAnyCase(words) => {
                    let lower = here.to_ascii_lowercase();
                    let words = words
                        .iter()
                        .filter(|word| lower.starts_with(word.as_bytes()));
                    triggers.extend(words.map(|word| start..start + word.len()));
                }
                Trigger::Digits(lengths, _) => {
                    let len = here.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let inside = start > 0 && bytes[start - 1].is_ascii_digit();
                    if len > 0 && !inside && lengths.has(len) {
                        triggers.push(start..start + len);
                    }
                }
                Trigger::At if here[0] == b'@' => triggers.push(start..start + 1),
                Trigger::At | Trigger::Marks(_) => {}
            }
        }
        let mut covered = 0;
        for at in triggers {
            if at.start < covered {
                continue;
            }
            let first = at.start.saturating_sub(LOOK_BEHIND);
            let context = Context {
                text: &bytes[first..bytes.len().min(at.end + LOOK_AHEAD)],
                at: at.start - first..at.end - first,
                end: true,
                dense: false,
                memo: None,
            };
            let range = match detector.find(&context) {
                Outcome::None | Outcome::Undecided => continue,
                Outcome::Match(range) => first + range.start..first + range.end,
                Outcome::Latch(latch) => {
                    let mut end = first + latch.range.end;
                    while end < bytes.len() && latch.body.has(bytes[end]) {
                        end += 1;
                        if bytes[..end].ends_with(latch.until.as_bytes()) {
                            break;
                        }
                    }
                    first + latch.range.start..end
                }
            };
            covered = range.end;
            found.push((rule, view.text_range(&range)));
        }
    }
    found.sort_by_key(|(rule, range)| (range.start, *rule));
    found
}

/// Base64 in lines of so many characters.
fn wrapped(text: &str, bytes: usize, between: &str) -> String {
    use base64::prelude::*;
    let characters = BASE64_STANDARD.encode(text);
    let lines = characters.as_bytes().chunks(bytes);
    let lines: Vec<_> = lines.map(|line| str::from_utf8(line).unwrap()).collect();
    lines.join(between) + "\n"
}

const SSN: &str = "536-90-4399";
const SECRET: &str = "key-aB3dE6gH9j";

#[test]
fn what_is_written_otherwise_is_found() {
    use base64::prelude::*;
    let hex: String = SSN.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let entities: String = SSN.bytes().map(|byte| format!("&#{byte};")).collect();
    let unicode: String = SSN.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let octal: String = SSN.bytes().map(|byte| format!("\\{byte:03o}")).collect();
    let listed = |text: &str, between: &str, number: fn(u8) -> String| {
        text.bytes().map(number).collect::<Vec<_>>().join(between)
    };
    let spaced = |text: &str| text.chars().map(|c| format!("{c} ")).collect::<String>();
    let spelled = |text: &str, between: &str| {
        let characters: Vec<_> = text.chars().map(String::from).collect();
        characters.join(between)
    };
    let long = format!("my secret is {SSN} and {SECRET} ok");
    for (name, text, rules) in [
        ("plain", SSN.to_owned(), vec![3]),
        (
            "zero width",
            "536-\u{200b}90-4\u{200b}399".to_owned(),
            vec![3],
        ),
        ("fullwidth", "５３６－９０－４３９９".to_owned(), vec![3]),
        ("base64", BASE64_STANDARD.encode(SSN), vec![3]),
        (
            "base64 in a path",
            format!("a/b/{}", BASE64_STANDARD.encode(SSN)),
            vec![3],
        ),
        ("base64 of more", BASE64_STANDARD.encode(&long), vec![3, 2]),
        (
            "base64 of url",
            BASE64_URL_SAFE_NO_PAD.encode(&long),
            vec![3, 2],
        ),
        (
            "base64 twice",
            BASE64_STANDARD.encode(BASE64_STANDARD.encode(&long)),
            vec![3, 2],
        ),
        (
            "base64 three times",
            BASE64_STANDARD.encode(BASE64_STANDARD.encode(BASE64_STANDARD.encode(SSN))),
            vec![3],
        ),
        ("base64 in lines", wrapped(&long, 40, "\n"), vec![3, 2]),
        ("quoted lines", wrapped(&long, 44, "\r\n  > "), vec![3, 2]),
        ("hex", hex, vec![3]),
        ("percent", percent, vec![2]),
        ("percent dash", SECRET.replace('-', "%2D"), vec![2]),
        ("entities", entities, vec![3]),
        ("unicode", unicode, vec![3]),
        ("octal", octal, vec![3]),
        (
            "listed",
            listed(SSN, " ", |byte| format!("{byte:02x}")),
            vec![3],
        ),
        (
            "colons",
            listed(SECRET, ":", |byte| format!("{byte:02X}")),
            vec![2],
        ),
        (
            "code",
            listed(SSN, ", ", |byte| format!("0x{byte:02x}")),
            vec![3],
        ),
        (
            "decimal",
            listed(SECRET, ", ", |byte| byte.to_string()),
            vec![2],
        ),
        (
            "octal digits",
            listed(SECRET, " ", |byte| format!("{byte:03o}")),
            vec![2],
        ),
        (
            "binary",
            listed(SSN, " ", |byte| format!("{byte:08b}")),
            vec![3],
        ),
        (
            "binary of seven",
            listed(SSN, ", ", |byte| format!("{byte:07b}")),
            vec![3],
        ),
        (
            "binary in code",
            listed(SECRET, ", ", |byte| format!("0b{byte:08b}")),
            vec![2],
        ),
        (
            "bits",
            listed(SECRET, "", |byte| format!("{byte:08b}")),
            vec![2],
        ),
        ("dots", spelled(SSN, "."), vec![3]),
        ("bars", spelled(SECRET, " | "), vec![2]),
        ("lines", spelled(SECRET, "\n"), vec![2]),
        ("items", spelled(SSN, "\n- "), vec![3]),
        ("quotes", spelled(SECRET, "\", \""), vec![2]),
        ("elements", spelled(SSN, "<b>"), vec![3]),
        ("dashes", spelled(SECRET, "-"), vec![2]),
        ("blanks", spelled(SECRET, "   "), vec![2]),
        ("spaced number", spaced(SSN), vec![3]),
        ("spaced key", spaced(SECRET), vec![2]),
        ("bold", "536-**90-4399**".to_owned(), vec![3]),
        ("bold key", "key-aB3d**E6gH9j**".to_owned(), vec![2]),
        ("broken line", "key-aB3d\nE6gH9j".to_owned(), vec![2]),
        ("ticks", "`key-aB3d` `E6gH9j`".to_owned(), vec![2]),
        ("spaced dashes", "536 - 90 - 4399".to_owned(), vec![3]),
        ("quoted line", "key-aB3d\n> E6gH9j".to_owned(), vec![2]),
        ("comment", "key-aB3d\r\n    // E6gH9j".to_owned(), vec![2]),
        ("strings", "\"key-aB3d\" +\n \"E6gH9j\"".to_owned(), vec![2]),
        ("tags", "536-90<b>-43</b>99".to_owned(), vec![3]),
        ("cells", "| key-aB3d | E6gH9j |".to_owned(), vec![2]),
        ("soft line break", "key-aB3d=\r\nE6gH9j".to_owned(), vec![2]),
    ] {
        let text = format!("Please remember this: {text} and reply.");
        let seen = check_cuts(&text, &[7]);
        let found: Vec<u16> = seen.iter().map(|seen| seen.0).collect();
        for rule in &rules {
            assert!(found.contains(rule), "{name}: {text:?} {seen:?}");
        }
        for (_, range, ..) in seen {
            assert!(
                range.start >= 22 && range.end <= text.len() - " and reply.".len(),
                "{name} {range:?}"
            );
        }
    }
}

#[test]
fn a_block_is_covered_however_long() {
    let body = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\n".repeat(1000);
    for (behind, covers) in [
        ("--END-- and more", "--END--".len()),
        ("and more", 0),
        ("", 0),
    ] {
        let text = format!("x --BEGIN--{body}{behind}");
        let end = "x --BEGIN--".len() + body.len() + covers;
        for cuts in [
            vec![],
            vec![5, 9000, 20_000],
            (0..text.len()).step_by(7).collect(),
        ] {
            let seen = read(&text, &cuts);
            assert_eq!(seen.len(), 1);
            assert_eq!(seen[0].1, 2..end);
        }
    }
}

#[test]
fn a_number_is_found_anywhere_in_long_lines() {
    for before in (2900..3250).step_by(29) {
        let text = format!("{}{SSN} {}", "a b ".repeat(before / 4), "c d ".repeat(400));
        let text = wrapped(&text, 76, "\n");
        let seen = check_cuts(&text, &[3000, 5000]);
        assert!(seen.iter().any(|seen| seen.0 == 3), "{before}");
    }
}

/// A table of numbers and names, as long as a portion may be: numbers are read before names, and are no reason to refuse the first name.
#[test]
fn a_long_table_is_read() {
    let text = "key-a 120-45-6789 20 token=abcdef 4 31\n".repeat(3_000);
    let seen = read(&text, &[]);
    assert_eq!(seen.len(), 6_000);
}

#[test]
fn prose_is_not_held_back() {
    let driver = driver();
    let words = "The quick brown fox jumps over the lazy dog and keeps its tokens in a keyring while nobody looks \
                 at masterpieces of internationalization ";
    let (mut lane, mut held, mut count) = (Lane::default(), 0, 0);
    let mut given = 0;
    for word in words.repeat(20).split_inclusive(' ') {
        for piece in [word.trim_end(), " "] {
            lane.push(&driver, piece, false, false).unwrap();
            given += piece.len();
            count += 1;
            held += usize::from(lane.undecided(&driver, true) < given);
        }
    }
    assert!(held * 100 <= count, "{held} of {count}");
}

fn plain_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "key-[a-z0-9]{9,11}",
        "(?i)token=[a-z]{2,6}",
        "access_token",
        "[0-9]{2,4}-[0-9]{2}-[0-9]{4}",
        "[a-z]{1,3}@[a-z]{1,3}",
        Just("--BEGIN--".to_owned()),
        Just("--END--".to_owned()),
        "[a-z@ .=é\u{200b}５-]{1,6}",
    ];
    prop::collection::vec((part, "[ \n.]"), 0..12)
        .prop_map(|parts| parts.into_iter().map(|(part, end)| part + &end).collect())
}

fn any_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => plain_text(),
        1 => "(%[0-9A-F]{2}|[a-z0-9-]){1,20}",
        1 => "(&#[0-9]{2};|[a-z0-9-]|\\\\u00[2-7][0-9a-f]|&am){1,12}",
        1 => "([a-z0-9-] ){4,30}",
        1 => "([a-z0-9-] {1,6}){4,30}",
        2 => ("[a-z0-9@. -]{4,30}", "[.]|, |\", \"|<b>|\n- |[|]|-|\n| = |é|\\+'").prop_map(|(text, between)| text.chars().map(|c| format!("{c}{between}")).collect()),
        1 => "([01]{7,8}(, | )|0b[01]{8}, ){3,14}",
        1 => "[01]{60,90}|([0-7]{3},? ){3,20}",
        1 => "[0-9 *`\n-]{1,20}",
        1 => "([2-7][0-9a-f][ :]){3,30}",
        1 => "(0x[2-7][0-9a-f], |[1-9][0-9]{1,2}, ?){3,20}",
        1 => "([0-9]{2,3}, ){4,20}",
        1 => "(\\\\[01][0-7]{2}|\\\\U0000002d|[a-z0-9]){1,14}",
        1 => "key-[a-z0-9]{4}(\" [+] \"|\n> |<b>|<!-- a -->|=\n| [|] |' '|\n|/[*]){1,2}[a-z0-9]{6}",
        1 => "[0-9]{3}-(\" [+] \"|\n# |</b>|=\r\n|'|\n){1,2}[0-9]{2}-[0-9]{4}",
        1 => "[A-Za-z0-9+/]{10,60}",
        1 => "[ -~]{0,40}".prop_map(|text| { use base64::prelude::*; BASE64_STANDARD.encode(text) }),
        1 => "[ -~]{0,40}".prop_map(|text| text.bytes().map(|byte| format!("{byte:02x}")).collect()),
        1 => ("[ -~]{40,120}", 32usize..50, "\n|\r\n|\n  ").prop_map(|(text, bytes, between)| wrapped(&text, bytes, &between)),
        1 => Just(wrapped(&format!("a note that goes on and on with {SSN} in it and more"), 36, "\n")),
        1 => Just(SSN.to_owned()),
        1 => Just("key-aB3d*E6gH9j".to_owned()),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn the_driver_finds_what_the_reference_finds(text in plain_text(), cuts in prop::collection::vec(0usize..200, 0..5)) {
        let seen = check_cuts(&text, &cuts);
        let found: Vec<(u16, Range<usize>)> = seen.into_iter().map(|seen| (seen.0, seen.1)).collect();
        for wanted in reference(&text) {
            let has = found.iter().any(|(rule, range)| *rule == wanted.0 && *range == wanted.1);
            prop_assert!(has, "{:?} {:?}", wanted, found);
        }
    }

    #[test]
    fn cutting_never_matters(text in any_text(), cuts in prop::collection::vec(0usize..400, 0..5)) {
        check_cuts(&text, &cuts);
    }
}
