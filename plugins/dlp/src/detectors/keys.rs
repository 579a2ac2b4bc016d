//! Keys that are a prefix, an alphabet and a length: one row for each vendor.
//!
//! Sources are the vendors' own documents of their token formats and the secret types that code hosts scan for on the vendors' behalf
//! (<https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns>). Where a vendor has let a
//! length grow, the row takes longer keys too: a prefix that nobody else uses says enough.

use super::class::{
    ALNUM, BASE64, Class, DIGIT, HEX, LOWER, LOWER_HEX, UPPER, URL, URL_PADDED, WORD,
};
use super::shape::{Shape, text};
use super::{Before, Detector, Find, Grade, Group, Lengths, Trigger};

/// The least entropy of a key's body unless its row says otherwise, in hundredths of a bit a byte. Random hexadecimal digits have 300 or more
/// from 16 on; `xxxxxxxx` has none.
const CENTIBITS_MIN: u16 = 250;

/// The characters of bech32.
const BECH32: Class = Class::of("023456789acdefghjklmnpqrstuvwxyzACDEFGHJKLMNPQRSTUVWXYZ");
/// base64url, dots between its parts.
const DOTTED: Class = Class::of("0-9A-Za-z_.=\\-");
/// base64url, and base64 in one.
const ANY64: Class = Class::of("0-9A-Za-z_+/=\\-");
/// base64, its signs also as a URL writes them.
const PERCENT64: Class = Class::of("0-9A-Za-z%+/=\\-");
/// RFC 4648 base32.
const BASE32: Class = Class::of("A-Z2-7");
/// `-` and hexadecimal digits: a UUID's characters.
const UUID: Class = Class::of("0-9a-fA-F\\-");
/// Letters, digits and dashes.
const DASHED: Class = Class::of("0-9A-Za-z\\-");
/// The same in capitals.
const UPPER_DASHED: Class = Class::of("0-9A-Z\\-");
/// The same with `_`.
const UPPER_URL: Class = Class::of("0-9A-Z_\\-");
/// base64url and dots.
const URL_DOTTED: Class = Class::of("0-9A-Za-z_.\\-");
/// What Salesforce's session ids have.
const SESSION: Class = Class::of("0-9A-Za-z._+/=\\-");
/// What stands in a webhook's path.
const PATH: Class = Class::of("0-9A-Za-z_/\\-");
/// The same with `@`.
const PATH_AT: Class = Class::of("0-9A-Za-z_@/\\-");

/// A detector of keys that begin with what gives them away: `key!("name": "prefix" => [pieces], …)`.
macro_rules! key {
    ($name:literal: $($prefix:literal => [$($piece:expr),+]),+ $(,)?) => {
        key!($name, CENTIBITS_MIN; $($prefix => [$($piece),+]),+)
    };
    ($name:literal, $centibits:expr; $($prefix:literal => [$($piece:expr),+]),+ $(,)?) => {
        row($name, Trigger::Keywords(&[$($prefix),+]), &[
            $(Shape { head: None, mark: $prefix, pieces: &[$($piece),+], centibits_min: $centibits }),+
        ])
    };
}

/// A detector of keys that are known by their middle or their end: `infix!("name", entropy; [head] "mark" [pieces])`.
macro_rules! infix {
    ($name:literal, $centibits:expr; $([$head:expr] $mark:literal [$($piece:expr),*]),+ $(,)?) => {
        behind_a_head(row($name, Trigger::Keywords(&[$($mark),+]), &[
            $(Shape { head: Some($head), mark: $mark, pieces: &[$($piece),*], centibits_min: $centibits }),+
        ]))
    };
}

/// A detector of keys of these shapes.
const fn row(name: &'static str, trigger: Trigger, shapes: &'static [Shape]) -> Detector {
    Detector {
        name,
        group: Group::Secrets,
        grade: Grade::Precise,
        dense: true,
        opaque: true,
        trigger,
        find: Find::Key(shapes),
    }
}

/// Where no word ends, a head would take the words before it in.
const fn behind_a_head(detector: Detector) -> Detector {
    Detector {
        dense: false,
        ..detector
    }
}

