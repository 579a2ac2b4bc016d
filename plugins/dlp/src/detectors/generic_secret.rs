//! Whatever is assigned to something that is called a key, a secret, a token, a password: `API_TOKEN = "…"`, `"password": "…"`, `--secret …`.
//!
//! The name only says where to look; the value must look random: letters and digits mixed, enough entropy, no word, no path, no code. It cannot
//! be as sure as a shape is, so that through a group it only flags.

use super::assigned::{NAME, NAME_REST_MAX, NOISE_BYTES_MIN, VALUE_BYTES_MAX, is_member, value};
use super::class::{Class, WORD};
use super::entropy::{centibits, is_placeholder, is_spoken};
use super::stand_in::kinds;
use super::words::{Words, contains, is_word};
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};
use std::ops::Range;

pub(super) const GENERIC_SECRET: Detector = Detector {
    name: "generic_secret",
    group: Group::Secrets,
    grade: Grade::Likely,
    dense: false,
    opaque: false,
    trigger: Trigger::KeywordsAnyCase(&[
        "key",
        "secret",
        "token",
        "pass",
        "pwd",
        "credential",
        "auth",
        "private",
        "access",
        "_pat",
        // Vendors whose keys have no form of their own.
        "algolia",
        "alchemy",
        "artifactory",
        "asana",
        "assemblyai",
        "atlassian",
        "bitbucket",
        "blazemeter",
        "clarifai",
        "cloudflare",
        "cloudsmith",
        "codecov",
        "datadog",
        "deepgram",
        "everhour",
        "fastly",
        "heroku",
        "hubspot",
        "infura",
        "intercom",
        "mailgun",
        "netlify",
        "okta",
        "openweather",
        "postmark",
        "pyowm",
        "rapidapi",
        "smartsheets",
        "snyk",
        "sonar",
        "sourcegraph",
        "sumologic",
        "travis",
        "trello",
        "twitch",
        "wandb",
        "zendesk",
    ]),
    find: Find::Traced(find),
};

/// How long a secret is at least.
const SECRET_BYTES_MIN: usize = 10;
/// How long a value is at least that is joined to its name.
const JOINED_BYTES_MIN: usize = 24;
/// As much behind the name as is there when it is asked about first.
const FIRST_BYTES: usize = 32;
/// A value that is worth a look at what is remembered of it.
const LONG_BYTES: usize = 64;
/// All of ASCII that can be seen but digits.
const NO_DIGITS: Class = Class::of("!-/:-~");
const LETTERS: Class = Class::of("A-Za-z");
/// How much of a value must look random.
const RANDOM_BYTES_MAX: usize = 96;
/// Signs that few names and paths have.
const NOISE: Class = Class::of("!#$%&*+=?@\\^|~");
/// What patterns and objects have.
const PATTERN: Class = Class::of("*+?\\\\^|\"'=:;,/");
/// Most consonants in a row of a name, and of what could be words.
const NAME_CONSONANTS_MAX: usize = 4;
const CONSONANTS_MAX: usize = 7;
/// How often a value is looked at until it is known to be none.
const LOOKS: usize = 4;
/// Names with one of these in them hold no secret: `public_key`, `primary key`, `max_tokens`.
static HARMLESS: Words = Words::of(&[
    b"author",
    b"bypass",
    b"compass",
    b"continuationtoken",
    b"credentialid",
    b"credentialsid",
    b"foreign",
    b"hashkey",
    b"hash_key",
    b"keyboard",
    b"keyword",
    b"keyframe",
    b"keyof",
    b"keyerror",
    b"key_name",
    b"keyname",
    b"monkey",
    b"max_token",
    b"maxtoken",
    b"nexttoken",
    b"next_token",
    b"public",
    b"primary",
    b"partition",
    b"passive",
    b"passage",
    b"passenger",
    b"passed",
    b"pagetoken",
    b"page_token",
    b"secretsid",
    b"tokeniz",
    b"tokens",
    b"vault_name",
]);
/// What only begins another word where letters follow: `AccessPolicy`, `authors`, `private-dns`, `file_path`.
const BEGINNINGS: [&[u8]; 4] = [b"access", b"auth", b"private", b"_pat"];
/// What stands in URLs and in names of code.
const CODE: [&[u8]; 2] = [b"://", b"::"];
/// How values begin that are public: a certificate's armour in base64, a name of a resource in AWS, a fingerprint, public keys (RFC 5280).
const PUBLIC: [&[u8]; 5] = [
    b"LS0tLS1CRUdJTiBDRVJU",
    b"arn:",
    b"SHA256:",
    b"MFkwEwYHKoZIzj0C",
    b"MIIBIjANBgkqhkiG",
];

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let rest = match context.end_of(at.end, NAME_REST_MAX, &NAME) {
        Ok(rest) => rest,
        Err(outcome) => return outcome,
    };
    let is_other = BEGINNINGS
        .iter()
        .any(|word| is_word(context.trigger(), word))
        && context
            .byte(at.end)
            .is_some_and(|byte| byte.is_ascii_alphabetic());
    if is_other {
        return Outcome::None;
    }
    judge(context, rest)
}

