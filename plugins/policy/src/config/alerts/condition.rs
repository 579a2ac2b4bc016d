//! When an alert fires.
//!
//! ```text
//! condition = measure [ "by" subject ] comparison number [ "in" duration ]
//!           | ( "prompt" | "response" ) ( "contains" | "matches" ) quoted [ "by" subject ] [ "in" duration ]
//! measure   = "rpm" | "tpm" | "requests" | "tokens" | "errors" | "auth_failures" | "dlp_findings" | "latency_ms"
//! subject   = "user" | "key" | "team" | "source" | "all"
//! comparison = ">" | ">="
//! duration  = number ( "s" | "min" | "h" | "d" | "seconds" | "minutes" | "hours" | "days" …)
//! quoted    = "'" text "'" | '"' text '"'            a quote inside is written twice
//! ```
//!
//! `by` may also stand after the number. Words are read in any case.

use super::parse::{Misread, Parser};
use crate::Side;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Longest window. Protects memory: what is counted is remembered for so long.
pub const WINDOW_MAX: Duration = Duration::from_secs(31 * 86_400);

/// Window of what is counted, unless the condition names one.
const WINDOW_DEFAULT: Duration = Duration::from_secs(60);

/// How long after the last match an alert about texts is still on, unless the condition names a window.
const TEXT_WINDOW_DEFAULT: Duration = Duration::from_secs(300);

/// Longest text that is looked for, in bytes.
const WANTED_BYTES_MAX: usize = 512;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Requests in a minute; over a longer window, on average.
    Rpm,
    /// Tokens in a minute, of prompts and completions; over a longer window, on average.
    Tpm,
    /// Requests in the window, refused ones included.
    Requests,
    /// Tokens in the window.
    Tokens,
    /// Answers with a status of 500 or more, the provider's and ours.
    Errors,
    /// Requests whose authentication failed.
    AuthFailures,
    /// Matches of DLP rules, whatever their action.
    DlpFindings,
    /// Milliseconds that an exchange took from its first byte to its last, on average over the window.
    LatencyMs,
}

impl Measure {
    /// All, with their words.
    pub const ALL: [(&'static str, Self); 8] = [
        ("rpm", Self::Rpm),
        ("tpm", Self::Tpm),
        ("requests", Self::Requests),
        ("tokens", Self::Tokens),
        ("errors", Self::Errors),
        ("auth_failures", Self::AuthFailures),
        ("dlp_findings", Self::DlpFindings),
        ("latency_ms", Self::LatencyMs),
    ];
}

/// Who is counted apart from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectKind {
    /// Each person or service.
    User,
    /// Each key.
    Key,
    /// Each team.
    Team,
    /// Each address; of IPv6, each /64.
    Source,
    /// Everybody together.
    All,
}

impl SubjectKind {
    /// All, with their words.
    pub const ALL: [(&'static str, Self); 5] = [
        ("user", Self::User),
        ("key", Self::Key),
        ("team", Self::Team),
        ("source", Self::Source),
        ("all", Self::All),
    ];

    /// The word for it in policy documents and notifications.
    #[must_use]
    pub fn name(self) -> &'static str {
        word(&Self::ALL, self)
    }
}

/// How a count is held against the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `>`.
    Above,
    /// `>=`.
    AtLeast,
}

/// A count and a number that it must not reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What is counted.
    pub measure: Measure,
    /// `by`, where it stands.
    pub by: Option<SubjectKind>,
    /// How.
    pub comparison: Comparison,
    /// The number.
    pub number: u64,
    /// `in`, where it stands.
    pub within: Option<Duration>,
}

/// How a text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Test {
    /// This text, in any case.
    Contains,
    /// This regular expression, as in a DLP rule's `pattern`.
    Matches,
}

/// A text that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSearch {
    /// `prompt` or `response`.
    pub side: Side,
    /// How.
    pub test: Test,
    /// What.
    pub wanted: String,
    /// `by`, where it stands.
    pub by: Option<SubjectKind>,
    /// `in`, where it stands.
    pub within: Option<Duration>,
}

/// When an alert fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// When a count is too high.
    Counted(Counted),
    /// When a text is found.
    Text(TextSearch),
}

