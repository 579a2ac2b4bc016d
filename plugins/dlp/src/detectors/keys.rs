//! Keys that are a prefix, an alphabet and a length: one row for each vendor.
//!
//! Sources are the vendors' own documents of their token formats and the secret types that code hosts scan for on the vendors' behalf
//! (<https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns>). Where a vendor has let a
//! length grow, the row takes longer keys too: a prefix that nobody else uses says enough.

use super::class::{
    ALNUM, BASE64, Class, DIGIT, HEX, LOWER, LOWER_HEX, UPPER, URL, URL_PADDED, WORD,
};
use super::shape::{self, Shape, text};
use super::{Detector, Grade, Group, Trigger};

/// The least entropy of a key's body unless its row says otherwise, in hundredths of a bit a byte. Random hexadecimal digits have 300 or more
/// from 16 on; `xxxxxxxx` has none.
const CENTIBITS_MIN: u32 = 250;

/// The characters of bech32.
const BECH32: Class = Class::of("023456789acdefghjklmnpqrstuvwxyzACDEFGHJKLMNPQRSTUVWXYZ");
/// base64url, dots between its parts.
const DOTTED: Class = Class::of("0-9A-Za-z_.=\\-");
/// base64url, and base64 in one.
const ANY64: Class = Class::of("0-9A-Za-z_+/=\\-");
/// RFC 4648 base32.
const BASE32: Class = Class::of("A-Z2-7");
/// `-` and hexadecimal digits: a UUID's characters.
const UUID: Class = Class::of("0-9a-fA-F\\-");
/// What stands in a webhook's path.
const PATH: Class = Class::of("0-9A-Za-z_/\\-");

/// A detector of a vendor's keys: `key!("name": "prefix" => [pieces], …)`.
macro_rules! key {
    ($name:literal: $($prefix:literal => [$($piece:expr),+]),+ $(,)?) => {
        key!($name, CENTIBITS_MIN; $($prefix => [$($piece),+]),+)
    };
    ($name:literal, $centibits:expr; $($prefix:literal => [$($piece:expr),+]),+ $(,)?) => {
        Detector {
            name: $name,
            group: Group::Secrets,
            grade: Grade::Precise,
            dense: true,
            opaque: true,
            trigger: Trigger::Keywords(&[$($prefix),+]),
            find: |context| {
                const SHAPES: &[Shape] = &[
                    $(Shape { prefix: $prefix, pieces: &[$($piece),+], centibits_min: $centibits }),+
                ];
                shape::find(context, SHAPES)
            },
        }
    };
}

