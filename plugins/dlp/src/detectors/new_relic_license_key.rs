//! New Relic license keys: 36 characters and `NRAL`
//! (<https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/#license-key>).

use super::class::LOWER;
use super::entropy::centibits;
use super::{Context, Detector, Grade, Group, Outcome, Trigger};

pub(super) const NEW_RELIC_LICENSE_KEY: Detector = Detector {
    name: "new_relic_license_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    trigger: Trigger::Keywords(&["NRAL"]),
    find,
};

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let start = context.run_back(at.start, 37, |byte| LOWER.has(byte));
    if at.start - start == 36 && centibits(context.bytes(start..at.start)) >= 300 {
        context.settle(start..at.end)
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
            "new_relic_license_key",
            "license: «eu01xxaa7460e1ea3abdfbbbd36e85c10cd0NRAL»",
        );
        check(
            "new_relic_license_key",
            "a7460e1ea3abdfbbbd36e85c10cd0NRAL, CENTRAL, 1eu01xxaa7460e1ea3abdfbbbd36e85c10cd0NRAL",
        );
    }
}
