//! What keys look like, for tools that judge rules by them: random ones of every shape, and of the best known kinds as the vendors give them out,
//! where a shape takes more than that. The gateway itself never asks.

use super::class::{ALNUM, BASE64, Class, UPPER, URL};
use super::packed::Form;
use super::shape::{Piece, Run, literal};
use super::{Detector, Find, Trigger, keys::KEYS};

/// Keys of each shape: what holds for all of them is no accident.
const KEYS_OF_A_SHAPE: usize = 3;

/// A run without an upper bound gets up to so many characters more than it must have.
const LONGER_MAX: usize = 12;

/// Random keys of one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specimens {
    /// The detector that knows the shape.
    pub detector: &'static str,
    /// The keys.
    pub keys: Vec<String>,
}

/// A part of a key: a text, or so many characters of an alphabet.
enum Part {
    Text(&'static str),
    Run(&'static Class, usize),
}

/// Keys that differ in what they begin with.
struct Known {
    detector: &'static str,
    begins: &'static [&'static str],
    then: &'static [Part],
}

/// Kinds of keys that people write rules for themselves.
const KNOWN: &[Known] = &[
    Known {
        detector: "anthropic_key",
        begins: &["sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-"],
        then: &[Part::Run(&URL, 93), Part::Text("AA")],
    },
    Known {
        detector: "aws_access_key",
        begins: &["AKIA"],
        then: &[Part::Run(&UPPER, 16)],
    },
    Known {
        detector: "jwt",
        begins: &[
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwiaWF0IjoxNTE2MjM5MDIyfQ.",
        ],
        then: &[Part::Run(&URL, 43)],
    },
    Known {
        detector: "openai_key",
        begins: &["sk-proj-", "sk-svcacct-"],
        then: &[
            Part::Run(&URL, 74),
            Part::Text("T3BlbkFJ"),
            Part::Run(&URL, 74),
        ],
    },
    Known {
        detector: "openai_key",
        begins: &["sk-"],
        then: &[
            Part::Run(&ALNUM, 20),
            Part::Text("T3BlbkFJ"),
            Part::Run(&ALNUM, 20),
        ],
    },
    Known {
        detector: "private_key",
        begins: &["-----BEGIN PRIVATE KEY-----\nMIIE"],
        then: &[
            Part::Run(&BASE64, 60),
            Part::Text("\n"),
            Part::Run(&BASE64, 64),
            Part::Text("\n"),
            Part::Run(&BASE64, 64),
            Part::Text("\n-----END PRIVATE KEY-----"),
        ],
    },
];

/// Keys of all shapes that are known. They are nobody's, and the same each time.
pub fn specimens() -> impl Iterator<Item = Specimens> {
    let mut random = Random(1);
    let mut known = Random(1);
    let begins = KNOWN
        .iter()
        .flat_map(|kind| kind.begins.iter().map(move |begin| (kind, *begin)));
    let known = begins.map(move |(kind, begin)| Specimens {
        detector: kind.detector,
        keys: several(|| {
            let of = |part: &Part| match *part {
                Part::Text(text) => text.to_owned(),
                Part::Run(class, length) => known.of_class(class, length),
            };
            std::iter::once(begin.to_owned())
                .chain(kind.then.iter().map(of))
                .collect()
        }),
    });
    let shapes = KEYS.iter().flat_map(|detector| {
        let shapes = if let Find::Key(shapes) = detector.find {
            Some(shapes)
        } else {
            None
        };
        let shapes = shapes.into_iter().flatten();
        shapes.map(move |form| (detector, form))
    });
    let shaped = shapes.map(move |(detector, form)| Specimens {
        detector: detector.name,
        keys: several(|| written(detector, &form, |run| random.of_run(run))),
    });
    known.chain(shaped)
}

fn several(key: impl FnMut() -> String) -> Vec<String> {
    std::iter::repeat_with(key).take(KEYS_OF_A_SHAPE).collect()
}

/// xorshift64*.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap_or_default() % below.max(1)
    }

    fn one_of(&mut self, bytes: &[u8]) -> u8 {
        bytes.get(self.below(bytes.len())).copied().unwrap_or(b'0')
    }

    /// A letter or a digit where it begins and ends, so that it is a word; between them every sign of the alphabet, where there is room.
    fn of_class(&mut self, class: &Class, length: usize) -> String {
        let all: Vec<u8> = (0..128).filter(|byte| class.has(*byte)).collect();
        let (word, signs): (Vec<u8>, Vec<u8>) =
            all.iter().partition(|byte| byte.is_ascii_alphanumeric());
        let mut run: Vec<u8> = (0..length)
            .map(|at| {
                let is_edge = at == 0 || at + 1 == length;
                self.one_of(if is_edge { &word } else { &all })
            })
            .collect();
        if length >= 4 * (signs.len() + 1) {
            let step = length / (signs.len() + 1);
            for (place, sign) in run.iter_mut().skip(step).step_by(step).zip(signs) {
                *place = sign;
            }
        }
        run.into_iter().map(char::from).collect()
    }

    pub(super) fn of_run(&mut self, run: &Run) -> String {
        let longer = run.max().min(run.min() + LONGER_MAX) - run.min();
        let length = run.min() + self.below(longer + 1);
        self.of_class(run.class(), length)
    }
}

/// A text of a shape, of which `of_run` makes the random parts.
pub(super) fn written(
    detector: &Detector,
    form: &Form,
    mut of_run: impl FnMut(&Run) -> String,
) -> String {
    let mut key = form.head.as_ref().map_or_else(String::new, &mut of_run);
    if let Trigger::Digits(lengths, _) = detector.trigger {
        let length = (1..24).rev().find(|length| lengths.has(*length));
        let digits = "8302914756".chars().cycle();
        key.extend(digits.take(length.unwrap_or_default()));
    }
    key.push_str(&String::from_utf8_lossy(form.mark));
    for piece in form.pieces {
        match piece {
            Piece::Run(run) => key.push_str(&of_run(&run)),
            Piece::Text(number) => key.push_str(literal(number)),
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::super::{all, reference::find_all};
    use super::*;

    #[test]
    fn what_vendors_give_out_is_found_whole() {
        let known = KNOWN.iter().map(|kind| kind.begins.len()).sum();
        for Specimens { detector, keys } in specimens().take(known) {
            for key in keys {
                let text = format!("\"{key}\"");
                let found = all()
                    .filter(|one| one.name == detector)
                    .flat_map(|one| find_all(one, text.as_bytes(), false));
                let end = found.map(|found| (found.start, found.end)).max();
                assert_eq!(end, Some((1, 1 + key.len())), "{detector}: {key}");
            }
        }
    }

    #[test]
    fn every_sign_of_an_alphabet_stands_in_its_keys() {
        let keys: Vec<_> = specimens().collect();
        assert!(keys.len() > 400);
        assert!(
            keys.iter().all(
                |one| one.keys.len() == KEYS_OF_A_SHAPE && one.keys.is_sorted_by(|a, b| a != b)
            )
        );
        let anthropic = keys.iter().filter(|one| one.detector == "anthropic_key");
        for key in anthropic.flat_map(|one| &one.keys) {
            assert!(key.contains('_'), "{key}");
        }
        assert_eq!(keys, specimens().collect::<Vec<_>>());
    }
}
