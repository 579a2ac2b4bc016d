//! Telegram bot tokens: the bot's number, a colon, 35 characters that begin with `AA`
//! (<https://core.telegram.org/bots/features#creating-a-new-bot>).

use super::class::URL;
use super::entropy::centibits;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const TELEGRAM_BOT_TOKEN: Detector = Detector {
    name: "telegram_bot_token",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: true,
    opaque: true,
    trigger: Trigger::Keywords(&[":AA"]),
    find: Find::Code(find),
};

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.start;
    let start = context.run_back(at, 17, |byte| byte.is_ascii_digit());
    if !(5..=16).contains(&(at - start))
        || context.before(start).is_some_and(|byte| {
            byte.is_ascii_alphanumeric() && !context.bytes(0..start).ends_with(b"bot")
        })
    {
        return Outcome::None;
    }
    let end = context.run_of(at + 1, 36, &URL);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let secret = context.bytes(at + 1..end);
    let is_whole = secret.len() == 35 || context.dense && secret.len() > 35;
    Outcome::match_if(is_whole && centibits(secret) >= 300, start..at + 36)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_tokens() {
        check(
            "telegram_bot_token",
            "t=«7213808860:AAH1bjqpKKW3maRSPAxzIU-0v6xNuq2-NjM» api.telegram.org/bot«7213808860:AAH1bjqpKKW3maRSPAxzIU-0v6xNuq2-NjM»/x",
        );
    }

    #[test]
    fn leaves_others() {
        check(
            "telegram_bot_token",
            "7213808860:AAH1bjqpKKW3maRSPAxzIU-0v6xNuq2-Nj 12:AAH1bjqpKKW3maRSPAxzIU-0v6xNuq2-NjM at 10:Am",
        );
    }
}
