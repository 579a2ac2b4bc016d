//! The security guide's checklist, as far as a policy document can show it. One function for each section of the document.

use portcullis_policy::Timestamp;
use portcullis_policy::config::{Document, Section, Value};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// The guide: rotate keys every 90 days.
const KEY_AGE_MAX: Duration = DAY.saturating_mul(90);

/// From when on a key that ends is worth a warning.
const KEY_END_NEAR: Duration = DAY.saturating_mul(14);

/// Something that the guide would have otherwise.
pub(super) struct Warning {
    /// Its name, for programs.
    pub check: &'static str,
    /// Where.
    pub path: String,
    /// What, and what to do.
    pub message: String,
}

/// What a document leaves open as of `now`.
pub(super) fn warnings(document: &Document, now: Timestamp) -> Vec<Warning> {
    let mut list = List {
        warnings: Vec::new(),
    };
    auth(document, now, &mut list);
    limits(document, &mut list);
    dlp(document, &mut list);
    audit(document, &mut list);
    alerts(document, &mut list);
    shadow(document, &mut list);
    // Reading a value of the wrong kind noted a mistake a second time.
    let _ = document.take_mistakes();
    list.warnings
}

struct List {
    warnings: Vec<Warning>,
}

impl List {
    fn add(&mut self, check: &'static str, path: &str, message: impl Into<String>) {
        self.warnings.push(Warning {
            check,
            path: path.to_owned(),
            message: message.into(),
        });
    }
}

fn auth(document: &Document, now: Timestamp, list: &mut List) {
    let Some(auth) = document.section("auth") else {
        let message = "there is no section `auth`: whoever reaches the listener may call";
        return list.add("auth_missing", "", message);
    };
    let max_age = auth.field("max_age").and_then(|field| field.duration());
    if let Some(field) = auth.field("max_age")
        && max_age.is_some_and(|age| age > KEY_AGE_MAX)
    {
        list.add(
            "keys_live_long",
            field.path(),
            "keys may live longer than the 90 days of the guide",
        );
    }
    for item in auth.field("keys").iter().flat_map(Section::items) {
        key(&item, max_age, now, list);
    }
    if auth.field("lockout").is_none() {
        let message =
            "there is no `lockout`: somebody may guess keys as fast as the network allows";
        list.add("lockout_missing", auth.path(), message);
    }
    if auth.field("allow_sources").is_none() {
        let message =
            "there is no `allow_sources`: requests from any address are judged by their key alone";
        list.add("sources_open", auth.path(), message);
    }
    if let Some(field) = auth.field("on_upgrade").filter(|field| is(field, "pass")) {
        list.add(
            "upgrades_pass",
            field.path(),
            "what an upgraded connection carries is neither read nor limited",
        );
    }
    for team in document.section("teams").iter().flat_map(Section::items) {
        if team.field("models").is_none() {
            list.add(
                "team_unrestricted",
                team.path(),
                "the team may use every model: name its `models`",
            );
        }
    }
}

fn key(key: &Section<'_>, max_age: Option<Duration>, now: Timestamp, list: &mut List) {
    let time = |name: &str| key.field(name).and_then(|field| field.timestamp());
    let revoked = key.field("revoked").and_then(|field| field.boolean());
    if revoked == Some(true) {
        return;
    }
    let (start, written_end) = (time("not_before"), time("expires_at"));
    let oldest = max_age.zip(start).map(|(age, start)| start.after(age));
    let end = written_end.into_iter().chain(oldest).min();
    let Some(end) = end else {
        let message = "the key never ends: give it `expires_at`, or all keys `max_age` (the guide: rotate every 90 days)";
        return list.add("key_never_ends", key.path(), message);
    };
    if end <= now {
        let message = "the key's time is over: remove it once nobody asks why";
        list.add("key_expired", key.path(), message);
    } else if end.since(now) <= KEY_END_NEAR {
        let days = end.since(now).as_secs() / DAY.as_secs();
        let message = format!("the key ends in {days} days: `portcullis keys rotate`");
        list.add("key_ends_soon", key.path(), message);
    }
    match start {
        None => list.add(
            "key_age_unknown",
            key.path(),
            "nobody can tell how old the key is: give it `not_before`",
        ),
        Some(start) if end.since(start) > KEY_AGE_MAX => list.add(
            "key_lives_long",
            key.path(),
            "the key lives longer than the 90 days of the guide",
        ),
        Some(_) => {}
    }
}

fn limits(document: &Document, list: &mut List) {
    let Some(limits) = document.section("limits") else {
        let message = "there is no section `limits`: one caller can spend everything";
        return list.add("limits_missing", "", message);
    };
    let Some(user) = limits.field("user") else {
        let message =
            "there is no limit for a user: the guide has rpm, tpm and max_parallel_requests";
        return list.add("user_limits_missing", limits.path(), message);
    };
    for name in ["rpm", "tpm", "max_parallel_requests"] {
        if user.field(name).is_none() {
            list.add(
                "user_limits_missing",
                user.path(),
                format!("a user's `{name}` is not limited"),
            );
        }
    }
}

fn dlp(document: &Document, list: &mut List) {
    let Some(dlp) = document.section("dlp") else {
        let message = "there is no section `dlp`: nothing that leaves or comes back is looked at";
        return list.add("dlp_missing", "", message);
    };
    for (name, what) in [("request", "leaves"), ("response", "comes back")] {
        if let Some(field) = dlp.field(name)
            && matches!(field.value(), Value::Bool(false))
        {
            list.add(
                "dlp_off",
                field.path(),
                format!("what {what} is not looked at"),
            );
        }
    }
}

fn audit(document: &Document, list: &mut List) {
    let Some(audit) = document.section("audit") else {
        let message = "there is no section `audit`: no record says who did what";
        return list.add("audit_missing", "", message);
    };
    if audit.field("hmac_key").is_none() {
        let message = "there is no `hmac_key`: whoever can write the log can write another history";
        list.add("audit_key_missing", audit.path(), message);
    }
}

fn alerts(document: &Document, list: &mut List) {
    if document.section("alerts").is_none() {
        let message = "there is no section `alerts`: nobody is told when something is wrong";
        list.add("alerts_missing", "", message);
    }
}

fn shadow(document: &Document, list: &mut List) {
    for name in ["auth", "limits", "dlp"] {
        if let Some(mode) = document
            .section(name)
            .and_then(|section| section.field("mode"))
            .filter(|mode| is(mode, "shadow"))
        {
            list.add(
                "shadow",
                mode.path(),
                "in shadow mode this section refuses nothing",
            );
        }
    }
}

fn is(field: &Section<'_>, word: &str) -> bool {
    matches!(field.value(), Value::String(text) if text == word)
}
