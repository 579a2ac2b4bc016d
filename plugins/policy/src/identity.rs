//! Who calls, and how one module tells the next.

use crate::config::Value;
use crate::json::push_text;

/// Who calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The person or service.
    pub user: String,
    /// Team id.
    pub team: Option<String>,
    /// The id of the key, never the key.
    pub key_id: String,
}

impl Identity {
    /// As `auth` leaves it in filter state for modules that run after it: `{"user":"…","team":"…","key_id":"…"}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = "{\"user\":".to_owned();
        push_text(&self.user, &mut json);
        if let Some(team) = &self.team {
            json.push_str(",\"team\":");
            push_text(team, &mut json);
        }
        json.push_str(",\"key_id\":");
        push_text(&self.key_id, &mut json);
        json.push('}');
        json
    }

    /// Reads what [`Self::to_json`] wrote; `None` for anything else. Nothing unexpected is tolerated: who cannot be read is nobody.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        let Value::Map(members) = Value::from_json(text).ok()? else {
            return None;
        };
        let mut identity = Self::default();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("user", Value::String(user)) => identity.user = user,
                ("team", Value::String(team)) => identity.team = Some(team),
                ("team", Value::Null) => {}
                ("key_id", Value::String(key_id)) => identity.key_id = key_id,
                _ => return None,
            }
        }
        (!identity.user.is_empty() && !identity.key_id.is_empty()).then_some(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_form_is_fixed() {
        let identity = Identity {
            user: "john".into(),
            team: None,
            key_id: "laptop".into(),
        };
        assert_eq!(identity.to_json(), r#"{"user":"john","key_id":"laptop"}"#);
        for text in [
            "",
            "null",
            "{}",
            r#"["john",null,"k"]"#,
            r#"{"user":"","key_id":"k"}"#,
            r#"{"user":"john"}"#,
            r#"{"user":"john","key_id":"k","admin":true}"#,
            r#"{"user":"john","user":"root","key_id":"k"}"#,
            r#"{"user":"john","team":7,"key_id":"k"}"#,
            r#"{"user":"john","key_id":"k"} "x""#,
        ] {
            assert_eq!(Identity::from_json(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(user in ".{1,20}", team in proptest::option::of(".{0,20}"), key_id in ".{1,20}") {
            let identity = Identity { user, team, key_id };
            prop_assert_eq!(Identity::from_json(&identity.to_json()), Some(identity));
        }
    }
}
