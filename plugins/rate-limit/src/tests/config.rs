//! Reading the policy.

use super::*;

#[test]
fn mistakes_name_their_place() {
    let mistakes = |json: &str| {
        let document = Document::parse(json.as_bytes()).unwrap();
        let _ = configure(&document);
        document
            .take_mistakes()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let limits = "known here: rpm, tpm, rpd, tpd, burst, burst_tokens, max_parallel_requests";
    for (json, expected) in [
        (r#"{"limits": 1}"#, "limits: expected a mapping, found 1".to_owned()),
        (
            r#"{"limits": {"users": {}}}"#,
            "limits.users: unknown field; known here: mode, user, key, team, model, global, default_completion_tokens, include_usage, lease".to_owned(),
        ),
        (r#"{"limits": {"user": {"rpm": "many"}}}"#, "limits.user.rpm: expected a positive integer, found \"many\"".to_owned()),
        (r#"{"limits": {"user": {"rps": 1}}}"#, format!("limits.user.rps: unknown field; {limits}")),
        (r#"{"limits": {"global": {"burst": 1, "rpd": 5}}}"#, "limits.global.burst: means nothing without rpm".to_owned()),
        (r#"{"auth": {"keys": [{"id": "a", "limits": {"rpd": 0}}]}}"#, "auth.keys[0].limits.rpd: expected a positive integer, found 0".to_owned()),
        (r#"{"limits": {"team": {"tpm": 0}}}"#, "limits.team.tpm: expected a positive integer, found 0".to_owned()),
        (r#"{"limits": {"model": {"rpm": 5}}}"#, "limits.model.rpm: expected a mapping, found 5".to_owned()),
        (r#"{"limits": {"model": []}}"#, "limits.model: expected a mapping, found a list".to_owned()),
        (r#"{"limits": {"global": {"rpm": 1.5}}}"#, "limits.global.rpm: expected a positive integer, found 1.5".to_owned()),
        (r#"{"limits": {"user": {"tpm": 1e12}}}"#, "limits.user.tpm: is larger than 1000000000".to_owned()),
        (r#"{"limits": {"default_completion_tokens": -1}}"#, "limits.default_completion_tokens: expected a positive integer, found -1".to_owned()),
        (r#"{"limits": {"default_completion_tokens": 1e10}}"#, "limits.default_completion_tokens: is larger than 1000000000".to_owned()),
        (
            r#"{"limits": {"lease": 10}}"#,
            "limits.lease: expected a time above zero, such as 500ms, 30s, 10m, 1h or 90d, found 10".to_owned(),
        ),
        (r#"{"limits": {"lease": "500ms"}}"#, "limits.lease: expected at least 1s, found \"500ms\"".to_owned()),
        (r#"{"limits": {}, "teams": [{"team_id": "a", "limits": {"rps": 1}}]}"#, format!("teams[0].limits.rps: unknown field; {limits}")),
    ] {
        assert_eq!(mistakes(json), [expected], "{json}");
    }
    let none = Document::parse(br#"{"teams": [{"team_id": "a"}]}"#).unwrap();
    assert!(configure(&none).is_none());
    assert_eq!(
        mistakes(r#"{"limits": {"user": {}, "team": {}, "model": {}, "global": {}}}"#),
        Vec::<String>::new()
    );
}
