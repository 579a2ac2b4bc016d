//! Discord bot tokens: the bot's number in base64, a time stamp, a signature, with dots between
//! (<https://discord.com/developers/docs/reference#authentication>).

use super::base64::decode;
use super::class::URL;
use super::entropy::centibits;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const DISCORD_BOT_TOKEN: Detector = Detector {
    name: "discord_bot_token",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    // What base64 makes of two digits.
    trigger: Trigger::Keywords(&[
        "MDA", "MDE", "MDI", "MDM", "MDQ", "MDU", "MDY", "MDc", "MDg", "MDk", "MTA", "MTE", "MTI",
        "MTM", "MTQ", "MTU", "MTY", "MTc", "MTg", "MTk", "MjA", "MjE", "MjI", "MjM", "MjQ", "MjU",
        "MjY", "Mjc", "Mjg", "Mjk", "MzA", "MzE", "MzI", "MzM", "MzQ", "MzU", "MzY", "Mzc", "Mzg",
        "Mzk", "NDA", "NDE", "NDI", "NDM", "NDQ", "NDU", "NDY", "NDc", "NDg", "NDk", "NTA", "NTE",
        "NTI", "NTM", "NTQ", "NTU", "NTY", "NTc", "NTg", "NTk", "NjA", "NjE", "NjI", "NjM", "NjQ",
        "NjU", "NjY", "Njc", "Njg", "Njk", "NzA", "NzE", "NzI", "NzM", "NzQ", "NzU", "NzY", "Nzc",
        "Nzg", "Nzk", "ODA", "ODE", "ODI", "ODM", "ODQ", "ODU", "ODY", "ODc", "ODg", "ODk", "OTA",
        "OTE", "OTI", "OTM", "OTQ", "OTU", "OTY", "OTc", "OTg", "OTk",
    ]),
    find: Find::Code(find),
};

fn find(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    if !context.begins_word(start) {
        return Outcome::None;
    }
    let part = |from: usize, max: usize| context.run_of(from, max + 1, &URL);
    let number = part(start, 28);
    if context.is_open(number) {
        return Outcome::Undecided;
    }
    if !(22..=28).contains(&(number - start)) || context.byte(number) != Some(b'.') {
        return Outcome::None;
    }
    let time = part(number + 1, 7);
    if context.is_open(time) {
        return Outcome::Undecided;
    }
    if !(5..=7).contains(&(time - number - 1)) || context.byte(time) != Some(b'.') {
        return Outcome::None;
    }
    let end = part(time + 1, 40);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let signature = context.bytes(time + 1..end);
    // The number has 17 digits or more; its first two tell.
    let is_number = decode(context.bytes(start..number))
        .iter()
        .take(2)
        .all(u8::is_ascii_digit);
    Outcome::match_if(
        is_number && (27..=40).contains(&signature.len()) && centibits(signature) >= 300,
        start..end,
    )
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn knows_the_form() {
        check(
            "discord_bot_token",
            "t=«Nzk5MjgxNDk0NDc2NDU1OTg3.YABS5g.2lmzECVlZv3vv6miVnUaKPQi2wI»",
        );
        check(
            "discord_bot_token",
            "MTAwMDAw.abc.def Nzk5MjgxNDk0NDc2NDU1OTg3.YABS5g.2lmz NzYgothic.org MTA schedule MZ1yGvKTjE0rY0cV8i47CjAa.uRHQPq.Xb1Mk2nEhe-4iUcrGOuegj57zMC",
        );
    }
}