/// All of them, sorted by name.
pub(super) const KEYS: &[Detector] = &[
    key!("adafruit_key": "aio_" => [ALNUM.n(28)]),
    key!("age_secret_key", 0; "AGE-SECRET-KEY-1" => [BECH32.n(58)]),
    key!("aikido_secret": "AIK_SECRET_" => [ALNUM.from(60)]),
    key!("airtable_token": "pat" => [ALNUM.n(14), text("."), LOWER_HEX.n(64)]),
    key!("alibaba_access_key": "LTAI" => [ALNUM.to(12, 26)]),
    key!("anthropic_key", 300;
        "sk-ant-" => [URL.from(24)],
        "SK-ANT-" => [URL.from(24)],
    ),
    key!("apify_token": "apify_api_" => [ALNUM.from(30)]),
    key!("artifactory_key":
        "AKCp" => [ALNUM.from(60)],
        "cmVmdGtu" => [ALNUM.from(50)],
    ),
    key!("asaas_key": "$aact_" => [SESSION.from(60)]),
    // The user's number, a secret.
    behind_a_head(row(
        "asana_token",
        Trigger::Digits(Lengths::range(15, 17), Before::Other),
        &[Shape {
            head: None,
            mark: "",
            pieces: &[text(":"), LOWER_HEX.n(32)],
            centibits_min: CENTIBITS_MIN,
        }],
    )),
    key!("atlassian_token":
        "ATATT3" => [URL_PADDED.from(60)],
        "ATCTT3" => [URL_PADDED.from(60)],
        "ATBB" => [URL_PADDED.from(32)],
    ),
    key!("authress_key":
        "sc_" => [LOWER.to(5, 30), text("."), LOWER.to(4, 6), text("."), URL_PADDED.to(10, 30), text("."), ANY64.from(30)],
        "ext_" => [LOWER.to(5, 30), text("."), LOWER.to(4, 6), text("."), URL_PADDED.to(10, 30), text("."), ANY64.from(30)],
        "scauth_" => [LOWER.to(5, 30), text("."), LOWER.to(4, 6), text("."), URL_PADDED.to(10, 30), text("."), ANY64.from(30)],
        "authress_" => [LOWER.to(5, 30), text("."), LOWER.to(4, 6), text("."), URL_PADDED.to(10, 30), text("."), ANY64.from(30)],
    ),
    key!("aws_appsync_key": "da2-" => [LOWER.n(26)]),
    key!("aws_bedrock_key", 200;
        "ABSK" => [BASE64.from(100)],
        "bedrock-api-key-" => [BASE64.from(24)],
    ),
    key!("aws_mws_token": "amzn.mws." => [UUID.n(36)]),
    infix!("azure_devops_token", 350; [ALNUM.run(76, 76)] "AZDO" [ALNUM.n(4)]),
    infix!("azure_service_key", 350;
        // Where the service is written into the key: Microsoft's identifiable keys.
        [BASE64.run(76, 76)] "+ASt" [BASE64.to(6, 8)],
        [BASE64.run(76, 76)] "ACDb" [BASE64.to(6, 8)],
        [BASE64.run(76, 76)] "+ABa" [BASE64.to(6, 8)],
        [BASE64.run(33, 33)] "+ASb" [BASE64.to(6, 8)],
        [BASE64.run(33, 33)] "+AEh" [BASE64.to(6, 8)],
        [BASE64.run(33, 33)] "+ARm" [BASE64.to(6, 8)],
        [BASE64.run(33, 33)] "AIoT" [BASE64.to(6, 8)],
        [ALNUM.run(33, 33)] "AzCa" [BASE64.to(6, 8)],
        [BASE64.run(42, 42)] "+ACR" [BASE64.to(6, 8)],
        [ALNUM.run(42, 42)] "AzSe" [ALNUM.n(6)],
        [URL.run(44, 44)] "AzFu" [URL_PADDED.to(6, 9)],
        [ALNUM.run(52, 52)] "JQQJ9" [ALNUM.to(24, 30)],
    ),
    key!("baidu_key":
        "ALTAK" => [ALNUM.n(21)],
        "bce-v3/ALTAK-" => [ALNUM.to(20, 24), text("/"), LOWER_HEX.n(40)],
    ),
    key!("blynk_client_secret": "oa2-client-id_" => [URL.n(32), text(":"), ALNUM.n(40)]),
    key!("buildkite_token":
        "bkua_" => [LOWER.n(40)],
        "bkct_" => [ALNUM.from(30)],
    ),
    key!("calcom_key": "cal_live_" => [LOWER_HEX.n(32)]),
    key!("canva_secret": "cnvca" => [URL.from(40)]),
    key!("cartesia_key": "sk_car_" => [ALNUM.from(20)]),
    key!("cerebras_key": "csk-" => [LOWER.n(48)]),
    key!("checkout_key": "sk_sbox_" => [LOWER.from(24)]),
    key!("circleci_token":
        "CCIPAT_" => [ALNUM.to(20, 24), text("_"), LOWER_HEX.n(40)],
        "CCIPRJ_" => [ALNUM.to(20, 24), text("_"), LOWER_HEX.n(40)],
    ),
    key!("clickhouse_key": "4b1d" => [ALNUM.n(38)]),
    key!("clickup_token": "pk_" => [DIGIT.to(6, 9), text("_"), UPPER.n(32)]),
    key!("clojars_token": "CLOJARS_" => [LOWER.n(60)]),
    key!("cloudflare_token":
        "cfut_" => [URL.from(40)],
        "cfat_" => [URL.from(40)],
        "cfk_" => [URL.from(40)],
        "v1.0-" => [LOWER_HEX.n(24), text("-"), LOWER_HEX.from(140)],
    ),
    key!("cockroach_key": "CCDB1_" => [ALNUM.n(22), text("_"), ALNUM.n(40)]),
    key!("confluent_secret": "cflt" => [BASE64.to(56, 64)]),
    key!("contentful_token": "CFPAT-" => [URL.n(43)]),
    key!("cosmo_key": "cosmo_" => [LOWER_HEX.n(32)]),
    key!("courier_key": "pk_prod_" => [ALNUM.n(28)]),
    key!("crates_token": "cio" => [ALNUM.n(32)]),
    key!("crossmint_key":
        "sk_production_" => [ALNUM.from(40)],
        "sk_staging_" => [ALNUM.from(40)],
    ),
    key!("databricks_token":
        "dapi" => [LOWER_HEX.n(32)],
        "dapi" => [LOWER_HEX.n(32), text("-"), DIGIT.n(1)],
        "dose" => [LOWER_HEX.n(32)],
    ),
    key!("dbt_token":
        "dbtu_" => [URL_PADDED.from(36)],
        "dbtc_" => [URL_PADDED.from(36)],
    ),
    key!("defined_networking_key": "dnkey-" => [URL_PADDED.n(26), text("-"), URL_PADDED.n(52)]),
    key!("deno_token":
        "ddp_" => [ALNUM.to(34, 40)],
        "ddo_" => [ALNUM.to(34, 40)],
    ),
    key!("dependency_track_key": "odt_" => [ALNUM.n(32)], "odt_" => [ALNUM.n(8), text("_"), ALNUM.n(32)]),
    key!("devcycle_key":
        "dvc_server_" => [WORD.from(32)],
        "dvc_client_" => [WORD.from(32)],
        "dvc_mobile_" => [WORD.from(32)],
    ),
    key!("digitalocean_token":
        "dop_v1_" => [LOWER_HEX.n(64)],
        "doo_v1_" => [LOWER_HEX.n(64)],
        "dor_v1_" => [LOWER_HEX.n(64)],
        "dosk_v1_" => [LOWER_HEX.from(32)],
    ),
    key!("discord_webhook":
        "discord.com/api/webhooks/" => [DIGIT.to(17, 20), text("/"), URL.from(60)],
        "discordapp.com/api/webhooks/" => [DIGIT.to(17, 20), text("/"), URL.from(60)],
    ),
    key!("docker_token":
        "dckr_pat_" => [URL.from(27)],
        "dckr_oat_" => [URL.from(27)],
        "SWMKEY-1-" => [LOWER.n(50), text("-"), LOWER.n(25)],
        "SWMTKN-1-" => [LOWER.n(50), text("-"), LOWER.n(25)],
    ),
    key!("doppler_token":
        "dp.pt." => [ALNUM.from(40)],
        "dp.ct." => [ALNUM.from(40)],
        "dp.sa." => [ALNUM.from(40)],
        "dp.st." => [URL_DOTTED.from(40)],
        "dp.scim." => [ALNUM.from(40)],
        "dp.audit." => [ALNUM.from(40)],
    ),
    key!("dropbox_token": "sl." => [URL_PADDED.from(60)], "sl.u." => [URL_PADDED.from(60)]),
    key!("duffel_token":
        "duffel_test_" => [URL_PADDED.n(43)],
        "duffel_live_" => [URL_PADDED.n(43)],
    ),
    key!("dynatrace_token": "dt0" => [ALNUM.n(3), text("."), ALNUM.n(24), text("."), ALNUM.n(64)]),
    key!("e2b_key": "e2b_" => [LOWER_HEX.n(40)]),
    key!("easypost_key":
        "EZAK" => [ALNUM.n(54)],
        "EZTK" => [ALNUM.n(54)],
    ),
    key!("elastic_key": "essu_" => [BASE64.from(60)]),
    key!("elevenlabs_key": "sk_" => [LOWER_HEX.n(48)]),
    key!("endor_key": "endr+" => [URL.to(16, 40)]),
    // The app's number, `|`, a secret.
    behind_a_head(row(
        "facebook_app_token",
        Trigger::Digits(Lengths::range(15, 16), Before::Other),
        &[Shape {
            head: None,
            mark: "",
            pieces: &[text("|"), URL.to(26, 28)],
            centibits_min: 350,
        }],
    )),
    key!("facebook_token": "EAA" => [ALNUM.from(100)], "EAACEdEose0cBA" => [ALNUM.from(20)]),
    key!("fal_key": "fal_sk_" => [ALNUM.from(24)], "fal-" => [ALNUM.from(32)]),
    key!("figma_token":
        "figd_" => [URL.from(38)],
        "figo_" => [URL.from(38)],
        "figu_" => [URL.from(38)],
        "figoh_" => [URL.from(38)],
        "figor_" => [URL.from(38)],
        "figuh_" => [URL.from(38)],
        "figur_" => [URL.from(38)],
    ),
    key!("firecrawl_key": "fc-" => [LOWER_HEX.n(32)]),
    key!("fireworks_key": "fw_" => [ALNUM.to(22, 26)]),
    key!("fleetbase_key": "flb_live_" => [ALNUM.n(20)], "flb_test_" => [ALNUM.n(20)]),
    key!("flutterwave_key":
        "FLWSECK_TEST-" => [DASHED.from(12)],
        "FLWSECK-" => [LOWER.to(12, 40), text("-X")],
        "FLWPUBK_TEST-" => [LOWER.to(12, 40), text("-X")],
        "FLWPUBK-" => [LOWER.to(12, 40), text("-X")],
    ),
    key!("flyio_token":
        "fo1_" => [URL.n(43)],
        "fm1_" => [BASE64.from(60)],
        "fm1a_" => [BASE64.from(60)],
        "fm1r_" => [BASE64.from(60)],
        "fm2_" => [BASE64.from(60)],
    ),
    key!("frameio_token": "fio-u-" => [URL_PADDED.n(64)]),
    key!("github_app_token", 300; "ghs_" => [DIGIT.to(6, 12), text("_eyJ"), DOTTED.from(100)]),
    key!("github_token":
        "ghp_" => [ALNUM.to(36, 255)],
        "gho_" => [ALNUM.to(36, 255)],
        "ghu_" => [ALNUM.to(36, 255)],
        "ghs_" => [ALNUM.to(36, 255)],
        "ghr_" => [ALNUM.to(36, 255)],
        "github_pat_" => [WORD.to(60, 255)],
        "GHP_" => [UPPER.to(36, 255)],
        "GITHUB_PAT_" => [UPPER.to(22, 24), text("_"), UPPER.from(50)],
    ),
    key!("gitlab_token":
        "glpat-" => [URL_DOTTED.from(20)],
        "gldt-" => [URL.from(20)],
        "glptt-" => [HEX.from(40)],
        "glrt-" => [URL_DOTTED.from(20)],
        "glrtr-" => [URL_DOTTED.from(20)],
        "glcbt-" => [URL.from(20)],
        "glffct-" => [URL.from(20)],
        "glft-" => [URL.from(20)],
        "glimt-" => [URL.from(25)],
        "glagent-" => [URL.from(50)],
        "glsoat-" => [URL.from(20)],
        "gloas-" => [URL.from(64)],
        "glwt-" => [URL.from(20)],
        "GR1348941" => [URL.from(20)],
        "_gitlab_session=" => [LOWER.n(32)],
    ),
    key!("gocardless_token": "live_" => [URL_PADDED.n(40)]),
    key!("google_api_key", 300;
        "AIza" => [URL.to(33, 39)],
        "AIZA" => [UPPER_URL.to(33, 39)],
        "AQ.Ab8RN6" => [URL.from(40)],
    ),
    key!("google_oauth_token":
        "GOCSPX-" => [URL.n(28)],
        "ya29." => [URL.from(30)],
        "1//0" => [URL.from(40)],
    ),
    key!("grafana_token":
        "glc_" => [BASE64.from(32)],
        "glsa_" => [ALNUM.n(32), text("_"), HEX.n(8)],
        "eyJrIjoi" => [ANY64.from(60)],
    ),
    key!("groq_key": "gsk_" => [ALNUM.n(52)]),
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
    key!("ionic_token": "ion_" => [ALNUM.n(42)]),
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
    key!("ramp_secret": "ramp_sec_" => [ALNUM.from(40)]),
    infix!("rapidapi_key", 350; [LOWER.run(36, 36)] "jsn" [LOWER.n(12)]),
    key!("razorpay_key":
        "rzp_live_" => [ALNUM.n(14)],
        "rzp_test_" => [ALNUM.n(14)],
    ),
    key!("readme_key": "rdme_" => [LOWER.n(70)]),
    key!("render_key": "rnd_" => [ALNUM.to(28, 40)]),
    key!("replicate_token": "r8_" => [URL.to(37, 46)]),
    key!("resend_key": "re_" => [ALNUM.n(8), text("_"), ALNUM.n(24)]),
    key!("rootly_key": "rootly_" => [LOWER_HEX.n(64)]),
    key!("rubygems_key": "rubygems_" => [LOWER_HEX.n(48)]),
    key!("runpod_key": "rpa_" => [ALNUM.to(40, 54)]),
    key!("salesforce_token":
        "00D" => [ALNUM.n(12), text("!"), SESSION.from(80)],
    ),
    key!("scaleway_key": "SCW" => [UPPER.n(17)]),
    key!("scalingo_token": "tk-us-" => [URL.n(48)]),
    key!("secret_token_uri": "secret-token:" => [URL_DOTTED.from(16)]),
    key!("sendgrid_key":
        "SG." => [URL.n(22), text("."), URL.n(43)],
        "SG." => [DOTTED.n(66)],
    ),
    key!("sendinblue_key":
        "xkeysib-" => [LOWER_HEX.n(64), text("-"), ALNUM.n(16)],
        "xsmtpsib-" => [LOWER_HEX.n(64), text("-"), ALNUM.n(16)],
    ),
    key!("sentry_token":
        "sntrys_eyJ" => [ANY64.from(60)],
        "sntryu_" => [LOWER_HEX.n(64)],
        "sntryi_" => [LOWER_HEX.n(64)],
    ),
    key!("settlemint_token":
        "sm_pat_" => [ALNUM.n(16)],
        "sm_aat_" => [ALNUM.n(16)],
        "sm_sat_" => [ALNUM.n(16)],
    ),
    key!("shippo_token":
        "shippo_live_" => [HEX.n(40)],
        "shippo_test_" => [HEX.n(40)],
    ),
    key!("shopify_token":
        "shpat_" => [HEX.n(32)],
        "shpca_" => [HEX.n(32)],
        "shppa_" => [HEX.n(32)],
        "shpss_" => [HEX.n(32)],
        "shltm_" => [ALNUM.from(30)],
    ),
    key!("sidekiq_key", 150;
        "CONTRIBSYS__COM=" => [LOWER_HEX.n(8), text(":"), LOWER_HEX.n(8)],
        "CONTRIBSYS__COM: " => [LOWER_HEX.n(8), text(":"), LOWER_HEX.n(8)],
        "CONTRIBSYS__COM: \"" => [LOWER_HEX.n(8), text(":"), LOWER_HEX.n(8)],
        "CONTRIBSYS__COM = \"" => [LOWER_HEX.n(8), text(":"), LOWER_HEX.n(8)],
        "CONTRIBSYS__COM=\"" => [LOWER_HEX.n(8), text(":"), LOWER_HEX.n(8)],
    ),
    key!("slack_token":
        "xoxb-" => [ALNUM.to(6, 16), text("-"), DASHED.from(18)],
        "xoxp-" => [ALNUM.to(6, 16), text("-"), DASHED.from(18)],
        "xoxe-" => [DASHED.from(28)],
        "xoxa-" => [DASHED.from(8)],
        "xoxr-" => [DASHED.from(8)],
        "xoxs-" => [DASHED.from(18)],
        "xoxo-" => [DASHED.from(18)],
        "xoxc-" => [DASHED.from(30)],
        "xoxd-" => [PERCENT64.from(40)],
        "xoxe.xoxp-" => [DASHED.from(60)],
        "xoxe.xoxb-" => [DASHED.from(60)],
        "xapp-" => [DIGIT.to(1, 2), text("-"), UPPER.to(8, 14), text("-"), DIGIT.from(8), text("-"), LOWER.from(20)],
        // Dashes that became blanks on the way.
        "xoxb " => [DIGIT.to(9, 14), text(" "), DIGIT.to(9, 14), text(" "), ALNUM.from(20)],
        "xoxp " => [DIGIT.to(9, 14), text(" "), DIGIT.to(9, 14), text(" "), ALNUM.from(20)],
        "XOXB-" => [DIGIT.to(9, 14), text("-"), UPPER_DASHED.from(20)],
        "XOXP-" => [DIGIT.to(9, 14), text("-"), UPPER_DASHED.from(20)],
    ),
    key!("slack_webhook":
        "hooks.slack.com/services/" => [PATH.from(40)],
        "hooks.slack.com/workflows/" => [PATH.from(40)],
        "hooks.slack.com/triggers/" => [PATH.from(40)],
    ),
    key!("snyk_token":
        "snyk_uat." => [URL_DOTTED.from(40)],
        "snyk_sat." => [URL_DOTTED.from(40)],
    ),
    key!("sonarqube_token":
        "squ_" => [LOWER_HEX.n(40)],
        "sqp_" => [LOWER_HEX.n(40)],
        "sqa_" => [LOWER_HEX.n(40)],
    ),
    key!("sourcegraph_token":
        "sgp_" => [HEX.n(16), text("_"), HEX.n(40)],
        "sgp_" => [text("local_"), HEX.n(40)],
        "sgp_" => [HEX.n(40)],
        "sgp_" => [ALNUM.n(64)],
        "sgd_" => [HEX.n(64)],
        "slk_" => [LOWER_HEX.n(64)],
    ),
    key!("spectral_key": "spu-" => [LOWER_HEX.n(32)]),
    key!("square_token":
        "sq0atp-" => [URL.n(22)],
        "sq0csp-" => [URL.n(43)],
        "sq0idp-" => [URL.n(22)],
        "EAAA" => [URL_PADDED.to(22, 60)],
    ),
    key!("stackhawk_key": "hawk." => [URL.n(20), text("."), URL.n(20)]),
    key!("statsig_key", 400; "secret-" => [ALNUM.n(43)]),
    key!("stripe_key":
        "sk_live_" => [ALNUM.from(20)],
        "sk_test_" => [ALNUM.from(20)],
        "sk_prod_" => [ALNUM.from(20)],
        "rk_live_" => [ALNUM.from(20)],
        "rk_test_" => [ALNUM.from(20)],
        "rk_prod_" => [ALNUM.from(20)],
        "pk_live_" => [ALNUM.from(20)],
        "pk_test_" => [ALNUM.from(20)],
        "whsec_" => [ALNUM.from(32)],
        "SK_LIVE_" => [UPPER.from(20)],
        "SK_TEST_" => [UPPER.from(20)],
    ),
    key!("stytch_secret":
        "secret-live-" => [URL_PADDED.from(32)],
        "secret-test-" => [URL_PADDED.from(32)],
    ),
    key!("sumup_key": "sup_sk_" => [ALNUM.n(32)]),
    key!("supabase_key":
        "sbp_" => [LOWER_HEX.n(40)],
        "sbp_v0_" => [LOWER_HEX.n(40)],
        "sb_secret_" => [URL.from(20)],
    ),
    key!("tailscale_key":
        "tskey-auth-" => [ALNUM.to(6, 20), text("-"), ALNUM.from(9)],
        "tskey-api-" => [ALNUM.to(6, 20), text("-"), ALNUM.from(9)],
        "tskey-client-" => [ALNUM.to(6, 20), text("-"), ALNUM.from(9)],
        "tskey-webhook-" => [ALNUM.to(6, 20), text("-"), ALNUM.from(9)],
        "tskey-scim-" => [ALNUM.to(6, 20), text("-"), ALNUM.from(9)],
    ),
    key!("tavily_key":
        "tvly-" => [ALNUM.n(32)],
        "tvly-dev-" => [URL.from(32)],
        "tvly-prod-" => [URL.from(32)],
    ),
    key!("teamwork_token": "tkn.v1_" => [BASE64.from(60)]),
    key!("tencent_key": "AKID" => [ALNUM.n(32)]),
    infix!("terraform_token", 300; [ALNUM.run(14, 14)] ".atlasv1." [URL_PADDED.to(60, 70)]),
    key!("thingsboard_token": "thingsboard.cloud/api/v1/" => [ALNUM.n(20)]),
    key!("tines_webhook": ".tines.com/webhook/" => [LOWER_HEX.n(32), text("/"), LOWER_HEX.n(32)]),
    key!("tinybird_token": "p.eyJ" => [URL.from(40), text("."), URL.from(27)]),
    key!("together_key": "tgp_v1_" => [URL.from(40)]),
    key!("trello_token": "ATTA" => [LOWER_HEX.n(72)]),
    key!("trigger_key":
        "tr_dev_" => [ALNUM.to(20, 32)],
        "tr_prod_" => [ALNUM.to(20, 32)],
        "tr_pat_" => [ALNUM.from(32)],
    ),
    // The key's number, `-`, a secret.
    Detector {
        opaque: false,
        ..behind_a_head(row(
            "truenas_key",
            Trigger::Digits(Lengths::range(1, 3), Before::Other),
            &[Shape {
                head: None,
                mark: "",
                pieces: &[text("-"), ALNUM.n(64)],
                centibits_min: 450,
            }],
        ))
    },
    // With the first digit in the trigger: two letters alone stand everywhere.
    behind_a_head(row(
        "twilio_key",
        Trigger::Keywords(&[
            "AC0", "AC1", "AC2", "AC3", "AC4", "AC5", "AC6", "AC7", "AC8", "AC9", "ACa", "ACb",
            "ACc", "ACd", "ACe", "ACf", "SK0", "SK1", "SK2", "SK3", "SK4", "SK5", "SK6", "SK7",
            "SK8", "SK9", "SKa", "SKb", "SKc", "SKd", "SKe", "SKf",
        ]),
        &[
            Shape {
                head: None,
                mark: "AC",
                pieces: &[LOWER_HEX.n(32)],
                centibits_min: CENTIBITS_MIN,
            },
            Shape {
                head: None,
                mark: "SK",
                pieces: &[LOWER_HEX.n(32)],
                centibits_min: CENTIBITS_MIN,
            },
        ],
    )),
    key!("twitter_bearer_token": "AAAAAAAAAAAAAAAAAAAAA" => [ALNUM.to(4, 40), text("%"), PERCENT64.from(60)]),
    key!("typeform_token": "tfp_" => [DOTTED.n(59)]),
    key!("ubidots_token": "BBFF-" => [ALNUM.n(30)]),
    key!("unkey_key": "unkey_" => [ALNUM.from(20)]),
    key!("vault_token":
        "hvs." => [URL.from(24)],
        "hvb." => [URL.from(24)],
        "hvr." => [URL.from(24)],
        "s.CAES" => [URL.from(80)],
    ),
    key!("vault_unseal_key": "Unseal Key " => [DIGIT.to(1, 2), text(": "), BASE64.n(44)]),
    key!("vercel_token":
        "vcp_" => [ALNUM.n(56)],
        "vca_" => [ALNUM.n(56)],
        "vci_" => [ALNUM.n(56)],
        "vck_" => [ALNUM.n(56)],
    ),
    key!("voiceflow_key": "VF.DM." => [LOWER_HEX.n(24), text("."), ALNUM.n(16)], "VF.WS." => [LOWER_HEX.n(24), text("."), ALNUM.to(14, 16)]),
    key!("volcengine_key": "AKLT" => [URL.from(40)]),
    key!("voyage_key": "pa-" => [URL.to(40, 48)]),
    key!("wandb_key": "wandb_v1_" => [WORD.from(40)]),
    key!("xai_key": "xai-" => [WORD.to(70, 84)]),
    key!("xata_key": "xau_" => [ALNUM.from(30)]),
    key!("yandex_token":
        "AQVN" => [URL.to(35, 38)],
        "t1." => [URL_PADDED.from(4), text("."), URL_PADDED.from(60)],
        "y0_" => [URL.from(50)],
        "YCAJE" => [URL.to(18, 38)],
    ),
    key!("zapier_webhook": "hooks.zapier.com/hooks/catch/" => [PATH.from(12)]),
    key!("zoho_token": "1000." => [LOWER_HEX.n(32), text("."), LOWER_HEX.n(32)]),
    key!("zuplo_key": "zpka_" => [LOWER_HEX.n(32), text("_"), LOWER_HEX.n(8)]),
];

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn keys_known_by_their_middle_or_end() {
        check(
            "mailchimp_key",
            "«a2937653ed38c31a43ea46e2b19257db-us2», «d5a20394440360cd8a9802d4705e711c-us20».",
        );
        check(
            "mailchimp_key",
            "a2937653ed38c31a43ea46e2b19257d-us2 a2937653ed38c31a43ea46e2b19257db-usa 1a2937653ed38c31a43ea46e2b19257db-us2",
        );
        check("maxmind_key", "«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»");
        check(
            "maxmind_key",
            "xw5fruZ_8ZUsgYLu8vwgb3yKsgMna3uIF9Oa4_mmk, w5fruZ_8ZUsg_mmk",
        );
        check(
            "new_relic_license_key",
            "license: «eu01xxaa7460e1ea3abdfbbbd36e85c10cd0NRAL»",
        );
        check(
            "new_relic_license_key",
            "a7460e1ea3abdfbbbd36e85c10cd0NRAL, CENTRAL, 1eu01xxaa7460e1ea3abdfbbbd36e85c10cd0NRAL",
        );
        check(
            "terraform_token",
            "«7be0ebcc06163c.atlasv1.eut_whf9f_uo8dmi9=1i8wleqmkoflbfh8ut6cve=8if98cr8r1_1ciw36lj-m1»",
        );
        check(
            "terraform_token",
            "xxxxxxxxxxxxxx.atlasv1.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        );
    }

    #[test]
    fn keys_behind_a_number() {
        check(
            "facebook_app_token",
            "«911602140448729|AY-lRJZq9BoDLobvAiP25L7RcMg»",
        );
        check(
            "facebook_app_token",
            "911602140448729|1234, 911602140448729 | total, 9116021404487|AY-lRJZq9BoDLobvAiP25L7RcMg",
        );
        check(
            "truenas_key",
            "[\"«8-Lp22ov7halMBLUpG97Wg4y7fibQi3CW19VJiZcCu746zgCs0mdDdTCoOcpgEucgu»\"]",
        );
        check(
            "truenas_key",
            "8-a7f29c1b0e4d8a7f29c1b0e4d8a7f29c1b0e4d8a7f29c1b0e4d8a7f29c1b0e4d8, 1-2, x8-Lp22ov7halMBLUpG97Wg4y7fibQi3CW19VJiZcCu746zgCs0mdDdTCoOcpgEucgu",
        );
    }

    #[test]
    fn keys_behind_letters() {
        check(
            "twilio_key",
            "«SK6a02cbedf7960df30e6a86bea413e922», «AC4d2f64e2a108cd72f648b1984c3b5a13»",
        );
        check(
            "twilio_key",
            "SK6a02cbedf7960df30e6a86bea413e92, xSK6a02cbedf7960df30e6a86bea413e922, SK6a02cbedf7960df30e6a86bea413e9222, AC11111111111111111111111111111111",
        );
    }
}
