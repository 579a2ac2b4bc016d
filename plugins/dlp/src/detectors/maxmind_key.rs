//! MaxMind license keys: six characters, 29 more, `_mmk` (<https://support.maxmind.com/hc/en-us/articles/4407111582235>).

use super::class::WORD;
use super::{Context, Detector, Grade, Group, Outcome, Trigger};

pub(super) const MAXMIND_KEY: Detector = Detector {
    name: "maxmind_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    trigger: Trigger::Keywords(&["_mmk"]),
    find,
};

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let start = context.run_back(at.start, 37, |byte| WORD.has(byte));
    let key = context.bytes(start..at.start);
    if key.len() != 36 || key.get(6) != Some(&b'_') {
        return Outcome::None;
    }
    context.settle(start..at.end)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn knows_the_form() {
        check("maxmind_key", "«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»");
        check(
            "maxmind_key",
            "xw5fruZ_8ZUsgYLu8vwgb3yKsgMna3uIF9Oa4_mmk, w5fruZ_8ZUsg_mmk",
        );
    }
}
