//! Recovery phrases of crypto wallets (BIP 39): 12, 15, 18, 21 or 24 words, behind a word that says what they are
//! (<https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki>).
//!
//! The 2,048 words of the list have three to eight small letters each; prose of so many words has shorter ones among them, or signs.

use super::class::Class;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const SEED_PHRASE: Detector = Detector {
    name: "seed_phrase",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::KeywordsAnyCase(&[
        "mnemonic",
        "seed phrase",
        "seed_phrase",
        "seed-phrase",
        "seedphrase",
        "seed words",
        "recovery phrase",
        "recovery_phrase",
        "backup phrase",
        "secret phrase",
        "wallet phrase",
    ]),
    find: Find::Code(find),
};

/// How far behind the word that announces it a phrase may begin.
const REACH: usize = 48;
const WORDS_MAX: usize = 24;
const LETTERS: std::ops::RangeInclusive<usize> = 3..=8;

/// What prose has and the list has not.
const OTHERS: [&[u8]; 24] = [
    b"and", b"are", b"but", b"could", b"for", b"from", b"have", b"her", b"his", b"into", b"its",
    b"might", b"never", b"not", b"our", b"should", b"such", b"the", b"their", b"them", b"was",
    b"which", b"with", b"would",
];

const SMALL: Class = Class::of("a-z");
/// What stands between the announcement and the phrase.
const LEADING: Class = Class::of("\"'`:= \t\r\n");

fn find(context: &Context<'_>) -> Outcome {
    let mut from = context.at.end;
    let limit = from + REACH;
    while from < limit {
        match phrase(context, from) {
            Outcome::None => {}
            found @ (Outcome::Undecided | Outcome::Match(_) | Outcome::Latch(_)) => return found,
        }
        // The next word may begin it: `mnemonic words are: …`.
        let word = context.run(from, REACH, |byte| !LEADING.has(byte));
        let next = context.run_of(word, 8, &LEADING);
        if context.is_open(next) {
            return Outcome::Undecided;
        }
        if next == from {
            return Outcome::None;
        }
        from = next;
    }
    Outcome::None
}

/// The words that begin here, all that stand in a row.
fn phrase(context: &Context<'_>, start: usize) -> Outcome {
    let (mut at, mut end, mut words) = (start, start, 0);
    loop {
        let behind = context.run_of(at, LETTERS.end() + 1, &SMALL);
        if context.is_open(behind) {
            return Outcome::Undecided;
        }
        let ends = !context
            .byte(behind)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte >= 0x80 || byte == b'_');
        if !LETTERS.contains(&(behind - at)) || !ends || OTHERS.contains(&context.bytes(at..behind))
        {
            break;
        }
        (words, end) = (words + 1, behind);
        if words > WORDS_MAX {
            return Outcome::None;
        }
        // One blank or line break, or a comma and one.
        let comma = behind + usize::from(context.byte(behind) == Some(b','));
        let gap = context.run_of(comma, 2, &const { Class::of(" \n") });
        if context.is_open(gap) {
            return Outcome::Undecided;
        }
        if gap != comma + 1 {
            break;
        }
        at = gap;
    }
    Outcome::match_if(matches!(words, 12 | 15 | 18 | 21 | 24), start..end)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_phrases() {
        check(
            "seed_phrase",
            "mnemonic = \"«legal winner thank year wave sausage worth useful legal winner thank yellow»\"",
        );
        check(
            "seed_phrase",
            "My seed phrase is: «witch collapse practice feed shame open despair creek road again ice least». Keep it.",
        );
    }

    #[test]
    fn leaves_prose() {
        check(
            "seed_phrase",
            "A mnemonic is an aid to memory that helps people keep lists of things in mind for a long time.",
        );
        check(
            "seed_phrase",
            "Your seed phrase gives full access, never share such words with others whatever support staff might claim about them.",
        );
    }
}