/// Whether what is assigned to a name that ends at `end` is a word too short for a secret, or a number, as one look shows: `key=8`, `"key": "val",`.
/// What stands before and behind it is such that [`assigned::value`] would find it and nothing else.
fn is_short(context: &Context<'_>, end: usize) -> bool {
    let is = |at: usize, byte: u8| usize::from(context.byte(at) == Some(byte));
    let closed = end + is(end, b'"');
    if !matches!(context.byte(closed), Some(b'=' | b':')) {
        return false;
    }
    let gap = closed + 1 + is(closed + 1, b' ');
    let opened = gap + is(gap, b'"');
    let Ok(end) = context.end_of(opened, SECRET_BYTES_MIN, &WORD) else {
        return false;
    };
    let (len, is_quoted) = (end - opened, opened > gap);
    let ends = match context.byte(end) {
        None => true,
        // Before a quotation mark a letter or two could belong to it: `b"…"`.
        Some(b'"') => is_quoted || len > 2,
        Some(b',' | b';' | b')' | b']' | b'}' | b'\n' | b'\r' | b'\t') => !is_quoted,
        Some(b'&') if !is_quoted => {
            let next = context.run_of(end + 1, NAME_REST_MAX, &NAME);
            next > end + 1 && !context.is_open(next) && context.byte(next) == Some(b'=')
        }
        Some(_) => false,
    };
    ends && (1..SECRET_BYTES_MIN).contains(&len)
}

/// What stands behind a name that ends at `rest`.
fn judge(context: &Context<'_>, rest: usize) -> Outcome {
    let at = context.at.clone();
    // What the name says is asked last: most names stand before nothing that could be a secret.
    let found = if rest - at.end < JOINED_BYTES_MIN && is_short(context, rest) {
        Outcome::None
    } else {
        assigned(context, rest)
    };
    if found == Outcome::None && !context.has_needed(at.end + FIRST_BYTES) {
        return found;
    }
    // What is of no interest is not waited for.
    if is_harmless(context, rest) {
        context.needed_only(rest + 1);
        return Outcome::None;
    }
    found
}

/// The secret that is assigned to a name which ends at `rest`, or joined to it.
fn assigned(context: &Context<'_>, rest: usize) -> Outcome {
    match value(context, rest) {
        Ok(value)
            if value.may_be_random()
                && (value.is_plain || is_noise(context.bytes(value.range.clone())))
                && !is_dull(context, &value.range)
                && (value.is_quoted || !is_member(context.bytes(value.range.clone())))
                && is_value(context, value.range.clone(), rest)
                || !value.is_plain && is_unpaired(context.bytes(value.range.clone())) =>
        {
            Outcome::Match(value.range)
        }
        Ok(_) | Err(Outcome::None) => joined(context, rest),
        Err(outcome) => outcome,
    }
}

/// What is called a key, a secret or a password up to here.
fn name<'a>(context: &Context<'a>, end: usize) -> &'a [u8] {
    let begin = context.run_back_of(context.at.start, NAME_REST_MAX, &NAME);
    context.bytes(begin..end)
}

fn is_harmless(context: &Context<'_>, end: usize) -> bool {
    HARMLESS.stand_in(name(context, end))
}

