//! Which runs of digits concern whom, against what detectors themselves say.

use super::*;
use crate::detectors::{Context, Grade, Outcome, all};
use crate::drive::dense::{Excerpt, Look, Views};
use proptest::prelude::*;

fn entries(wanted: impl Fn(&Detector) -> bool) -> Vec<Entry> {
    let called = all().filter(|one| matches!(one.trigger, Trigger::Digits(..)));
    called
        .filter(|one| wanted(one))
        .map(|detector| Entry { detector, rule: 0 })
        .collect()
}

fn runs(text: &[u8]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in (0..text.len()).filter(|at| text[*at].is_ascii_digit()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// What a detector sees in the dense view behind a run, if there is one.
fn dense(entry: &Entry, text: &[u8], at: &Range<usize>) -> Outcome {
    let shown = Excerpt {
        window: Window::new(text, 0),
        until: text.len(),
        end: true,
        last: true,
        begins: 0,
    };
    let token = broken::BrokenToken::perhaps(broken::NUMBER_BYTES_MAX);
    match Views::default().look(at, token, entry.detector.trigger, shown) {
        Look::View(view) if entry.detector.dense => entry.detector.find(&Context {
            text: view.bytes,
            at: view.at,
            end: true,
            dense: true,
            memo: None,
        }),
        Look::No | Look::Unknown | Look::View(_) => Outcome::None,
    }
}

/// Everything that has found something was asked, whatever is known of what follows.
fn check(text: &str) {
    // One that is only named is asked at nearly every run.
    let (entries, text) = (entries(|one| one.grade != Grade::Named), text.as_bytes());
    let numbers = Numbers::new(&entries);
    for at in runs(text) {
        let before = at.start.checked_sub(1).map(|before| text[before]);
        let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
        let lettered = text[at.start.saturating_sub(64)..at.start]
            .iter()
            .any(is_letter);
        for (entry, index) in entries.iter().zip(0_u16..) {
            let Trigger::Digits(lengths, places) = entry.detector.trigger else {
                continue;
            };
            let context = Context {
                text,
                at: at.clone(),
                end: true,
                dense: false,
                memo: None,
            };
            let is_trigger = lengths.has(at.len()) && places.fits(before);
            let finds = is_trigger && entry.detector.find(&context) != Outcome::None;
            let finds_dense = is_trigger && dense(entry, text, &at) != Outcome::None;
            if !finds && !finds_dense {
                continue;
            }
            for known in at.end + 1..=text.len() {
                let (window, last) = (Window::new(&text[..known], 0), known == text.len());
                let byte =
                    |at: Option<usize>| at.and_then(|at| window.byte(at)).unwrap_or_default();
                let [second, nearest] = [2, 1].map(|back| byte(at.start.checked_sub(back)));
                let near = Before::of(second, nearest);
                let behind = [0, 1].map(|behind| byte(Some(at.end + behind)));
                let settled = last || at.end + 1 < known;
                let word = window.range(at.end + 1..at.end + 1 + WORD_BYTES);
                let worded = word.iter().all(u8::is_ascii_alphanumeric);
                let beside = Beside::new(near, behind, settled, worded);
                let found = DigitRun {
                    at: at.clone(),
                    beside,
                    lettered,
                };
                let concern = numbers.concern(&found, window, last, || true);
                let is_asked = |asked: Asked| {
                    let asked = numbers.asked(asked, |_, entries| match entries.contains(&index) {
                        true => Err(()),
                        false => Ok(()),
                    });
                    asked.is_err()
                };
                let can = numbers.can_concern(beside, at.len());
                for (finds, asked) in [(finds, concern.plain), (finds_dense, concern.dense)] {
                    assert!(
                        can && is_asked(asked) || !finds,
                        "{} at {at:?} of {:?}",
                        entry.detector.name,
                        String::from_utf8_lossy(text)
                    );
                }
            }
        }
    }
}

/// A number that detectors know, its digits grouped in any way.
pub(in crate::drive) fn grouped() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec![
        "255081416802538",
        "184122A45108946",
        "4012888888881881",
        "378282246310005",
        "6221260062379699",
        "536904399",
        "900701234",
        "DE89370400440532013000",
        "NO9386011117947",
        "12345678Z",
        "X1234567L",
        "131052-308T",
        "1EG4TE5MK73",
        "AB123456C",
        "11010519491231002X",
        "S1234567D",
        "ABCDE1234F",
        "52998224725",
        "11222333000181",
        "736028/5163",
        "7569217076985",
        "8112189876",
        "345678901234",
        "85073003328",
        "111222333",
        "123456789",
        "501964843",
        "+4930901820",
        "+12125550187",
        "2125550187",
        "0431199794",
        "192168110",
        "10001254",
    ]);
    let signs = prop_oneof![
        5 => Just(""),
        4 => Just(" "),
        3 => prop::sample::select(vec!["-", ".", "/", "  ", " - ", "(", ") "]),
    ];
    (number, prop::collection::vec(signs, 24)).prop_map(|(number, signs)| {
        let signed = number.chars().zip(signs);
        signed
            .map(|(letter, sign)| format!("{letter}{sign}"))
            .collect()
    })
}

