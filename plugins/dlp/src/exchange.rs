//! The policy: what is found in a message becomes findings, edits and verdicts.

use crate::config::Config;
use crate::report::Stop;
use crate::scanner::{Refused, Scanner};
use portcullis_policy::{
    Action, Edit, Effects, Event, Exchange, Facts, Interest, Metric, Policy, Reason, Refusal, Side,
    Text, Timestamp, Verdict,
};
use std::rc::Rc;

/// Data loss prevention: what may not leave with a request, or come in with a response.
#[derive(Debug, Clone)]
pub struct Dlp {
    config: Rc<Config>,
}

impl Dlp {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config: Rc::new(config),
        }
    }
}

impl Policy for Dlp {
    fn interest(&self) -> Interest {
        let rules = self.config.rules.all();
        let request = self.config.request && !rules.is_empty();
        Interest {
            request_body: request,
            request_text: request,
            request_edits: request && rules.iter().any(|rule| rule.action == Action::Redact),
            response_usage: false,
            response_text: self.config.response && !rules.is_empty(),
        }
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(DlpExchange {
            config: Rc::clone(&self.config),
            scanner: Scanner::default(),
            side: Side::Request,
            over: false,
        })
    }
}

/// Both messages of one exchange. Their texts are never open at the same time.
struct DlpExchange {
    config: Rc<Config>,
    scanner: Scanner,
    /// Which message is being read.
    side: Side,
    /// Refused, by this policy or another: nothing is read any more.
    over: bool,
}

impl Exchange for DlpExchange {
    fn handle(
        &mut self,
        _now: Timestamp,
        event: &Event<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict {
        if self.over {
            return Verdict::Continue;
        }
        match event {
            Event::RequestText(text) if self.config.request => {
                self.text(Side::Request, *text, facts, out)
            }
            Event::ResponseText(text) if self.config.response => {
                self.text(Side::Response, *text, facts, out)
            }
            Event::RequestEnd(_) => self.end(Side::Request, facts, out),
            Event::ResponseEnd(_) => self.end(Side::Response, facts, out),
            // Cut off, or refused by another: what was found until then is found.
            Event::Refused(_) | Event::End { .. } => {
                self.over = true;
                self.record(facts, out);
                self.scanner = Scanner::default();
                Verdict::Continue
            }
            Event::RequestHead(_)
            | Event::RequestText(_)
            | Event::ResponseHead(_)
            | Event::ResponseText(_) => Verdict::Continue,
        }
    }
}

impl DlpExchange {
    fn text(
        &mut self,
        side: Side,
        text: Text<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict {
        self.side = side;
        let result = self.scanner.text(&self.config.rules, text);
        let report = self.scanner.report();
        for redaction in report.redactions.drain(..) {
            let rule = redaction.rule.and_then(|rule| self.config.rules.rule(rule));
            let replacement = rule.map_or_else(String::new, |rule| rule.replacement.clone());
            out.edit(Edit {
                text: text.id,
                range: redaction.range,
                replacement,
            });
        }
        if let Some(position) = report.hold_from.take() {
            out.hold_from(position);
        }
        match result {
            Ok(()) => Verdict::Continue,
            Err(refused) => self.refuse(refused, facts, out),
        }
    }

    fn end(&mut self, side: Side, facts: &mut Facts, out: &mut Effects<'_>) -> Verdict {
        self.side = side;
        // Texts that nobody ended are over too: what was found in them counts, though their redactions come too late for anybody.
        let result = self.scanner.end(&self.config.rules);
        self.scanner.report().redactions.clear();
        match result {
            Ok(()) => {
                self.record(facts, out);
                self.scanner = Scanner::default();
                Verdict::Continue
            }
            Err(refused) => self.refuse(refused, facts, out),
        }
    }

    /// Writes down what was found in the message. Once a message, so that the order is the policy's, however its texts were cut.
    fn record(&mut self, facts: &mut Facts, out: &mut Effects<'_>) {
        for (index, count) in self.scanner.report().take_counts() {
            let Some(rule) = self.config.rules.rule(index) else {
                continue;
            };
            if rule.only.is_some_and(|side| side != self.side) {
                continue;
            }
            facts.found(&rule.name, rule.action, self.side, count);
            out.count(
                Metric::DlpFindings {
                    rule: rule.name.clone(),
                    action: rule.action,
                },
                u64::from(count),
            );
        }
    }

    fn refuse(&mut self, refused: Refused, facts: &mut Facts, out: &mut Effects<'_>) -> Verdict {
        if let Refused::Stop(Stop::Blocked(rule)) = refused {
            self.scanner.report().count(rule);
        }
        self.record(facts, out);
        self.over = true;
        self.scanner = Scanner::default();
        let name = |rule: u16| {
            self.config
                .rules
                .rule(rule)
                .map_or("", |rule| rule.name.as_str())
        };
        let (message, reason) = match self.side {
            Side::Request => ("request", Reason::DlpBlocked),
            Side::Response => ("response", Reason::ResponseBlocked),
        };
        let sentence = match refused {
            Refused::Stop(Stop::Blocked(rule)) => format!(
                "The {message} was blocked by the data loss prevention rule '{}'.",
                name(rule)
            ),
            Refused::Stop(Stop::Unfinished(rule)) => {
                format!(
                    "The {message} was blocked: checking it against the data loss prevention rule '{}' takes too long.",
                    name(rule)
                )
            }
            Refused::Stop(Stop::TooMany(rule)) => {
                format!(
                    "The {message} was blocked: it holds too many matches of the data loss prevention rule '{}' to redact them.",
                    name(rule)
                )
            }
            Refused::TooManyTexts => format!(
                "The {message} was blocked: it has more open texts at once than can be inspected."
            ),
        };
        Verdict::Refuse(Refusal::new(reason, sentence))
    }
}