/// Whether a value that is assigned to a name which ends at `end` is a secret.
fn is_value(context: &Context<'_>, value: Range<usize>, end: usize) -> bool {
    // Triggers within one long value judge what is left of it, each anew.
    context.judges(LOOKS * value.len().min(RANDOM_BYTES_MAX));
    let bytes = context.bytes(value);
    if is_secret(bytes) {
        return true;
    }
    if bytes.len() < 15 || !bytes.iter().all(u8::is_ascii_digit) || centibits(bytes) < 250 {
        return false;
    }
    let word = context.bytes(context.at.start..end);
    bytes.len() >= 24
        || contains(word, b"token")
        || contains(word, b"secret")
        || contains(name(context, end), b"api")
}

/// `NAME-SECRET-1a2b…`: the value is joined to the name.
fn joined(context: &Context<'_>, end: usize) -> Outcome {
    let end = match context.end_of(end, VALUE_BYTES_MAX, &NAME) {
        Ok(end) => end,
        Err(outcome) => return outcome,
    };
    let rest = context.bytes(context.at.end..end);
    let Some(gap) = rest
        .iter()
        .position(|byte| matches!(byte, b'-' | b'.' | b'_'))
    else {
        return Outcome::None;
    };
    let start = context.at.end + gap + 1;
    let value = context.bytes(start..end);
    context.judges(LOOKS * value.len().min(RANDOM_BYTES_MAX));
    if value.len() >= JOINED_BYTES_MIN
        && !is_file(value)
        && !is_dull(context, &(start..end))
        && !is_member(value)
        && is_secret(value)
    {
        Outcome::Match(start..end)
    } else {
        Outcome::None
    }
}

/// `…-3a5327d36d.zip`
fn is_file(value: &[u8]) -> bool {
    const ENDING_BYTES_MAX: usize = 4;
    let ending = value.rsplit(|byte| *byte == b'.').next();
    ending.is_some_and(|ending| {
        ending.len() <= ENDING_BYTES_MAX && ending.iter().all(u8::is_ascii_alphabetic)
    })
}

/// Whether a long value is no secret as runs show that are remembered: it has no digit, and something that is no letter.
fn is_dull(context: &Context<'_>, value: &Range<usize>) -> bool {
    let reaches = |class| context.run_of(value.start, value.len(), class) >= value.end;
    value.len() > LONG_BYTES && reaches(&NO_DIGITS) && !reaches(&LETTERS)
}

/// What no person would have thought of.
fn is_secret(value: &[u8]) -> bool {
    // A path, unless it is filled up as base64 is.
    let is_path = value.starts_with(b"/") && !value.ends_with(b"=");
    // A variable; a day, a release.
    let is_other = matches!(
        value,
        [b'$' | b'%', ..]
            | [_, _, _, _, b'-', _, _, b'-', ..]
            | [b'v', b'0'..=b'9', b'.', b'0'..=b'9', b'.', ..]
    );
    if value.len() < SECRET_BYTES_MIN || is_path || is_other || is_integer(value) {
        return false;
    }
    // Its beginning tells, and many names can stand before one long value.
    let value = value.get(..RANDOM_BYTES_MAX).unwrap_or(value);
    let count = |class: fn(&u8) -> bool| value.iter().filter(|byte| class(byte)).count();
    let (letters, digits) = (count(u8::is_ascii_alphabetic), count(u8::is_ascii_digit));
    let is_random = if digits == 0 {
        is_scrambled(value)
    } else {
        let needed = match value.len() {
            0..16 => 270,
            _ => 285,
        };
        let is_noisy = || value.len() >= 20 && count(|byte| NOISE.has(*byte)) >= 3;
        letters > 0
            && (is_mixed(value) && centibits(value) >= needed
                || is_noisy() && centibits(value) >= 380)
    };
    is_random
        && !is_placeholder(value)
        && !CODE.iter().any(|sign| contains(value, sign))
        && !PUBLIC.iter().any(|begin| value.starts_with(begin))
}

