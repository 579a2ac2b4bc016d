use super::configure;
use crate::tests::{ALICE, BOB, environment};
use portcullis_policy::config::Document;

fn mistakes(json: &str) -> Vec<String> {
    let document = Document::parse(json.as_bytes()).unwrap();
    let _ = configure(&document, &environment);
    document
        .take_mistakes()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn each_mistake_names_its_place() {
    let literal = "a key must not stand in the policy: write its SHA-256 digest as `sha256`";
    let literal_master = "a key must not stand in the policy: write { env: <name of an environment variable> }, or its SHA-256 digest as \
                          { sha256: <64 hex digits> }";
    let known =
        "known here: id, sha256, user, team, models, limits, not_before, expires_at, revoked";
    for (auth, expected) in [
        (r#""x""#, vec!["auth: expected a mapping, found \"x\"".to_owned()]),
        (
            r#"{"mode": "quiet", "modes": 1}"#,
            vec![
                "auth.modes: unknown field; known here: mode, master_key, keys, max_age, warn_before, identities, require, allow_sources, deny_sources, lockout, public_paths, on_upgrade".to_owned(),
                "auth.mode: expected one of enforce, shadow, found \"quiet\"".to_owned(),
            ],
        ),
        (r#"{"master_key": "sk-SECRET"}"#, vec![format!("auth.master_key: {literal_master}")]),
        (r#"{"master_key": {"value": "sk-SECRET"}}"#, vec![format!("auth.master_key.value: {literal_master}")]),
        (r#"{"master_key": {}}"#, vec!["auth.master_key: expected either `env` or `sha256`".to_owned()]),
        (
            r#"{"master_key": {"sk-SECRET": true}}"#,
            vec![
                "auth.master_key: an unknown field, not repeated here because it might be a key; known here: env, sha256".to_owned(),
                "auth.master_key: expected either `env` or `sha256`".to_owned(),
            ],
        ),
        (
            r#"{"master_key": {"env": "UNSET_SECRET"}}"#,
            vec!["auth.master_key.env: the environment variable of this name is not set, or empty (Envoy hands over those in \
                  `host_env_keys` only)"
                .to_owned()],
        ),
        (
            r#"{"master_key": {"env": "EMPTY"}}"#,
            vec!["auth.master_key.env: the environment variable of this name is not set, or empty (Envoy hands over those in \
                  `host_env_keys` only)"
                .to_owned()],
        ),
        (
            r#"{"master_key": {"env": "SPACED"}}"#,
            vec!["auth.master_key.env: the environment variable of this name holds characters that cannot stand in a header field".to_owned()],
        ),
        (
            r#"{"master_key": {"env": "sk-SECRET"}}"#,
            vec!["auth.master_key.env: expected the name of an environment variable".to_owned()],
        ),
        (r#"{"master_key": {"sha256": "SECRET"}}"#, vec!["auth.master_key.sha256: expected a SHA-256 digest, 64 hex digits".to_owned()]),
        (r#"{"keys": {}}"#, vec!["auth.keys: expected a list, found a mapping".to_owned()]),
        (r#"{"keys": ["sk-SECRET"]}"#, vec![format!("auth.keys[0]: {literal}")]),
        (r#"{"keys": [{"id": "a", "user": "a", "key": "sk-SECRET"}]}"#, vec![format!("auth.keys[0].key: {literal}")]),
        (r#"{"keys": [{"id": "a", "user": "a", "api_key": "sk-SECRET"}]}"#, vec![format!("auth.keys[0].api_key: {literal}")]),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "sk-SECRET"}]}"#,
            vec!["auth.keys[0].sha256: expected a SHA-256 digest, 64 hex digits".to_owned()],
        ),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "ALICE", "expire_at": 1}]}"#,
            vec![format!("auth.keys[0].expire_at: unknown field; {known}")],
        ),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "ALICE", "sk-SECRET": 1}]}"#,
            vec![format!("auth.keys[0]: an unknown field, not repeated here because it might be a key; {known}")],
        ),
        (r#"{"keys": [{"user": "a", "sha256": "ALICE"}]}"#, vec!["auth.keys[0].id: is required".to_owned()]),
        (r#"{"keys": [{"id": "a", "sha256": "ALICE"}]}"#, vec!["auth.keys[0].user: is required".to_owned()]),
        (r#"{"keys": [{"id": "a", "user": "a"}]}"#, vec!["auth.keys[0].sha256: is required".to_owned()]),
        (
            r#"{"keys": [{"id": "master", "user": "a", "sha256": "ALICE"}]}"#,
            vec!["auth.keys[0].id: this id is kept for the master key".to_owned()],
        ),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "ALICE"}, {"id": "a", "user": "b", "sha256": "BOB"}]}"#,
            vec!["auth.keys[1].id: another key has this id".to_owned()],
        ),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "ALICE"}, {"id": "b", "user": "b", "sha256": "ALICE"}]}"#,
            vec!["auth.keys[1]: has the same digest as another key".to_owned()],
        ),
        (
            r#"{"master_key": {"env": "CALLED_ALICE"}, "keys": [{"id": "a", "user": "a", "sha256": "ALICE"}]}"#,
            vec!["auth.keys[0]: has the same digest as another key".to_owned()],
        ),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "ALICE", "team": "ops"}]}"#,
            vec!["auth.keys[0].team: expected the team_id of a team in `teams`, found \"ops\"".to_owned()],
        ),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "ALICE", "not_before": "2026-02-01T00:00:00Z", "expires_at": "2026-02-01T00:00:00Z"}]}"#,
            vec!["auth.keys[0].expires_at: is not after not_before".to_owned()],
        ),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "ALICE", "expires_at": "soon"}]}"#,
            vec!["auth.keys[0].expires_at: expected a time such as 2026-01-01T00:00:00Z, found \"soon\"".to_owned()],
        ),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "ALICE", "revoked": "no"}]}"#,
            vec!["auth.keys[0].revoked: expected true or false, found \"no\"".to_owned()],
        ),
        (
            r#"{"max_age": "90d", "keys": [{"id": "a", "user": "a", "sha256": "ALICE"}, {"id": "b", "user": "b", "sha256": "BOB", "revoked": true}]}"#,
            vec!["auth.keys[0]: needs `not_before`, from which `auth.max_age` counts".to_owned()],
        ),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "ALICE", "models": "gpt-4o"}]}"#,
            vec!["auth.keys[0].models: expected a list, found \"gpt-4o\"".to_owned()],
        ),
        (
            r#"{"require": "key_and_identity"}"#,
            vec!["auth.require: nobody could get in: there are no `identities`".to_owned()],
        ),
        (
            r#"{"identities": [{"id": "a"}, {"id": "b", "certificate": {}}, {"id": "c", "jwt": {"claims": {}}}, {"id": "d", "jwt": {}}]}"#,
            vec![
                "auth.identities[0]: needs `certificate` or `jwt`: what somebody is known by".to_owned(),
                "auth.identities[1].certificate: every certificate would do: name a `uri`, `dns`, `subject` or `sha256`".to_owned(),
                "auth.identities[2].jwt: every token would do: name at least its `iss` among the `claims`".to_owned(),
                "auth.identities[3].jwt.claims: is required".to_owned(),
            ],
        ),
        (
            r#"{"keys": [{"id": "a", "user": "a", "sha256": "ALICE"}],
                "identities": [{"id": "a", "certificate": {"uri": "spiffe://x"}, "user": {"claim": "email"}, "team": "ops"}]}"#,
            vec![
                "auth.identities[0].id: another key has this id".to_owned(),
                "auth.identities[0].user.claim: there is no `jwt` whose claim this could be".to_owned(),
                "auth.identities[0].team: expected the team_id of a team in `teams`, found \"ops\"".to_owned(),
            ],
        ),
        (
            r#"{"identities": [{"id": "a", "certificate": {"uri": "spiffe://x"}, "limits": {"rpm": 1}}]}"#,
            vec!["auth.identities[0].limits: unknown field; known here: id, certificate, jwt, user, team, models".to_owned()],
        ),
        (
            r#"{"lockout": {}}"#,
            vec![
                "auth.lockout.failures: is required".to_owned(),
                "auth.lockout.window: is required".to_owned(),
                "auth.lockout.block: is required".to_owned(),
            ],
        ),
        (
            r#"{"lockout": {"failures": 101, "window": "5m", "block": "1h"}}"#,
            vec!["auth.lockout.failures: expected at most 100, found 101".to_owned()],
        ),
        (
            r#"{"lockout": {"failures": 10, "window": 5, "block": "1h", "per": "user"}}"#,
            vec![
                "auth.lockout.per: unknown field; known here: failures, window, block".to_owned(),
                "auth.lockout.window: expected a time above zero, such as 500ms, 30s, 10m, 1h or 90d, found 5".to_owned(),
            ],
        ),
        (
            r#"{"allow_sources": ["10.0.0.1/8"]}"#,
            vec!["auth.allow_sources[0]: expected a network without bits behind its prefix, as 10.0.0.0/8 is, found \"10.0.0.1/8\"".to_owned()],
        ),
        (
            r#"{"deny_sources": ["localhost"]}"#,
            vec![
                "auth.deny_sources[0]: expected an address or a network such as 10.0.0.0/8 or 2001:db8::/32, found \"localhost\"".to_owned(),
            ],
        ),
    ] {
        let json = format!("{{\"auth\": {auth}}}").replace("\"ALICE\"", &format!("\"{ALICE}\"")).replace("\"BOB\"", &format!("\"{BOB}\""));
        let found = mistakes(&json);
        assert_eq!(found, expected, "{auth}");
        assert!(!found.concat().contains("SECRET"), "{found:?}");
    }
}
