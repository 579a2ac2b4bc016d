//! Twilio account and API key SIDs: `AC` or `SK`, then 32 hexadecimal digits (<https://www.twilio.com/docs/glossary/what-is-a-sid>).

use super::class::LOWER_HEX;
use super::entropy::is_random;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const TWILIO_KEY: Detector = Detector {
    name: "twilio_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    // With the first digit: two letters alone stand everywhere.
    trigger: Trigger::Keywords(&[
        "AC0", "AC1", "AC2", "AC3", "AC4", "AC5", "AC6", "AC7", "AC8", "AC9", "ACa", "ACb", "ACc",
        "ACd", "ACe", "ACf", "SK0", "SK1", "SK2", "SK3", "SK4", "SK5", "SK6", "SK7", "SK8", "SK9",
        "SKa", "SKb", "SKc", "SKd", "SKe", "SKf",
    ]),
    find: Find::Code(find),
};

/// Hexadecimal digits behind the two letters.
const DIGITS: usize = 32;
/// The least entropy of these, in hundredths of a bit a digit.
const CENTIBITS_MIN: u32 = 250;

fn find(context: &Context<'_>) -> Outcome {
    let (start, digits) = (context.at.start, context.at.start + 2);
    if !context.begins_word(start) {
        return Outcome::None;
    }
    let end = context.run_of(digits, DIGITS, &LOWER_HEX);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let is_one = end == digits + DIGITS && is_random(context.bytes(digits..end), CENTIBITS_MIN);
    Outcome::match_if(is_one && context.ends_word(end), start..end)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn sids() {
        check(
            "twilio_key",
            "«AC4d3b1e8f60a7c25911fe83d06b7ca412», «SK4d3b1e8f60a7c25911fe83d06b7ca412».",
        );
        check(
            "twilio_key",
            "AC4d3b1e8f60a7c25911fe83d06b7ca41, xAC4d3b1e8f60a7c25911fe83d06b7ca412, AC00000000000000000000000000000000, AC4d3b1e8f60a7c25911fe83d06b7ca4123",
        );
    }
}