/// `-2147483648i32`, `1048576UL`: a number with its type behind it.
fn is_integer(value: &[u8]) -> bool {
    const TYPES: [&[u8]; 12] = [
        b"i32", b"u32", b"i64", b"u64", b"i128", b"u128", b"isize", b"usize", b"l", b"ul", b"ll",
        b"ull",
    ];
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let behind = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit() && *byte != b'_');
    let behind = behind.and_then(|at| digits.get(at..));
    behind.is_some_and(|behind| TYPES.iter().any(|known| behind.eq_ignore_ascii_case(known)))
}

/// Whether what stands in quotes is noise rather than code, a pattern or a template: of all kinds of signs, and hardly any twice.
fn is_noise(value: &[u8]) -> bool {
    const CENTIBITS_MIN: u32 = 480;
    value.len() >= NOISE_BYTES_MIN
        && kinds(value) == 4
        && !contains(value, b"{{")
        && !contains(value, b"${")
        && centibits(value) >= CENTIBITS_MIN
}

/// Whether what stands in quotes has brackets that close what was not opened last, as no code, format or template has them; patterns have, but not
/// without their other signs.
fn is_unpaired(value: &[u8]) -> bool {
    const CENTIBITS_MIN: u32 = 420;
    let mut opened = Vec::new();
    let closes = |byte: u8| {
        let open = match byte {
            b')' => Some(b'('),
            b']' | b'}' => Some(byte - 2),
            b'(' | b'[' | b'{' => {
                opened.push(byte);
                None
            }
            _ => None,
        };
        open.is_some() && opened.pop() != open
    };
    value.len() >= NOISE_BYTES_MIN
        && !value.iter().any(|byte| PATTERN.has(*byte))
        && value.iter().copied().any(closes)
        && centibits(value) >= CENTIBITS_MIN
}

/// Whether letters and digits are mixed within a part, as in no name (`claude-3-5-sonnet-20241022`), version or date.
fn is_mixed(value: &[u8]) -> bool {
    let changes = |part: &[u8]| {
        part.windows(2)
            .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
            .count()
    };
    let parts = || value.split(|byte| !byte.is_ascii_alphanumeric());
    let is_part = parts().any(|part| {
        changes(part) >= 2 && part.len() >= 8 || changes(part) >= 1 && part.len() >= 10
    });
    // Many short parts, such as a UUID's; of a name's most have no digits.
    let mixed = || parts().filter(|part| changes(part) > 0).count();
    let plain = || {
        parts()
            .filter(|part| !part.iter().any(u8::is_ascii_digit))
            .count()
    };
    !is_name(value)
        && (is_part
            || value.len() >= 16
                && (1..=6).contains(&parts().count())
                && mixed() >= 2
                && (mixed() >= 3 || parts().any(|part| changes(part) >= 2))
                && plain() * 2 < parts().count())
}

/// Whether a value is made of words that begin with capitals, with a number among them: `ReplicationInstanceIpv6Addresses`. Of short ones, and those
/// with signs between them, it must also be possible to say them.
fn is_name(value: &[u8]) -> bool {
    let capitals = value
        .iter()
        .filter(|byte| byte.is_ascii_uppercase())
        .count();
    let is_long = value.len() >= 16 && value.iter().all(u8::is_ascii_alphanumeric);
    (is_long || value.iter().all(|byte| NAME.has(*byte)) && is_spoken(value, NAME_CONSONANTS_MAX))
        && (1..=3).contains(&longest(value, u8::is_ascii_uppercase))
        && (4..=15).contains(&longest(value, u8::is_ascii_lowercase))
        && longest(value, u8::is_ascii_digit) <= 4
        // Random ones have as many capitals as small letters.
        && capitals * 4 <= value.len()
        && value.iter().filter(|byte| byte.is_ascii_digit()).count() <= 4
}