impl Condition {
    /// How long what happened counts.
    #[must_use]
    pub fn window(&self) -> Duration {
        match self {
            Self::Counted(counted) => counted.within.unwrap_or(WINDOW_DEFAULT),
            Self::Text(text) => text.within.unwrap_or(TEXT_WINDOW_DEFAULT),
        }
    }

    /// The search, for DLP, which finds it.
    #[must_use]
    pub const fn text(&self) -> Option<&TextSearch> {
        match self {
            Self::Text(text) => Some(text),
            Self::Counted(_) => None,
        }
    }
}

const SIDES: [(&str, Side); 2] = [("prompt", Side::Request), ("response", Side::Response)];
const TESTS: [(&str, Test); 2] = [("contains", Test::Contains), ("matches", Test::Matches)];
const COMPARISONS: [(&str, Comparison); 2] =
    [(">=", Comparison::AtLeast), (">", Comparison::Above)];

fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words
        .iter()
        .find(|(_, have)| *have == value)
        .map_or("", |(word, _)| word)
}

impl FromStr for Condition {
    type Err = Misread;

    fn from_str(text: &str) -> Result<Self, Misread> {
        let mut parser = Parser::new(text);
        let condition = if let Some(side) = parser.take_word(&SIDES) {
            Self::Text(text_search(&mut parser, side)?)
        } else {
            Self::Counted(counted(&mut parser)?)
        };
        parser.end("the end of the condition")?;
        Ok(condition)
    }
}

fn counted(parser: &mut Parser<'_>) -> Result<Counted, Misread> {
    let known = "one of rpm, tpm, requests, tokens, errors, auth_failures, dlp_findings, latency_ms, prompt, response";
    let measure = parser.word(&Measure::ALL, known)?;
    let (mut by, mut within) = (None, None);
    limits(parser, &mut by, None)?;
    if parser.sees(&["<", "=", "!"]) {
        return Err(parser.error(
            "`>` or `>=`: what does not happen is seen by nobody here; the rules of envoy/observability tell when requests stay away",
        ));
    }
    let comparison = parser.sign(&COMPARISONS, "`>` or `>=`")?;
    let before = parser.clone();
    let number = parser.number()?;
    if number == 0 && comparison == Comparison::AtLeast {
        return Err(before.error("a number that is not always reached"));
    }
    limits(parser, &mut by, Some(&mut within))?;
    Ok(Counted {
        measure,
        by,
        comparison,
        number,
        within,
    })
}

fn text_search(parser: &mut Parser<'_>, side: Side) -> Result<TextSearch, Misread> {
    let test = parser.word(&TESTS, "`contains` or `matches`")?;
    let wanted = parser.quoted(WANTED_BYTES_MAX)?;
    let (mut by, mut within) = (None, None);
    limits(parser, &mut by, Some(&mut within))?;
    Ok(TextSearch {
        side,
        test,
        wanted,
        by,
        within,
    })
}

/// `by` and `in`, in any order, each at most once.
fn limits(
    parser: &mut Parser<'_>,
    by: &mut Option<SubjectKind>,
    mut within: Option<&mut Option<Duration>>,
) -> Result<(), Misread> {
    loop {
        if by.is_none() && parser.take_word(&[("by", ())]).is_some() {
            *by = Some(parser.word(&SubjectKind::ALL, "one of user, key, team, source, all")?);
        } else if let Some(within) = within.as_deref_mut().filter(|within| within.is_none())
            && parser.take_word(&[("in", ()), ("within", ())]).is_some()
        {
            *within = Some(parser.duration(WINDOW_MAX)?);
        } else {
            return Ok(());
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = match self {
            Self::Counted(counted) => {
                out.write_str(word(&Measure::ALL, counted.measure))?;
                if let Some(by) = counted.by {
                    write!(out, " by {}", by.name())?;
                }
                write!(
                    out,
                    " {} {}",
                    word(&COMPARISONS, counted.comparison),
                    counted.number
                )?;
                counted.within
            }
            Self::Text(text) => {
                let wanted = text.wanted.replace('\'', "''");
                write!(
                    out,
                    "{} {} '{wanted}'",
                    word(&SIDES, text.side),
                    word(&TESTS, text.test)
                )?;
                if let Some(by) = text.by {
                    write!(out, " by {}", by.name())?;
                }
                text.within
            }
        };
        within.map_or(Ok(()), |within| {
            write!(out, " in {}", super::parse::Spelled(within))
        })
    }
}
