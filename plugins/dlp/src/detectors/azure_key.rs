//! Keys of Azure: in connection strings (storage, Service Bus, App Configuration), and client secrets of Entra ID, which have `Q~` as their fifth
//! and sixth characters (<https://learn.microsoft.com/en-us/purview/sit-defn-azure-ad-client-secret>).

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
    ]),
    find: Find::Code(find),
};

const SECRET: Class = Class::of("0-9A-Za-z_~.\\-");

fn find(context: &Context<'_>) -> Outcome {
    if context.trigger().ends_with(b"Q~") {
        find_client_secret(context)
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
    if (31..=34).contains(&secret.len()) && centibits(secret) >= 300 {
        Outcome::Match(start..end)
    } else {
        Outcome::None
    }
}

/// 32 or 64 bytes in base64.
fn find_connection_key(context: &Context<'_>) -> Outcome {
    let start = context.at.end;
    let end = context.run_of(start, 96, &BASE64);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let key = context.bytes(start..end);
    if key.len() >= 40 && centibits(key) >= 350 {
        Outcome::Match(start..end)
    } else {
        Outcome::None
    }
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
    fn leaves_others() {
        check(
            "azure_key",
            "f452Q~tplv AccountKey=... .ui.visible.right.sidebar~.ui.visible.left.sidebar~.pusher{transform:translate3d(0,0,0)}",
        );
    }
}