/// Length of the longest run of such bytes. Called for each kind, so it is not inlined.
#[inline(never)]
fn longest(value: &[u8], class: fn(&u8) -> bool) -> usize {
    let (mut longest, mut run) = (0, 0);
    for byte in value {
        run = if class(byte) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Letters alone: of one case and longer than words are, or of both in no order that words have. Behind a short prefix (`b_`), too.
fn is_scrambled(value: &[u8]) -> bool {
    const PREFIX_BYTES_MAX: usize = 4;
    let value = match value.iter().position(|byte| *byte == b'_') {
        Some(prefix) if prefix <= PREFIX_BYTES_MAX => value.get(prefix + 1..).unwrap_or_default(),
        Some(_) | None => value,
    };
    if !value.iter().all(u8::is_ascii_alphabetic) || value.len() < 20 || centibits(value) < 250 {
        return false;
    }
    let rises = value
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
        .count();
    let is_one_case =
        value.iter().all(u8::is_ascii_lowercase) || value.iter().all(u8::is_ascii_uppercase);
    let capitals = value.iter().filter(|byte| byte.is_ascii_uppercase());
    // Of words that begin with capitals hardly more than every fourth letter is one.
    rises * 6 >= value.len() && capitals.count() * 7 >= value.len() * 2
        || is_one_case && value.len() >= 24
        || !is_one_case && value.len() >= 32 && !is_spoken(value, CONSONANTS_MAX)
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;
    use super::{Context, Outcome, is_short, judge};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        /// What is too short to be looked at is nothing to who looks, however much of the text is known.
        #[test]
        fn what_is_too_short_is_nothing(
            between in r#""?[=:] ?"?|[ "=:>']{0,4}"#,
            value in "[A-Za-z0-9_]{0,9}",
            behind in r#"[,;)\]}\n"&=']{0,2}|&[a-z]{1,3}="#,
            rest in "[0-9A-Za-z]{0,30}[\"',= ]{0,2}[0-9A-Za-z!]{0,20}",
        ) {
            let text = format!("token{between}{value}{behind}{rest}");
            for (known, end) in (5..=text.len()).map(|known| (known, known == text.len())) {
                let context = Context {
                    text: &text.as_bytes()[..known],
                    at: 0..5,
                    end,
                    dense: false,
                    memo: None,
                };
                if is_short(&context, 5) {
                    for (whole, end) in [(known, end), (known, true), (text.len(), true)] {
                        let context = Context { text: &text.as_bytes()[..whole], end, ..context.clone() };
                        let judged = judge(&context, 5);
                        prop_assert!(!matches!(judged, Outcome::Match(_)), "{text:?} to {whole}: {judged:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn finds_assigned_values() {
        check(
            "generic_secret",
            "adafruit_token: «pwtvp97tf7alq8jh-v_44rp7s2qoh», \"apiKey\" => \"«89f6k5rpbdl88i3j»\", x.secret='«1a2b3c4d5e6f7g8h»'",
        );
        check(
            "generic_secret",
            "--super-secret_token «1ace4d19-fa7e-b4e2-c3f0-9129474bcd81» set(\"FLY_TOKEN\", \"«tgivjrytzf9pv3983uj63y88y9»\")",
        );
        check(
            "generic_secret",
            "<token>\n  «vujhn7v1d3ndu6sx36r6anv78s25bwri9bmqdqri»\n</token>",
        );
    }

    #[test]
    fn finds_what_no_person_would_have_thought_of() {
        check(
            "generic_secret",
            "ado_pat = \"«iyfmob6xjrfmit67anxbot64umfx2clwx7dz5ynxi4q2z3uqegvq»\", BEAMER_key = '«b_ByDfulghxvvmHbArJSFfQhxemJPQHOwplxuydlKEEbfe»'",
        );
        check(
            "generic_secret",
            r#"jwtsecret: "«7`D'}/vYR)T;W\5]EBrf;_&k>qX??]G&3CF=;@vyrVBp[$_hK4^?{qT/EglJe[FYjp:IPgl_t$%r»""#,
        );
        check(
            "generic_secret",
            r#"file_path: "a1b2c3d4e5f6a7b8c9", key: "^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$", token: "{{ vault('kv/data/ci').token | b64encode }}""#,
        );
    }

    #[test]
    fn leaves_numbers_with_their_types() {
        check(
            "generic_secret",
            "const ACCESS_MASK: TYPE = 268435456u32; AUTH_ALL = -2147483648i32, SECRET_SIZE = 1_048_576UL, key: usize = 1048576000usize",
        );
        check(
            "generic_secret",
            "token = «1048576i32x», secret = «i321048576000»",
        );
    }

    #[test]
    fn finds_values_beside_their_names() {
        check(
            "generic_secret",
            "- name: ACME_TOKEN\n  value: «q8Zt2LkVb5Nc8wBI»\n- {\"name\": \"ACME_SECRET\", \"value\": \"«q8Zt2LkVb5Nc8wBI»\"}",
        );
        check(
            "generic_secret",
            "var secret = @\"«q8Zt2LkVb5Nc8wBI»\"; TOKEN = b'«q8Zt2LkVb5Nc8wBI»' let token = String::from(\"«q8Zt2LkVb5Nc8wBI»\");",
        );
        check(
            "generic_secret",
            "https://a.io/x?api_key=«wfrmVSjkhDbGfucYuoDZRXODehbZGXpw»&page=2 token: «/9tFPDsYBQEyivEHW6dIVjf6nRL9PbReI4QrbOx6Uw8=»",
        );
        check(
            "generic_secret",
            "key = config.get(\"acme/keys/prod1\") the token,\nvalue: 12 token = format(\"a1b2c3d4e5f6a7b8\", x)",
        );
    }

    #[test]
    fn finds_values_of_documents_and_languages() {
        check(
            "generic_secret",
            "The API key:\n```\n«q8Zt2LkVb5Nc8wBI»\n```\n**Client secret:** «q8Zt2LkVb5Nc8wBI»\n| token | «q8Zt2LkVb5Nc8wBIxx11» |\ntoken: >-\n  «q8Zt2LkVb5Nc8wBI»",
        );
        check(
            "generic_secret",
            "builder.apiKey(\"«q8Zt2LkVb5Nc8wBI»\"), string token{\"«q8Zt2LkVb5Nc8wBI»\"}; char token[] = \"«q8Zt2LkVb5Nc8wBI»\"; token <- \"«q8Zt2LkVb5Nc8wBI»\"",
        );
        check(
            "generic_secret",
            "const TOKEN: &str = \"«q8Zt2LkVb5Nc8wBI»\"; public string Token { get; set; } = \"«q8Zt2LkVb5Nc8wBI»\"; Dim token As String = \"«q8Zt2LkVb5Nc8wBI»\"",
        );
        check(
            "generic_secret",
            "variable \"token\" {\n  default = \"«q8Zt2LkVb5Nc8wBI»\"\n}\n<key>token</key>\n<string>«q8Zt2LkVb5Nc8wBI»</string>\n<token><![CDATA[«q8Zt2LkVb5Nc8wBI»]]></token> set TOKEN --body \"«q8Zt2LkVb5Nc8wBI»\"",
        );
        check(
            "generic_secret",
            "token = \"«m{{q}o)z${x]nat(oby[tunes>-_$#thatone}}»\", token = \"^[(a-z0-9){1,4}]+-(abc[def)ghi]jkl}mnop)+$\"",
        );
    }

    #[test]
    fn leaves_words_files_and_what_is_public() {
        check(
            "generic_secret",
            "client_auth: VerifyClientCertIfGiven, compass-7.1.2-3a5327d36d-b0fd20bb9f.zip, keytype: \"ecdsa-sha2-nistp256\", raise KeyError(\"sdkinstallrootv2.0\"), auth X509VerifyParamRef::auth_level2",
        );
        check(
            "generic_secret",
            "if key < 0x1f2e3d4c5b6a7988 token[0] keyid: SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA, key: \"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1Olb3zMAFFxXKHiI\"",
        );
    }

    #[test]
    fn leaves_code_names_and_placeholders() {
        check(
            "generic_secret",
            "api_key=\"YOUR_API_KEY_HERE\" password = os.environ[\"DB_PASSWORD\"] token: ${{ secrets.GITHUB_TOKEN }}",
        );
        check(
            "generic_secret",
            "tokens: &mut TokenStream2, key: 1979-05-27T07:32:00Z, keys %$module2version, key: Contact_BusinessAddress1Country, oauth2 v0.0.0-20190226205417-e64efc72b421",
        );
        check(
            "generic_secret",
            "token = get_token(user1) key: claude-3-5-sonnet-20241022 max_tokens=4096 public_key=1a2b3c4d5e6f7g8h the key points: 1. x",
        );
        check(
            "generic_secret",
            "Password: must be at least 8 characters, token: 2024-05-01T10:00:00Z, key=/etc/ssl/key1.pem, key: https://a.b/c1d2e3",
        );
    }
}
