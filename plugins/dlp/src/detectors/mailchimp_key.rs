//! Mailchimp keys: 32 hexadecimal digits, `-us`, the number of a data center (<https://mailchimp.com/developer/marketing/docs/fundamentals/>).

use super::class::HEX;
use super::entropy::centibits;
use super::{Context, Detector, Grade, Group, Outcome, Trigger};

pub(super) const MAILCHIMP_KEY: Detector = Detector {
    name: "mailchimp_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    trigger: Trigger::Keywords(&["-us"]),
    find,
};

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let start = context.run_back(at.start, 33, |byte| HEX.has(byte));
    if at.start - start != 32 || !context.begins_word(start) {
        return Outcome::None;
    }
    let end = context.run(at.end, 3, |byte| byte.is_ascii_digit());
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let is_key = (1..=2).contains(&(end - at.end))
        && context.ends_word(end)
        && centibits(context.bytes(start..at.start)) >= 250;
    if is_key {
        Outcome::Match(start..end)
    } else {
        Outcome::None
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn knows_the_form() {
        check(
            "mailchimp_key",
            "«a2937653ed38c31a43ea46e2b19257db-us2», «d5a20394440360cd8a9802d4705e711c-us20».",
        );
        check(
            "mailchimp_key",
            "a2937653ed38c31a43ea46e2b19257d-us2 a2937653ed38c31a43ea46e2b19257db-usa 1a2937653ed38c31a43ea46e2b19257db-us2",
        );
    }
}