/// All of them, sorted by name.
pub(super) const KEYS: &[Detector] = &[
    key!("adafruit_key": "aio_" => [ALNUM.n(28)]),
    key!("age_secret_key", 0; "AGE-SECRET-KEY-1" => [BECH32.n(58)]),
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
    key!("atlassian_token":
        "ATATT3" => [URL_PADDED.from(60)],
        "ATCTT3" => [URL_PADDED.from(60)],
        "ATBB" => [URL_PADDED.from(32)],
    ),
    key!("authress_key":
        "sc_" => [LOWER.to(5, 30), text("."), LOWER.to(4, 6), text("."), URL_PADDED.to(10, 30), text("."), Class::of("0-9A-Za-z+/_=\\-").from(30)],
        "ext_" => [LOWER.to(5, 30), text("."), LOWER.to(4, 6), text("."), URL_PADDED.to(10, 30), text("."), Class::of("0-9A-Za-z+/_=\\-").from(30)],
        "scauth_" => [LOWER.to(5, 30), text("."), LOWER.to(4, 6), text("."), URL_PADDED.to(10, 30), text("."), Class::of("0-9A-Za-z+/_=\\-").from(30)],
        "authress_" => [LOWER.to(5, 30), text("."), LOWER.to(4, 6), text("."), URL_PADDED.to(10, 30), text("."), Class::of("0-9A-Za-z+/_=\\-").from(30)],
    ),
    key!("aws_appsync_key": "da2-" => [LOWER.n(26)]),
    key!("aws_bedrock_key", 200;
        "ABSK" => [BASE64.from(100)],
        "bedrock-api-key-" => [BASE64.from(24)],
    ),
    key!("aws_mws_token": "amzn.mws." => [UUID.n(36)]),
    key!("blynk_client_secret": "oa2-client-id_" => [URL.n(32), text(":"), ALNUM.n(40)]),
    key!("buildkite_token":
        "bkua_" => [LOWER.n(40)],
        "bkct_" => [ALNUM.from(30)],
    ),
    key!("cerebras_key": "csk-" => [LOWER.n(48)]),
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
    key!("cosmo_key": "cosmo_" => [LOWER_HEX.n(32)]),
    key!("databricks_token":
        "dapi" => [LOWER_HEX.n(32)],
        "dose" => [LOWER_HEX.n(32)],
    ),
    key!("defined_networking_key": "dnkey-" => [URL_PADDED.n(26), text("-"), URL_PADDED.n(52)]),
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
        "dp.st." => [Class::of("0-9A-Za-z_.\\-").from(40)],
        "dp.scim." => [ALNUM.from(40)],
        "dp.audit." => [ALNUM.from(40)],
    ),
    key!("dropbox_token": "sl." => [URL_PADDED.from(60)], "sl.u." => [URL_PADDED.from(60)]),
    key!("duffel_token":
        "duffel_test_" => [URL_PADDED.n(43)],
        "duffel_live_" => [URL_PADDED.n(43)],
    ),
    key!("dynatrace_token": "dt0" => [ALNUM.n(3), text("."), ALNUM.n(24), text("."), ALNUM.n(64)]),
    key!("easypost_key":
        "EZAK" => [ALNUM.n(54)],
        "EZTK" => [ALNUM.n(54)],
    ),
    key!("elevenlabs_key": "sk_" => [LOWER_HEX.n(48)]),
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
        "FLWSECK_TEST-" => [Class::of("0-9A-Za-z\\-").from(12)],
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
        "glpat-" => [Class::of("0-9A-Za-z_.\\-").from(20)],
        "gldt-" => [URL.from(20)],
        "glptt-" => [HEX.from(40)],
        "glrt-" => [Class::of("0-9A-Za-z_.\\-").from(20)],
        "glrtr-" => [Class::of("0-9A-Za-z_.\\-").from(20)],
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
        "AIZA" => [Class::of("0-9A-Z_\\-").to(33, 39)],
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
    key!("intra42_secret":
        "s-s4t2ud-" => [LOWER_HEX.n(64)],
        "s-s4t2af-" => [LOWER_HEX.n(64)],
    ),
    key!("ionic_token": "ion_" => [ALNUM.n(42)]),
    key!("jenkins_crumb": "Jenkins-Crumb:" => [LOWER_HEX.to(32, 64)], "Jenkins-Crumb: " => [LOWER_HEX.to(32, 64)]),
    key!("jina_key": "jina_" => [ALNUM.n(60)]),
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
    key!("linear_key":
        "lin_api_" => [ALNUM.n(40)],
        "lin_oauth_" => [LOWER_HEX.n(64)],
    ),
    key!("llamaindex_key": "llx-" => [URL.from(40)]),
    key!("lob_key":
        "test_pub_" => [LOWER_HEX.n(31)],
        "live_pub_" => [LOWER_HEX.n(31)],
        "test_" => [LOWER_HEX.n(35)],
        "live_" => [LOWER_HEX.n(35)],
    ),
    key!("mailgun_key":
        "key-" => [LOWER_HEX.n(32)],
        "pubkey-" => [LOWER_HEX.n(32)],
    ),
    key!("mapbox_token":
        "pk.eyJ" => [ALNUM.from(40), text("."), URL.n(22)],
        "sk.eyJ" => [ALNUM.from(40), text("."), URL.n(22)],
        "tk.eyJ" => [ALNUM.from(40), text("."), URL.n(22)],
        "pk." => [LOWER.n(60), text("."), LOWER.n(22)],
    ),
    key!("microsoft_webhook":
        ".webhook.office.com/webhookb2/" => [Class::of("0-9A-Za-z_@/\\-").from(80)],
        "outlook.office.com/webhook/" => [Class::of("0-9A-Za-z_@/\\-").from(80)],
        "outlook.office365.com/webhook/" => [Class::of("0-9A-Za-z_@/\\-").from(80)],
    ),
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
    key!("octopus_key": "API-" => [UPPER.to(25, 27)]),
    key!("okta_token": "SSWS 00" => [URL.n(40)], "00UO_" => [URL.n(37)]),
    key!("onepassword_key":
        "ops_eyJ" => [BASE64.from(200)],
        "A3-" => [UPPER.n(6), text("-"), UPPER.n(11), text("-"), UPPER.n(5), text("-"), UPPER.n(5), text("-"), UPPER.n(5)],
        "A3-" => [UPPER.n(6), text("-"), UPPER.n(6), text("-"), UPPER.n(5), text("-"), UPPER.n(5), text("-"), UPPER.n(5), text("-"), UPPER.n(5)],
    ),
    key!("openrouter_key": "sk-or-v1-" => [LOWER_HEX.n(64)]),
    key!("openshift_token": "sha256~" => [URL.n(43)]),
    key!("pagarme_key": "ak_live_" => [ALNUM.n(30)]),
    key!("paypal_braintree_token": "access_token$" => [LOWER.to(4, 12), text("$"), LOWER.n(16), text("$"), LOWER_HEX.n(32)]),
    key!("perplexity_key": "pplx-" => [ALNUM.to(40, 64)]),
    key!("pinecone_key": "pcsk_" => [WORD.from(60)]),
    key!("plaid_token":
        "access-production-" => [UUID.n(36)],
        "access-sandbox-" => [UUID.n(36)],
        "access-development-" => [UUID.n(36)],
    ),
    key!("planetscale_token":
        "pscale_pw_" => [Class::of("0-9A-Za-z_.=\\-").to(32, 64)],
        "pscale_tkn_" => [Class::of("0-9A-Za-z_.=\\-").to(32, 64)],
        "pscale_oauth_" => [Class::of("0-9A-Za-z_.=\\-").to(32, 64)],
    ),
    key!("posthog_key":
        "phc_" => [URL.to(40, 48)],
        "phx_" => [URL.to(40, 48)],
        "phs_" => [URL.to(40, 56)],
    ),
    key!("postman_key":
        "PMAK-" => [LOWER_HEX.n(24), text("-"), LOWER_HEX.n(34)],
        "PMAT-" => [UPPER.n(26)],
    ),
    key!("prefect_key":
        "pnu_" => [ALNUM.n(36)],
        "pnb_" => [ALNUM.n(36)],
    ),
    key!("pulumi_token": "pul-" => [LOWER_HEX.n(40)]),
    key!("pypi_token":
        "pypi-AgE" => [URL.from(50)],
    ),
    key!("readme_key": "rdme_" => [LOWER.n(70)]),
    key!("replicate_token": "r8_" => [URL.to(37, 46)]),
    key!("rubygems_key": "rubygems_" => [LOWER_HEX.n(48)]),
    key!("salesforce_token":
        "00D" => [ALNUM.n(12), text("!"), Class::of("0-9A-Za-z._+/=\\-").from(80)],
    ),
    key!("scaleway_key": "SCW" => [UPPER.n(17)]),
    key!("scalingo_token": "tk-us-" => [URL.n(48)]),
    key!("sendgrid_key":
        "SG." => [URL.n(22), text("."), URL.n(43)],
        "SG." => [DOTTED.n(66)],
    ),
    key!("sendinblue_key": "xkeysib-" => [LOWER_HEX.n(64), text("-"), ALNUM.n(16)]),
    key!("sentry_token":
        "sntrys_eyJ" => [Class::of("0-9A-Za-z_+/=\\-").from(60)],
        "sntryu_" => [LOWER_HEX.n(64)],
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
    key!("slack_token":
        "xoxb-" => [ALNUM.to(6, 16), text("-"), Class::of("0-9A-Za-z\\-").from(18)],
        "xoxp-" => [ALNUM.to(6, 16), text("-"), Class::of("0-9A-Za-z\\-").from(18)],
        "xoxe-" => [Class::of("0-9A-Za-z\\-").from(28)],
        "xoxa-" => [Class::of("0-9A-Za-z\\-").from(8)],
        "xoxr-" => [Class::of("0-9A-Za-z\\-").from(8)],
        "xoxs-" => [Class::of("0-9A-Za-z\\-").from(18)],
        "xoxo-" => [Class::of("0-9A-Za-z\\-").from(18)],
        "xoxc-" => [Class::of("0-9A-Za-z\\-").from(30)],
        "xoxd-" => [Class::of("0-9A-Za-z%+/=\\-").from(40)],
        "xoxe.xoxp-" => [Class::of("0-9A-Za-z\\-").from(60)],
        "xoxe.xoxb-" => [Class::of("0-9A-Za-z\\-").from(60)],
        "xapp-" => [DIGIT.to(1, 2), text("-"), UPPER.to(8, 14), text("-"), DIGIT.from(8), text("-"), LOWER.from(20)],
        // Dashes that became blanks on the way.
        "xoxb " => [DIGIT.to(9, 14), text(" "), DIGIT.to(9, 14), text(" "), ALNUM.from(20)],
        "xoxp " => [DIGIT.to(9, 14), text(" "), DIGIT.to(9, 14), text(" "), ALNUM.from(20)],
        "XOXB-" => [DIGIT.to(9, 14), text("-"), Class::of("0-9A-Z\\-").from(20)],
        "XOXP-" => [DIGIT.to(9, 14), text("-"), Class::of("0-9A-Z\\-").from(20)],
    ),
    key!("slack_webhook":
        "hooks.slack.com/services/" => [PATH.from(40)],
        "hooks.slack.com/workflows/" => [PATH.from(40)],
        "hooks.slack.com/triggers/" => [PATH.from(40)],
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
        "slk_" => [LOWER_HEX.n(64)],
    ),
    key!("square_token":
        "sq0atp-" => [URL.n(22)],
        "sq0csp-" => [URL.n(43)],
        "sq0idp-" => [URL.n(22)],
        "EAAA" => [URL_PADDED.to(22, 60)],
    ),
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
    key!("thingsboard_token": "thingsboard.cloud/api/v1/" => [ALNUM.n(20)]),
    key!("tines_webhook": ".tines.com/webhook/" => [LOWER_HEX.n(32), text("/"), LOWER_HEX.n(32)]),
    key!("together_key": "tgp_v1_" => [URL.from(40)]),
    key!("typeform_token": "tfp_" => [Class::of("0-9A-Za-z_.=\\-").n(59)]),
    key!("ubidots_token": "BBFF-" => [ALNUM.n(30)]),
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
    key!("voyage_key": "pa-" => [URL.to(40, 48)]),
    key!("xai_key": "xai-" => [WORD.to(70, 84)]),
    key!("yandex_token":
        "AQVN" => [URL.to(35, 38)],
        "t1." => [URL_PADDED.from(4), text("."), URL_PADDED.from(60)],
        "y0_" => [URL.from(50)],
        "YCAJE" => [URL.to(18, 38)],
    ),
    key!("zapier_webhook": "hooks.zapier.com/hooks/catch/" => [PATH.from(12)]),
    key!("zoho_token": "1000." => [LOWER_HEX.n(32), text("."), LOWER_HEX.n(32)]),
];
