//! Vendors from Q to Z.

use super::super::class::{
    ALNUM, BASE64, DIGIT, HEX, LOWER, LOWER_HEX, UPPER, URL, URL_PADDED, WORD,
};
use super::super::shape::{Shape, text};
use super::super::{Before, Detector, Lengths, Trigger};
use super::{
    ANY64, CENTIBITS_MIN, DASHED, DOTTED, PATH, PERCENT64, SESSION, UPPER_DASHED, URL_DOTTED,
    behind_a_head, row,
};

/// Sorted by name.
pub(super) const ROWS: &[Detector] = &[
    key!("ramp_secret": "ramp_sec_" => [ALNUM.from(40)]),
    infix!("rapidapi_key", 350; [LOWER.run(36, 36)] "jsn" [LOWER.n(12)]),
    key!("razorpay_key":
        "rzp_live_" => [ALNUM.n(14)],
        "rzp_test_" => [ALNUM.n(14)],
    ),
    key!("readme_key": "rdme_" => [LOWER.n(70)]),
    key!("recaptcha_key", 350;
        "6Lc" => [URL.n(37)],
        "6Ld" => [URL.n(37)],
        "6Le" => [URL.n(37)],
        "6Lf" => [URL.n(37)],
    ),
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
        "EAAA" => [URL_PADDED.to(22, 64)],
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
    key!("tickettailor_key": "sk_" => [DIGIT.n(4), text("_"), DIGIT.n(6), text("_"), LOWER_HEX.to(32, 40)]),
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
