//! What the provider kept of earlier calls.

use super::turn;
use portcullis_chain::{Completeness, Gateway, Settings, Step};
use portcullis_policy::MemoryStore;

#[test]
fn what_the_provider_kept_is_refused_also_where_no_policy_reads_bodies() {
    let asked = |path: &str, body: &[u8], hold_headers: bool| {
        let settings = Settings {
            hold_headers,
            ..Settings::default()
        };
        let mut exchange = Gateway::new(Vec::new(), settings, Completeness::Whole).open();
        let mut store = MemoryStore::default();
        let mut turn = turn(&mut store);
        let head: [(&str, &[u8]); 3] = [
            (":method", b"POST"),
            (":path", path.as_bytes()),
            ("content-type", b"application/json"),
        ];
        exchange.request_head(&mut turn, &head, &|| None, false);
        exchange.request_data(&mut turn, body, true)
    };
    for hold_headers in [false, true] {
        for kept in [
            r#""previous_response_id":"resp_1""#,
            r#""conversation":"conv_1""#,
            r#""background":true"#,
        ] {
            let body = format!(r#"{{"model":"gpt-4o","input":"hi",{kept}}}"#);
            match asked("/v1/responses", body.as_bytes(), hold_headers) {
                Step::Reply(reply) => assert_eq!(reply.status, 400, "{kept}"),
                step => panic!("{kept}: {step:?}"),
            }
        }
        let usual = br#"{"model":"gpt-4o","input":"hi"}"#;
        assert_eq!(
            asked("/v1/responses", usual, hold_headers),
            Step::Release(None)
        );
        // What nobody wants to see and nothing can be continued with is not read.
        assert_eq!(
            asked("/v1/chat/completions", b"anything", hold_headers),
            Step::Pass
        );
    }
}
