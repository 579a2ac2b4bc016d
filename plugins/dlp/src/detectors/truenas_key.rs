//! TrueNAS API keys: a number, a dash, 64 letters and digits (<https://www.truenas.com/docs/scale/scaletutorials/toptoolbar/managingapikeys/>).

use super::class::ALNUM;
use super::entropy::centibits;
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const TRUENAS_KEY: Detector = Detector {
    name: "truenas_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Digits(Lengths::range(1, 3), Before::Other),
    find,
};

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    if context.byte(at.end) != Some(b'-') {
        return context.lacking(at.end);
    }
    let end = context.run(at.end + 1, 65, |byte| ALNUM.has(byte));
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let secret = context.bytes(at.end + 1..end);
    let is_key = secret.len() == 64
        && secret.iter().any(u8::is_ascii_lowercase)
        && secret.iter().any(u8::is_ascii_uppercase)
        && centibits(secret) >= 450;
    if is_key {
        Outcome::Match(at.start..end)
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
            "truenas_key",
            "[\"«8-Lp22ov7halMBLUpG97Wg4y7fibQi3CW19VJiZcCu746zgCs0mdDdTCoOcpgEucgu»\"]",
        );
        check(
            "truenas_key",
            "8-a7f29c1b0e4d8a7f29c1b0e4d8a7f29c1b0e4d8a7f29c1b0e4d8a7f29c1b0e4d8, 1-2, x8-Lp22ov7halMBLUpG97Wg4y7fibQi3CW19VJiZcCu746zgCs0mdDdTCoOcpgEucgu",
        );
    }
}
