//! Keys that somebody wrote backwards, or in rot13, to get them past: `-tna-ks` for `sk-ant-`, `fx-nag-`. Such a token is turned back and shown
//! to the detector of its kind. Only for kinds whose mark is rare enough both ways.

use super::class::Class;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};
use std::ops::Range;

/// The characters of such tokens.
const TOKEN: Class = Class::of("0-9A-Za-z_.+/=\\-");
/// How much of a token is turned, before its mark and behind it: as far as a detector sees back. Of a longer one the part by the mark is enough to
/// tell what it is.
const SIDE_BYTES_MAX: usize = 240;
/// OpenAI's infix, which alone stands within a word.
const INFIXES: [&[u8]; 2] = [b"JFkblB3T", b"G3OyoxSW"];

/// Rows of detectors, each with the marks of its kind as they look turned around and in rot13.
macro_rules! turned {
    ($($name:literal [$($backwards:literal),+] [$($rot13:literal),+];)+) => {
        /// Each kind both ways, sorted by name.
        pub(super) const TURNED: &[Detector] = &[$(
            detector($name, &[$($backwards),+], |context| backwards(context, $name)),
            detector($name, &[$($rot13),+], |context| rot13(context, $name)),
        )+];
    };
}

turned! {
    "anthropic_key" ["-tna-ks"] ["fx-nag-"];
    "aws_access_key" ["AIKA", "AISA"] ["NXVN", "NFVN"];
    "github_token" ["_phg", "_ohg", "_shg", "_tap_buhtig"] ["tuc_", "tub_", "tuf_", "tvguho_cng_"];
    "google_api_key" ["azIA"] ["NVmn"];
    "jwt" ["Jye"] ["rlW"];
    "openai_key" ["JFkblB3T", "-jorp-ks", "-tccacvs-ks"] ["G3OyoxSW", "fx-cebw-", "fx-fipnppg-"];
    "slack_token" ["-bxox", "-pxox"] ["kbko-", "kbkc-"];
    "stripe_key" ["_evil_ks", "_tset_ks", "_evil_kr"] ["fx_yvir_", "fx_grfg_", "ex_yvir_"];
}

const fn detector(
    name: &'static str,
    marks: &'static [&'static str],
    find: fn(&Context<'_>) -> Outcome,
) -> Detector {
    Detector {
        name,
        group: Group::Secrets,
        grade: Grade::Precise,
        dense: false,
        opaque: false,
        trigger: Trigger::Keywords(marks),
        find: Find::Code(find),
    }
}

fn backwards(context: &Context<'_>, name: &str) -> Outcome {
    let at = context.at.clone();
    let is_infix = INFIXES.contains(&context.trigger());
    if context.is_open(at.end) {
        return Outcome::Undecided;
    }
    if !is_infix && !context.ends_word(at.end) {
        return Outcome::None;
    }
    let start = context.run_back_of(at.start, SIDE_BYTES_MAX, &TOKEN);
    let end = context.run_of(at.end, SIDE_BYTES_MAX, &TOKEN);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    // What is behind the mark comes before it: of most kinds nothing, of OpenAI's old keys a part.
    let token: Vec<u8> = context.bytes(start..end).iter().rev().copied().collect();
    let mark = end - at.end..end - at.start;
    ask(name, &token, mark).map_or(Outcome::None, |found| {
        Outcome::Match(end - found.end..end - found.start)
    })
}

fn rot13(context: &Context<'_>, name: &str) -> Outcome {
    let at = context.at.clone();
    let is_infix = INFIXES.contains(&context.trigger());
    if !is_infix && !context.begins_word(at.start) {
        return Outcome::None;
    }
    let start = context.run_back_of(at.start, SIDE_BYTES_MAX, &TOKEN);
    let end = context.run_of(at.end, SIDE_BYTES_MAX, &TOKEN);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let token: Vec<u8> = context
        .bytes(start..end)
        .iter()
        .map(|byte| turn(*byte))
        .collect();
    let mark = at.start - start..at.end - start;
    ask(name, &token, mark).map_or(Outcome::None, |found| {
        Outcome::Match(start + found.start..start + found.end)
    })
}

/// rot13 of a letter.
pub(super) const fn turn(byte: u8) -> u8 {
    match byte {
        b'A'..=b'M' | b'a'..=b'm' => byte + 13,
        b'N'..=b'Z' | b'n'..=b'z' => byte - 13,
        _ => byte,
    }
}

/// What the detector of this kind finds in a token at a mark.
fn ask(name: &str, token: &[u8], mark: Range<usize>) -> Option<Range<usize>> {
    let context = Context {
        text: token,
        at: mark,
        end: true,
        dense: false,
        memo: None,
    };
    let has_mark = |detector: &&Detector| match detector.trigger {
        Trigger::Keywords(words) => words
            .iter()
            .any(|word| word.as_bytes() == context.trigger()),
        Trigger::Marks(shapes) => shapes
            .marks()
            .any(|mark| mark.as_bytes() == context.trigger()),
        Trigger::KeywordsAnyCase(_) | Trigger::Digits(..) | Trigger::At => false,
    };
    let detector = super::all()
        .filter(|detector| detector.name == name)
        .find(has_mark)?;
    match detector.find(&context) {
        Outcome::Match(found) => Some(found),
        Outcome::None | Outcome::Undecided | Outcome::Latch(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn turns_tokens_back() {
        check(
            "github_token",
            "«LgDXqH5wGwD807pWhm99NlTcCa1LyxAJYbz2_phg», «tuc_2moWLNklY1nPpGyA99zuJc708QjTj5UdKQtY».",
        );
        check(
            "anthropic_key",
            "\"«wBIGIVxbIhMEVUL4RL-A8CxJrmaX-30ipa-tna-ks»\"",
        );
        check(
            "openai_key",
            "«h5lywwg9haj6j2s5b8blrJFkblB3Txul6vgxwh9k7hmt70mcw-ks»",
        );
        check(
            "aws_access_key",
            "«BILO34233LEMELALAIKA» «NXVNYNYRZRY33243BYVO»",
        );
    }

    #[test]
    fn leaves_what_is_none() {
        check(
            "github_token",
            "x_phg, tuc_tuc, LgDXqH5wGwD807pWhm99NlTcCa1LyxAJYbz2_phgx",
        );
        check("jwt", "Jye, rlW, dlrow.Jye");
    }
}
