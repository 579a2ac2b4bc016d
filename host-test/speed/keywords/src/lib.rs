//! One pass of an Aho-Corasick DFA over the beginnings of keys: the ceiling of every scanner that is built on one.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::cell::RefCell;

/// What keys begin with, and words beside them: as many as a scanner of secrets looks for.
const KEYWORDS: [&str; 48] = [
    "sk-ant-", "sk-proj-", "sk-svcacct-", "sk-admin-", "T3BlbkFJ", "AKIA", "ASIA", "ABIA", "ACCA", "ABSK", "bedrock-api-key-",
    "-----BEGIN", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xapp-", "sk_live_", "rk_live_",
    "AIza", "ya29.", "npm_", "SG.", "hf_", "gsk_", "xai-", "sk-or-v1-", "r8_", "lsv2_", "pplx-", "tvly-", "eyJ", "://", "shpat_",
    "dckr_pat_", "pypi-", "dop_v1_", "sq0csp-", "key-", "password", "secret", "api_key", "token",
];

thread_local! {
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static AUTOMATON: AhoCorasick = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(true)
        .build(KEYWORDS)
        .expect("keywords");
}

/// Makes room for a text, and says where.
#[unsafe(no_mangle)]
pub extern "C" fn room(bytes: usize) -> *mut u8 {
    TEXT.with_borrow_mut(|text| {
        text.resize(bytes, 0);
        text.as_mut_ptr()
    })
}

/// Counts the keywords in the text.
#[unsafe(no_mangle)]
pub extern "C" fn count() -> usize {
    TEXT.with_borrow(|text| AUTOMATON.with(|automaton| automaton.find_iter(text).count()))
}
