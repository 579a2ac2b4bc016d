//! OpenAI's keys: `sk-proj-`, `sk-svcacct-`, `sk-admin-` and a long body; before those `sk-`, 20 characters, the infix `T3BlbkFJ` ("OpenAI" in
//! base64) and 20 characters (<https://platform.openai.com/docs/api-reference/authentication>).

use super::class::URL;
use super::entropy::centibits;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const OPENAI_KEY: Detector = Detector {
    name: "openai_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: true,
    opaque: true,
    trigger: Trigger::Keywords(&[
        "T3BlbkFJ",
        "sk-proj-",
        "sk-svcacct-",
        "sk-admin-",
        "sk-None-",
        "SK-PROJ-",
    ]),
    find: Find::Traced(find),
};

const INFIX: &[u8] = b"T3BlbkFJ";
/// Characters on each side of the infix, in all forms that have been issued.
const SIDE_MIN: usize = 16;
const SIDE_MAX: usize = 240;
/// Characters behind a new prefix.
const BODY_MIN: usize = 24;

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let has_infix = context.trigger() == INFIX;
    let start = if has_infix {
        // Where the prefix was torn off, the infix with enough on both sides still says what it was; it stands once in a key.
        let mut start = at.start;
        while at.start - start < SIDE_MAX && context.before(start).is_some_and(|byte| URL.has(byte))
        {
            start -= 1;
            let begins = |text: &[u8]| context.bytes(start..start + text.len()) == text;
            match context.byte(start) {
                Some(b's') if begins(b"sk-") => break,
                Some(b'T') if begins(INFIX) => return Outcome::None,
                _ => {}
            }
        }
        if at.start - start < SIDE_MIN {
            return Outcome::None;
        }
        start
    } else {
        at.start
    };
    if !context.begins_word(start) {
        return Outcome::None;
    }
    let end = context.run_of(at.end, SIDE_MAX, &URL);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let body = context.bytes(at.end..end);
    let is_key = if has_infix {
        body.len() >= SIDE_MIN
    } else {
        body.len() >= BODY_MIN && centibits(body) >= 300
    };
    Outcome::match_if(is_key, start..end)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_keys_of_all_times() {
        check(
            "openai_key",
            "old «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»!",
        );
        check(
            "openai_key",
            "new «sk-proj-Xi8tdMjHV6pmbBbwilTeT3BlbkFJ3UDnpdEwNNm6wVBpYM0o», «sk-svcacct-Xi8tdMjHV6pmbBbwilTe_3UDnp»",
        );
    }

    #[test]
    fn leaves_stand_ins() {
        check(
            "openai_key",
            "sk-proj-... sk-proj-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx T3BlbkFJ ask-proj-Xi8tdMjHV6pmbBbwilTe_3UDnp task-wcm07",
        );
    }
}
