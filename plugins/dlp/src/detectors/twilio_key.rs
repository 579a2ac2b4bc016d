//! Twilio's account SIDs (`AC`) and API key SIDs (`SK`): 32 hexadecimal digits behind two letters
//! (<https://www.twilio.com/docs/glossary/what-is-a-sid>).

use super::class::LOWER_HEX;
use super::entropy::centibits;
use super::{Context, Detector, Grade, Group, Outcome, Trigger};

pub(super) const TWILIO_KEY: Detector = Detector {
    name: "twilio_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    // With the first digit: two letters alone would stand everywhere.
    trigger: Trigger::Keywords(&[
        "AC0", "AC1", "AC2", "AC3", "AC4", "AC5", "AC6", "AC7", "AC8", "AC9", "ACa", "ACb", "ACc",
        "ACd", "ACe", "ACf", "SK0", "SK1", "SK2", "SK3", "SK4", "SK5", "SK6", "SK7", "SK8", "SK9",
        "SKa", "SKb", "SKc", "SKd", "SKe", "SKf",
    ]),
    find,
};

fn find(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    if !context.begins_word(start) {
        return Outcome::None;
    }
    let end = context.run(start + 2, 33, |byte| LOWER_HEX.has(byte));
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let digits = context.bytes(start + 2..end);
    if digits.len() == 32 && centibits(digits) >= 250 && context.ends_word(end) {
        Outcome::Match(start..end)
    } else {
        Outcome::None
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_sids() {
        check(
            "twilio_key",
            "«SK6a02cbedf7960df30e6a86bea413e922», «AC4d2f64e2a108cd72f648b1984c3b5a13»",
        );
    }

    #[test]
    fn leaves_others() {
        check(
            "twilio_key",
            "SK6a02cbedf7960df30e6a86bea413e92, xSK6a02cbedf7960df30e6a86bea413e922, SK6a02cbedf7960df30e6a86bea413e9222, AC11111111111111111111111111111111",
        );
    }
}