#[test]
fn kinds_of_all_detectors_fit() {
    let numbers = Numbers::new(&entries(|_| true));
    assert!(numbers.kinds.len() <= Kinds::BITS as usize);
    assert!(numbers.groups.len() <= Groups::BITS as usize);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn whoever_finds_something_is_asked(
        parts in prop::collection::vec(
            prop_oneof![
                "[0-9]{1,6}",
                "[0-9]{7,19}",
                "[ ./:+()_-]",
                "[A-Za-z]{1,6}",
                Just("tel ".to_owned()),
                "[12][0-9]{3}-[01][0-9]-[0-3][0-9]",
                "[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}",
                "\\+[1-9][0-9]{0,2} [0-9]{3} [0-9]{3,4} [0-9]{3,4}",
                "[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}",
                "[1-9][A-HJ-NP][A-HJ-NP0-9][0-9]",
            ],
            1..8,
        ),
    ) {
        check(&parts.concat());
    }

    /// The same of numbers that are broken somewhere.
    #[test]
    fn whoever_finds_something_broken_is_asked(
        number in prop::sample::select(vec![
            "4012-8888-8888-1881", "4012 8888 8888 1881", "4012888888881881", "378282246310005", "536-90-4399", "ssn 536904399",
            "+49 30 901820", "2026-08-13T", "2026-08-13**5", "+12125550187", "+1 (212) 555-0187", "DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19",
        ]),
        before in "([a-z]{0,3}[ :.,/(+_-]?|[0-9][.,:/-]|<b>|\"|[+]?[*]{1,2}|> )",
        gaps in prop::collection::vec((0_usize..30, prop::sample::select(vec![
            "**", "*", "`", "\n", "\n> ", "  ", " *", "<b>", "</b>", "\" + \"", "' '", "\r\n", "=\n", " ", "\n// ", "/* x */", "<br/>", "\t",
        ])), 1..4),
    ) {
        let mut text = format!("{before}{number}.");
        for (at, gap) in gaps {
            let at = (at + before.len()).min(text.len());
            text.insert_str(at, gap);
        }
        check(&text);
    }

    /// The same of numbers whose digits are grouped in any way, behind a word or none.
    #[test]
    fn whoever_finds_something_grouped_is_asked(
        word in prop::option::of(prop::sample::select(
            all().flat_map(|one| one.announcing().iter().copied()).collect::<Vec<_>>()
        )),
        number in grouped(),
        behind in "[.;) ]?[0-9a-z]?",
    ) {
        let before = word.map_or(String::new(), |word| format!("{word}: "));
        check(&(before + &number + &behind));
    }
}

#[test]
fn examples_are_asked() {
    for text in [
        "SSN 536-90-4399, 536.90.4399, 536904399.",
        "card 4012 8888 8888 1881 4012-8888-8888-1881 378282246310005 3782 822463 10005",
        "call (415) 555-0132, 1 (415) 555-0132, 1-(415)-555-0132, +49 30 901820, 2125550187x12, tel 0431 19 97 94",
        "DE89370400440532013000 GB29 NWBK 6016 1331 9268 19 NO9386011117947",
        "12345678Z X1234567L X-1234567-L 131052-308T 1EG4-TE5-MK73 AB123456C AB 12 34 56 C",
        "2 85 05 78 006 084 91 nir 285057800608491 1 84 12 2A 451 089 46, nir 18412 2A 451 089 46",
        "11010519491231002X 440524188001010014 S1234567D ABCDE1234F RSSMRA85T10A562S HEGG560427MVZRRL04",
        "529.982.247-25 736028/5163 756.9217.0769.85 811218-9876 19811218-9876 3-4567-89012-34-7",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 8-Lp22ov7halMBLUpG97Wg4y7fibQi3CW19VJiZcCu746zgCs0mdDdTCoOcpgEucgu",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed 138519649684711|L1wDVrk-9e3PZr5mC0Nq3XyZ7Ab 1234567FA pps 1234567T",
    ] {
        check(text);
    }
}
