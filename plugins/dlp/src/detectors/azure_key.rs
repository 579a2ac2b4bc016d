//! Keys of Azure: in connection strings (storage, Service Bus, App Configuration), signatures of shared access, keys of functions, and client
//! secrets of Entra ID, which have `Q~` as their fifth and sixth characters (<https://learn.microsoft.com/en-us/purview/sit-defn-azure-ad-client-secret>).

use super::class::{BASE64, Class};
use super::entropy::centibits;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const AZURE_KEY: Detector = Detector {
    name: "azure_key",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    trigger: Trigger::Keywords(&[
        "0Q~",
        "1Q~",
        "2Q~",
        "3Q~",
        "4Q~",
        "5Q~",
        "6Q~",
        "7Q~",
        "8Q~",
        "9Q~",
        "AccountKey=",
        "accountkey=",
        "SharedAccessKey=",
        "sharedaccesskey=",
        ";Secret=",
        ";secret=",
        "?sig=",
        "&sig=",
        "?code=",
    ]),
    find: Find::Code(find),
};

const SECRET: Class = Class::of("0-9A-Za-z_~.\\-");

fn find(context: &Context<'_>) -> Outcome {
    let trigger = context.trigger();
    if trigger.ends_with(b"Q~") {
        find_client_secret(context)
    } else if trigger.ends_with(b"sig=") || trigger == b"?code=" {
        find_signature(context)
    } else {
        find_connection_key(context)
    }
}

/// Three characters, a digit, `Q~`, 31 to 34 more.
fn find_client_secret(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let Some(start) = at.start.checked_sub(3) else {
        return Outcome::None;
    };
    if !context.begins_word(start)
        || !context
            .bytes(start..at.start)
            .iter()
            .all(|byte| SECRET.has(*byte))
    {
        return Outcome::None;
    }
    let end = context.run_of(at.end, 35, &SECRET);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let secret = context.bytes(at.end..end);
    Outcome::match_if(
        (31..=34).contains(&secret.len()) && centibits(secret) >= 300,
        start..end,
    )
}

/// 32 bytes in base64, its signs as a URL writes them; behind a token's other fields (`sv=`, `sp=`) or a function's address.
fn find_signature(context: &Context<'_>) -> Outcome {
    let start = context.at.end;
    let before = context.bytes(start.saturating_sub(SAS_BYTES)..start);
    let has = |word: &[u8]| before.windows(word.len()).any(|part| part == word);
    let is_announced = if context.trigger() == b"?code=" {
        has(b".azurewebsites.net/")
    } else {
        has(b"sv=") || has(b"sp=") || has(b"se=")
    };
    let end = context.run_of(start, 96, &SIGNATURE);
    if is_announced && context.is_open(end) {
        return Outcome::Undecided;
    }
    let signature = context.bytes(start..end);
    Outcome::match_if(
        is_announced && signature.len() >= 24 && centibits(signature) >= 350,
        start..end,
    )
}

/// How far before a signature its token's fields are looked for.
const SAS_BYTES: usize = 200;
const SIGNATURE: Class = Class::of("0-9A-Za-z%+/=_\\-");

/// 32 or 64 bytes in base64.
fn find_connection_key(context: &Context<'_>) -> Outcome {
    let start = context.at.end;
    let end = context.run_of(start, 96, &BASE64);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let key = context.bytes(start..end);
    Outcome::match_if(key.len() >= 40 && centibits(key) >= 350, start..end)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_keys() {
        check(
            "azure_key",
            "client_secret=«bP88Q~rcBcYjzzOhg1Hnn76Wm3jGgakZiZ.8vMgR»",
        );
        check(
            "azure_key",
            "Endpoint=https://a.azconfig.io;Id=09pv-l0-s0:opFCQMC6;Secret=«GcoEA53t7GLRNJ910M46IrbHO/Vg0tt4HujRdsaCoTY=»",
        );
        check(
            "azure_key",
            "AccountName=a;AccountKey=«1gy3lpE7Du1j5ljKiupgKzywSw2isjsa69sfsdfsdsgfsgfdgfdgfd/YThisv/OVVLfIOv9kQ==»;",
        );
    }

    #[test]
    fn finds_signatures() {
        check(
            "azure_key",
            "https://a.blob.core.windows.net/c/b?sv=2022-11-02&sr=b&sig=«Z%2FRHIX5Xcg0Mq2rqI3OlWTjEg2tYkboXr1P9ZUXDtkk%3D»&se=2024-12-31T00%3A00%3A00Z&sp=r https://f.azurewebsites.net/api/H?code=«AbCdEfGhIjKlMnOpQrStUvWxYz1234567890/+==»",
        );
    }

    #[test]
    fn leaves_others() {
        check(
            "azure_key",
            "f452Q~tplv AccountKey=... https://a.example/?sig=Z2FRHIX5Xcg0Mq2rqI3OlWTjEg2tYkboXr1P9ZUXDtkk .ui.visible.right.sidebar~.ui.visible.left.sidebar~.pusher{transform:translate3d(0,0,0)}",
        );
    }
}
