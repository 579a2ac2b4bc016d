//! JSON Web Tokens that Envoy's `jwt_authn` filter verified.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use portcullis_envoy_test::http1::{Request, Response};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::common::{KEY, PROMPT, Variant, World};

const ISSUER: &str = "https://sso.company.com";
const SECRET: &[u8] = b"a-shared-secret-of-the-test-only";

/// A token with these claims, signed with a secret.
fn token(claims: &Value, secret: &[u8]) -> String {
    let encode = |value: &Value| BASE64.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        encode(&json!({ "alg": "HS256", "typ": "JWT" })),
        encode(claims)
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(mac.finalize().into_bytes()))
}

fn world(scenario: &'static str) -> World {
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let keys = json!({ "keys": [{ "kty": "oct", "alg": "HS256", "k": BASE64.encode(SECRET) }] });
    World::with(Variant::held(scenario), |scenario| {
        scenario
            .edit_policy(|policy| {
                policy["auth"]["identities"] = json!([{
                    "id": "sso",
                    "jwt": { "claims": { "iss": ISSUER, "groups": "llm-users" } },
                    "user": { "claim": "email" },
                    "team": { "claim": "groups" },
                }]);
            })
            .unwrap()
            .edit(|bootstrap| {
                let filters = bootstrap.pointer_mut(filters).unwrap().as_array_mut().unwrap();
                filters.insert(0, json!({
                    "name": "envoy.filters.http.jwt_authn",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
                        "providers": { "sso": {
                            "issuer": ISSUER,
                            "local_jwks": { "inline_string": keys.to_string() },
                            "payload_in_metadata": "jwt_payload",
                        } },
                        // Who has no token may have a key; what is no token of theirs is ours to judge.
                        "rules": [{ "match": { "prefix": "/" }, "requires": { "requires_any": { "requirements": [
                            { "provider_name": "sso" }, { "allow_missing_or_failed": {} },
                        ] } } }],
                    },
                }));
            });
    })
}

fn ask(world: &World, bearer: &str, model: &str) -> Response {
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": PROMPT }] });
    let request =
        Request::post("/v1/chat/completions").header("authorization", format!("Bearer {bearer}"));
    world.send(&request.json(&body))
}

#[test]
fn a_token_says_who_it_is_and_of_which_team() {
    for scenario in ["local", "chain"] {
        let mut world = world(scenario);
        let code = |response: &Response| {
            (
                response.status,
                response.header("x-portcullis-reason").unwrap_or_default(),
            )
        };
        let claims = json!({ "iss": ISSUER, "sub": "17", "email": "jane@company.com", "groups": ["staff", "llm-users", "eng-team"], "admin": true, "n": 5, "exp": 4_102_444_800_u64 });
        let jane = ask(&world, &token(&claims, SECRET), "gpt-4o");
        assert_eq!(code(&jane), (200, String::new()), "{}", jane.text());
        let record = world.record_of(&jane);
        assert_eq!(record["user"], "jane@company.com", "{record}");
        assert_eq!(
            (&record["team"], &record["key_id"]),
            (&json!("eng-team"), &json!("sso:jane@company.com"))
        );
        let received = world.take_one();
        assert!(
            !received.text().contains("eyJ"),
            "the token is taken off: {received:?}"
        );
        let refused = |code: u16, reason: &str| (code, reason.to_owned());
        assert_eq!(
            code(&ask(&world, &token(&claims, SECRET), "o1")),
            refused(403, "model_not_allowed")
        );
        // Without the group, expired, signed by somebody else: none is anybody.
        let mut other = claims.clone();
        other["groups"] = json!(["staff", "eng-team"]);
        assert_eq!(
            code(&ask(&world, &token(&other, SECRET), "gpt-4o")),
            refused(401, "missing_api_key")
        );
        let mut old = claims.clone();
        old["exp"] = json!(1_500_000_000);
        assert_eq!(
            code(&ask(&world, &token(&old, SECRET), "gpt-4o")),
            refused(401, "invalid_api_key")
        );
        let forged = token(&claims, b"another-secret-than-that-of-theirs");
        assert_eq!(
            code(&ask(&world, &forged, "gpt-4o")),
            refused(401, "invalid_api_key")
        );
        // Keys still work.
        assert_eq!(code(&ask(&world, KEY, "gpt-4o")), (200, String::new()));
        world.envoy.stop().unwrap();
    }
}
