//! Facebook app access tokens: the app's number, `|`, 27 characters
//! (<https://developers.facebook.com/docs/facebook-login/guides/access-tokens>).

use super::class::URL;
use super::entropy::centibits;
use super::{Before, Context, Detector, Grade, Group, Lengths, Outcome, Trigger};

pub(super) const FACEBOOK_APP_TOKEN: Detector = Detector {
    name: "facebook_app_token",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    trigger: Trigger::Digits(Lengths::range(15, 16), Before::Other),
    find,
};

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    if context.is_open(at.end) {
        return Outcome::Undecided;
    }
    if context.byte(at.end) != Some(b'|') {
        return Outcome::None;
    }
    let end = context.run(at.end + 1, 29, |byte| URL.has(byte));
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let secret = context.bytes(at.end + 1..end);
    if (26..=28).contains(&secret.len()) && centibits(secret) >= 350 {
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
            "facebook_app_token",
            "«911602140448729|AY-lRJZq9BoDLobvAiP25L7RcMg»",
        );
        check(
            "facebook_app_token",
            "911602140448729|1234, 911602140448729 | total, 9116021404487|AY-lRJZq9BoDLobvAiP25L7RcMg",
        );
    }
}
