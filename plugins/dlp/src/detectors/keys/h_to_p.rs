//! Vendors from H to P.

use super::super::class::{ALNUM, BASE64, DIGIT, HEX, LOWER, LOWER_HEX, UPPER, URL, WORD};
use super::super::shape::{Shape, text};
use super::super::{Detector, Trigger};
use super::{ANY64, BASE32, CENTIBITS_MIN, DOTTED, PATH_AT, UUID, behind_a_head, row};

/// Sorted by name.
pub(super) const ROWS: &[Detector] = &[
    key!("harness_key":
        "pat." => [URL.to(20, 24), text("."), HEX.n(24), text("."), ALNUM.n(20)],
        "sat." => [URL.to(20, 24), text("."), HEX.n(24), text("."), ALNUM.n(20)],
        "pat." => [LOWER.n(22), text("."), LOWER.n(24), text("."), LOWER.n(20)],
        "sat." => [LOWER.n(22), text("."), LOWER.n(24), text("."), LOWER.n(20)],
    ),
    key!("heroku_key":
        "HRKU-" => [URL.from(36)],
        "HRKU-AA" => [URL.n(58)],
    ),
    key!("hubspot_token":
        "pat-na1-" => [UUID.n(36)],
        "pat-eu1-" => [UUID.n(36)],
        "pat-na2-" => [UUID.n(36)],
    ),
    key!("huggingface_token":
        "hf_" => [ALNUM.to(34, 40)],
        "api_org_" => [ALNUM.to(34, 40)],
    ),
    key!("infracost_key": "ico-" => [ALNUM.n(32)]),
    key!("inngest_key":
        "signkey-prod-" => [LOWER_HEX.from(32)],
        "signkey-test-" => [LOWER_HEX.from(32)],
        "signkey-branch-" => [LOWER_HEX.from(32)],
    ),
    key!("intercom_token": "dG9rO" => [BASE64.to(48, 80)]),
    key!("intra42_secret":
        "s-s4t2ud-" => [LOWER_HEX.n(64)],
        "s-s4t2af-" => [LOWER_HEX.n(64)],
    ),
    // Many words end so.
    behind_a_head(key!("ionic_token": "ion_" => [ALNUM.n(42)])),
    key!("jenkins_crumb": "Jenkins-Crumb:" => [LOWER_HEX.to(32, 64)], "Jenkins-Crumb: " => [LOWER_HEX.to(32, 64)]),
    key!("jina_key": "jina_" => [ALNUM.n(60)]),
    key!("klaviyo_key": "pk_" => [LOWER_HEX.n(34)]),
    key!("langfuse_key":
        "sk-lf-" => [UUID.n(36)],
        "pk-lf-" => [UUID.n(36)],
    ),
    key!("langsmith_key":
        "lsv2_pt_" => [LOWER_HEX.n(32), text("_"), LOWER_HEX.n(10)],
        "lsv2_sk_" => [LOWER_HEX.n(32), text("_"), LOWER_HEX.n(10)],
        "ls__" => [LOWER_HEX.n(32)],
    ),
    key!("launchdarkly_key":
        "api-" => [UUID.n(36)],
        "sdk-" => [UUID.n(36)],
        "mob-" => [UUID.n(36)],
    ),
    key!("lichess_token": "lip_" => [ALNUM.n(20)]),
    key!("lightspeed_token": "lsxs_pt_" => [ALNUM.from(24)]),
    key!("linear_key":
        "lin_api_" => [ALNUM.n(40)],
        "lin_oauth_" => [LOWER_HEX.n(64)],
    ),
    key!("llamaindex_key": "llx-" => [URL.from(40)]),
    key!("llm_key", 300;
        // What DeepSeek, DashScope and Moonshot give out…
        "sk-" => [LOWER_HEX.n(32)],
        // …and what Stability, LiteLLM and OpenAI's first ones look like.
        "sk-" => [ALNUM.n(48)],
    ),
    key!("lob_key":
        "test_pub_" => [LOWER_HEX.n(31)],
        "live_pub_" => [LOWER_HEX.n(31)],
        "test_" => [LOWER_HEX.n(35)],
        "live_" => [LOWER_HEX.n(35)],
    ),
    infix!("mailchimp_key", 250; [HEX.run(32, 32)] "-us" [DIGIT.to(1, 2)]),
    key!("mailgun_key":
        "key-" => [LOWER_HEX.n(32)],
        "pubkey-" => [LOWER_HEX.n(32)],
    ),
    key!("mandrill_key", 380; "md-" => [URL.n(22)]),
    key!("mapbox_token":
        "pk.eyJ" => [ALNUM.from(40), text("."), URL.n(22)],
        "sk.eyJ" => [ALNUM.from(40), text("."), URL.n(22)],
        "tk.eyJ" => [ALNUM.from(40), text("."), URL.n(22)],
        "pk." => [LOWER.n(60), text("."), LOWER.n(22)],
    ),
    infix!("maxmind_key", 300; [WORD.run(36, 36)] "_mmk" []),
    key!("microsoft_webhook":
        ".webhook.office.com/webhookb2/" => [PATH_AT.from(80)],
        "outlook.office.com/webhook/" => [PATH_AT.from(80)],
        "outlook.office365.com/webhook/" => [PATH_AT.from(80)],
    ),
    key!("midtrans_key":
        "Mid-server-" => [URL.to(20, 32)],
        "SB-Mid-server-" => [URL.to(20, 32)],
    ),
    key!("modal_token", 380;
        "ak-" => [ALNUM.n(22)],
        "as-" => [ALNUM.n(22)],
    ),
    key!("mongodb_atlas_secret": "mdb_sa_sk_" => [URL.n(40)]),
    key!("naver_key": "ncp_iam_" => [ALNUM.from(20)]),
    key!("neon_key": "napi_" => [LOWER.n(64)]),
    key!("netlify_token": "nfp_" => [ALNUM.from(36)], "nfc_" => [ALNUM.from(36)]),
    key!("new_relic_key":
        "NRAK-" => [UPPER.n(27)],
        "NRAK-" => [LOWER.n(27)],
        "NRJS-" => [LOWER_HEX.n(19)],
        "NRBR-" => [LOWER_HEX.n(19)],
        "NRII-" => [URL.n(32)],
        "NRIQ-" => [URL.n(32)],
        "NRRA-" => [LOWER_HEX.n(42)],
        "NRSP-" => [ANY64.from(20)],
        "NRAA-" => [LOWER_HEX.n(27)],
        "px-api-" => [UUID.n(36)],
        "px-dep-" => [UUID.n(36)],
    ),
    infix!("new_relic_license_key", 300; [LOWER.run(36, 36)] "NRAL" []),
    key!("nightfall_key": "NF-" => [UPPER.n(32)]),
    key!("nkey_seed":
        "SUA" => [BASE32.n(55)],
        "SAA" => [BASE32.n(55)],
        "SOA" => [BASE32.n(55)],
    ),
    key!("notion_token":
        "ntn_" => [DIGIT.n(11), ALNUM.n(35)],
        "secret_" => [ALNUM.n(43)],
    ),
    key!("npm_token": "npm_" => [ALNUM.n(36)]),
    key!("nuget_key": "oy2" => [LOWER.n(43)]),
    key!("nvidia_key": "nvapi-" => [URL.from(60)]),
    key!("nylas_key": "nyk_v0_" => [ALNUM.n(64)], "nyk_" => [ALNUM.from(40)]),
    key!("octopus_key": "API-" => [UPPER.to(25, 27)]),
    key!("okta_token": "SSWS 00" => [URL.n(40)], "00UO_" => [URL.n(37)]),
    key!("onepassword_key":
        "ops_eyJ" => [BASE64.from(200)],
        "A3-" => [UPPER.n(6), text("-"), UPPER.n(11), text("-"), UPPER.n(5), text("-"), UPPER.n(5), text("-"), UPPER.n(5)],
        "A3-" => [UPPER.n(6), text("-"), UPPER.n(6), text("-"), UPPER.n(5), text("-"), UPPER.n(5), text("-"), UPPER.n(5), text("-"), UPPER.n(5)],
    ),
    key!("onesignal_key":
        "os_v2_app_" => [LOWER.from(90)],
        "os_v2_org_" => [LOWER.from(90)],
    ),
    key!("onfido_token":
        "api_live." => [URL.n(11), text("."), URL.n(32)],
        "api_live_ca." => [URL.n(11), text("."), URL.n(32)],
        "api_live_us." => [URL.n(11), text("."), URL.n(32)],
        "api_sandbox." => [URL.n(11), text("."), URL.n(32)],
        "api_sandbox_ca." => [URL.n(11), text("."), URL.n(32)],
        "api_sandbox_us." => [URL.n(11), text("."), URL.n(32)],
    ),
    key!("openrouter_key": "sk-or-v1-" => [LOWER_HEX.n(64)]),
    key!("openshift_token": "sha256~" => [URL.n(43)]),
    key!("openvsx_token": "ovsxat_" => [UUID.n(36)], "ovsxp_" => [UUID.n(36)]),
    key!("paddle_key":
        "pdl_live_apikey_" => [WORD.from(48)],
        "pdl_sdbx_apikey_" => [WORD.from(48)],
        "pdl_ntfset_" => [WORD.from(48)],
    ),
    key!("pagarme_key": "ak_live_" => [ALNUM.n(30)]),
    key!("pangea_token": "pts_" => [LOWER.n(32)]),
    key!("paypal_braintree_token": "access_token$" => [LOWER.to(4, 12), text("$"), LOWER.n(16), text("$"), LOWER_HEX.n(32)]),
    key!("perplexity_key": "pplx-" => [ALNUM.to(40, 64)]),
    key!("persona_key":
        "persona_production_" => [UUID.n(36)],
        "persona_sandbox_" => [UUID.n(36)],
    ),
    key!("pinecone_key": "pcsk_" => [WORD.from(60)]),
    key!("plaid_token":
        "access-production-" => [UUID.n(36)],
        "access-sandbox-" => [UUID.n(36)],
        "access-development-" => [UUID.n(36)],
    ),
    key!("planetscale_token":
        "pscale_pw_" => [DOTTED.to(32, 64)],
        "pscale_tkn_" => [DOTTED.to(32, 64)],
        "pscale_oauth_" => [DOTTED.to(32, 64)],
    ),
    key!("polar_token":
        "polar_oat_" => [ALNUM.from(32)],
        "polar_pat_" => [ALNUM.from(32)],
        "polar_whs_" => [ALNUM.from(32)],
    ),
    key!("posthog_key":
        "phc_" => [URL.to(40, 48)],
        "phx_" => [URL.to(40, 48)],
        "phs_" => [URL.to(40, 56)],
        "phr_" => [URL.to(40, 56)],
    ),
    key!("postman_key":
        "PMAK-" => [LOWER_HEX.n(24), text("-"), LOWER_HEX.n(34)],
        "PMAT-" => [UPPER.n(26)],
    ),
    key!("prefect_key":
        "pnu_" => [ALNUM.n(36)],
        "pnb_" => [ALNUM.n(36)],
    ),
    key!("pubnub_key": "sec-c-" => [ALNUM.n(48)]),
    key!("pulumi_token": "pul-" => [LOWER_HEX.n(40)]),
    key!("pypi_token":
        "pypi-AgE" => [URL.from(50)],
    ),
];
