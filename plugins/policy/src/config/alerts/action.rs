//! What is done when an alert fires.
//!
//! ```text
//! action = step { "and" step }
//! step   = "notify" receiver                  whom Alertmanager tells: a mail address, or any name that it routes by
//!        | "block" "IP" "for" duration        refuses the source, 429 `source_locked_out`
//!        | "flag" "for" "review"              the record says `flag`
//! ```

use super::parse::{Misread, Parser, Spelled};
use std::fmt;
use std::time::Duration;

/// Longest block.
pub const BLOCK_MAX: Duration = Duration::from_secs(31 * 86_400);

/// Longest name of a receiver, in bytes.
const RECEIVER_BYTES_MAX: usize = 254;

/// What is done when an alert fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertAction {
    /// This receiver is told.
    Notify(String),
    /// The source is refused for so long.
    BlockSource(Duration),
    /// The exchange is marked in its record.
    Flag,
}

impl AlertAction {
    /// Reads one or more.
    ///
    /// # Errors
    /// [`Misread`], also when a kind stands twice.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, Misread> {
        let mut parser = Parser::new(text);
        let mut actions: Vec<Self> = Vec::new();
        loop {
            let before = parser.clone();
            let action = Self::parse(&mut parser)?;
            let same =
                |other: &Self| std::mem::discriminant(other) == std::mem::discriminant(&action);
            if actions.iter().any(same) {
                return Err(before.error("another kind of action: this one stands already"));
            }
            actions.push(action);
            if parser.take_word(&[("and", ())]).is_none() {
                parser.end("`and` or the end of the action")?;
                return Ok(actions);
            }
        }
    }

    fn parse(parser: &mut Parser<'_>) -> Result<Self, Misread> {
        #[derive(Clone, Copy)]
        enum Verb {
            Notify,
            Block,
            Flag,
        }
        let verbs = [
            ("notify", Verb::Notify),
            ("block", Verb::Block),
            ("flag", Verb::Flag),
        ];
        let known = "`notify <receiver>`, `block IP for <time>` or `flag for review`";
        match parser.word(&verbs, known)? {
            Verb::Notify => Ok(Self::Notify(parser.receiver(RECEIVER_BYTES_MAX)?)),
            Verb::Block => {
                parser.word(&[("ip", ()), ("source", ())], "`IP`")?;
                parser.word(&[("for", ())], "`for` and how long")?;
                Ok(Self::BlockSource(parser.duration(BLOCK_MAX)?))
            }
            Verb::Flag => {
                parser.word(&[("for", ())], "`for review`")?;
                parser.word(&[("review", ())], "`review`")?;
                Ok(Self::Flag)
            }
        }
    }
}

impl fmt::Display for AlertAction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notify(receiver) => write!(out, "notify {receiver}"),
            Self::BlockSource(time) => write!(out, "block IP for {}", Spelled(*time)),
            Self::Flag => out.write_str("flag for review"),
        }
    }
}
