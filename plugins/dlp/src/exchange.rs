//! The policy: what is found in a message becomes findings, edits and verdicts.

use crate::config::{Config, Unscannable};
use crate::joint::Seam;
use crate::mask::{TooMany, Vault};
use crate::placeholder::{self, Kind};
use crate::report::Stop;
use crate::rules::Rule;
use crate::scanner::{Refused, Scanner};
use crate::scope::RuleSet;
use crate::sift;
use crate::spare::Spare;
use portcullis_policy::{
    Action, Batch, Edit, Effects, Event, Exchange, Facts, Interest, Metric, Part, Policy, Reason,
    Refusal, RequestMeaning, Side, Text, Timestamp, Verdict,
};
use std::ops::Range;
use std::rc::Rc;

/// Data loss prevention: what may not leave with a request, or come in with a response.
#[derive(Debug, Clone)]
pub struct Dlp {
    config: Rc<Config>,
    spare: Spare,
}

impl Dlp {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config: Rc::new(config),
            spare: Spare::default(),
        }
    }
}

/// The name under which records show that text looked like a placeholder.
const LOOK_ALIKE_RULE: &str = "placeholder";

impl Policy for Dlp {
    fn interest(&self) -> Interest {
        let config = &self.config;
        let any = |wanted: &dyn Fn(&Rule) -> bool| config.rules.all().iter().any(wanted);
        let request = config.request && any(&|rule| rule.scope.reaches(Side::Request));
        let response = config.response && any(&|rule| rule.scope.reaches(Side::Response));
        Interest {
            request_body: request || config.unscannable != Unscannable::Pass,
            request_text: request,
            numbers_from: config.rules.numbers_from(),
            request_edits: request
                && any(&|rule| matches!(rule.action, Action::Mask | Action::Redact)),
            request_model_first: request && any(&|rule| rule.scope.models.is_some()),
            response_usage: false,
            // What was masked must come back.
            response_text: response || (request && config.masker.is_some()),
            source: false,
            source_of_strangers: false,
            identity: any(&|rule| rule.scope.teams.is_some()),
            record: false,
            end_status: false,
        }
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(DlpExchange {
            config: Rc::clone(&self.config),
            spare: self.spare.clone(),
            scanner: None,
            side: Side::Request,
            streamed: false,
            reaching: None,
            vault: Vault::default(),
            look_alikes: 0,
            over: false,
        })
    }
}

/// Both messages of one exchange. Their texts are never open at the same time.
struct DlpExchange {
    config: Rc<Config>,
    spare: Spare,
    /// Of the message at hand, from the first text on that is not dismissed at a look: in most there is none.
    scanner: Option<Box<Scanner>>,
    /// Which message is being read.
    side: Side,
    /// The response comes as a stream: it leaves as it comes.
    streamed: bool,
    /// The rules that reach this call, and whether its model was known then: texts of a request's head come before.
    reaching: Option<(RuleSet, bool)>,
    /// What was masked in the request.
    vault: Vault,
    /// Number of texts in the request that looked like placeholders.
    look_alikes: u32,
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
                self.text(Side::Request, text, facts, out)
            }
            Event::ResponseText(text) => self.text(Side::Response, text, facts, out),
            Event::RequestEnd(meaning) => match self.end(Side::Request, facts, out) {
                Verdict::Continue => self.unscannable(meaning, facts, out),
                refused @ Verdict::Refuse(_) => refused,
            },
            Event::ResponseEnd(_) => self.end(Side::Response, facts, out),
            // Cut off, or refused by another: what was found until then is found.
            Event::Refused(_) | Event::End { .. } => {
                self.record(facts, out);
                self.stop();
                Verdict::Continue
            }
            Event::ResponseHead(head) => {
                self.streamed = head.stream;
                Verdict::Continue
            }
            Event::RequestHead(_) | Event::RequestText(_) => Verdict::Continue,
        }
    }

    fn sift(&mut self, side: Side, batch: Batch<'_>, facts: &Facts) -> u64 {
        let is_read = match side {
            Side::Request => self.config.request,
            Side::Response => self.config.response,
        };
        if self.config.masker.is_some() {
            // What looks like a placeholder is something, too.
            return u64::MAX;
        }
        if self.over || !is_read {
            return 0;
        }
        let reaching = self.reaching(facts);
        let rules = &self.config.rules;
        let reaching = |role| reaching.and(rules.reaching(side, role));
        let Some(driver) = rules.driver() else {
            return sift::unclear(rules, batch, reaching);
        };
        let scanner = at_hand(&mut self.scanner, &self.spare);
        scanner.sift(rules, driver, batch, reaching)
    }
}

impl DlpExchange {
    /// Nearly every text is one in which nothing is found: that is made short.
    fn text(
        &mut self,
        side: Side,
        text: &Text<'_>,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict {
        self.side = side;
        let mut result = Ok(true);
        let reaching = self.reaching(facts);
        let rules = &self.config.rules;
        let reaching = reaching.and(rules.reaching(side, text.role));
        if !reaching.is_empty() && (side == Side::Request || self.config.response) {
            let scanner = at_hand(&mut self.scanner, &self.spare);
            result = scanner.text(rules, reaching, text, self.streamed);
            let part = matches!(text.part, Part::First | Part::Next);
            if part || result.is_err() || scanner.report().has_news() {
                result = self.take_news(result.map(|_| ()), reaching, text, out);
            }
        }
        if self.config.masker.is_some()
            && result.is_ok()
            && let Err(refused) = self.placeholders(side, text, out)
        {
            result = Err(refused);
        }
        match result {
            Ok(clear) => {
                if clear && text.last && out.is_empty() {
                    out.dismiss();
                }
                Verdict::Continue
            }
            Err(refused) => self.refuse(refused, facts, out),
        }
    }

    /// The rules that reach this call.
    #[inline]
    fn reaching(&mut self, facts: &Facts) -> RuleSet {
        let named = facts.model.is_some();
        if let Some((known, then)) = self.reaching
            && then == named
        {
            return known;
        }
        let reaching = self.config.rules.reaching_call(|scope| {
            scope.reaches_call(facts.model.as_deref(), facts.identity.as_deref())
        });
        self.reaching = Some((reaching, named));
        reaching
    }

    /// Has what was found replaced, and looks at what lies across parts.
    #[inline(never)]
    fn take_news(
        &mut self,
        result: Result<(), Refused>,
        reaching: RuleSet,
        text: &Text<'_>,
        out: &mut Effects<'_>,
    ) -> Result<bool, Refused> {
        let part = matches!(text.part, Part::First | Part::Next);
        for (range, replacement) in self.replacements(None)? {
            if part {
                let joint = at_hand(&mut self.scanner, &self.spare).joint();
                joint.goes(text.id, range.clone());
            }
            out.edit(Edit {
                text: text.id,
                range,
                replacement,
            });
        }
        let scanner = at_hand(&mut self.scanner, &self.spare);
        if let Some(position) = scanner.report().hold_from.take() {
            out.hold_from(position);
        }
        result?;
        if part && let Some(seam) = scanner.part(&self.config.rules, reaching, *text)? {
            for (range, replacement) in self.replacements(Some(&seam))? {
                let joint = at_hand(&mut self.scanner, &self.spare).joint();
                let edits = seam.edits(&range, replacement, joint);
                edits.into_iter().flatten().for_each(|edit| out.edit(edit));
            }
        }
        Ok(false)
    }

    /// What is to stand in the place of what was found in the text at hand, or across a seam; what is masked is kept.
    fn replacements(
        &mut self,
        seam: Option<&Seam>,
    ) -> Result<Vec<(Range<usize>, String)>, Refused> {
        let scanner = at_hand(&mut self.scanner, &self.spare);
        let report = scanner.report();
        let mut values = std::mem::take(&mut report.values).into_iter();
        let redactions = std::mem::take(&mut report.redactions);
        let mut replacements = Vec::with_capacity(redactions.len());
        for mut redaction in redactions {
            let rule = redaction.rule.and_then(|rule| self.config.rules.rule(rule));
            let value = redaction.masks.then(|| values.next()).flatten();
            let replacement = match (rule, &self.config.masker, value) {
                (Some(rule), Some(masker), Some(value)) if !value.is_empty() => {
                    let label = placeholder::label(&rule.name);
                    let mut value = value.as_str();
                    if let Some(seam) = seam {
                        redaction.range = seam.masks(&redaction.range, scanner.joint());
                        value = seam.text().get(redaction.range.clone()).unwrap_or_default();
                        if value.is_empty() {
                            continue;
                        }
                    }
                    let placeholder = self.vault.put(masker, Kind::Value, &label, value)?;
                    placeholder.as_str().to_owned()
                }
                (Some(rule), _, _) => rule.replacement.clone(),
                (None, _, _) => String::new(),
            };
            replacements.push((redaction.range, replacement));
        }
        Ok(replacements)
    }

    /// Escapes what looks like a placeholder in the request, puts back what was masked in the response.
    #[inline(never)]
    fn placeholders(
        &mut self,
        side: Side,
        text: &Text<'_>,
        out: &mut Effects<'_>,
    ) -> Result<(), Refused> {
        match (side, &self.config.masker) {
            (Side::Request, Some(masker)) => {
                let count = self.vault.escape(masker, *text, |edit| out.edit(edit))?;
                self.look_alikes = self.look_alikes.saturating_add(count);
            }
            (Side::Response, Some(_)) if !self.vault.is_empty() => {
                if let Some(position) = self.vault.restore(*text, |edit| out.edit(edit))? {
                    out.hold_from(position);
                }
            }
            (Side::Request | Side::Response, _) => {}
        }
        Ok(())
    }

    fn end(&mut self, side: Side, facts: &mut Facts, out: &mut Effects<'_>) -> Verdict {
        self.side = side;
        if let Some(scanner) = &mut self.scanner {
            // Texts that nobody ended are over too: what was found in them counts, though their redactions come too late for anybody.
            let result = scanner.end(&self.config.rules);
            let report = scanner.report();
            report.redactions.clear();
            report.values.clear();
            if let Err(refused) = result {
                return self.refuse(refused, facts, out);
            }
        }
        self.record(facts, out);
        self.close();
        self.reaching = None;
        self.vault.end();
        Verdict::Continue
    }

    /// Judges what could not be scanned of the request.
    fn unscannable(
        &mut self,
        meaning: &RequestMeaning,
        facts: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict {
        let Some(name) = meaning.unscanned.first() else {
            return Verdict::Continue;
        };
        let reason = Reason::UnsupportedMediaType;
        match self.config.unscannable {
            Unscannable::Pass => Verdict::Continue,
            Unscannable::Note => {
                facts.shadowed(reason);
                let reason = reason.code();
                out.count(Metric::ShadowRefusals { reason }, 1);
                Verdict::Continue
            }
            Unscannable::Refuse => {
                self.stop();
                Verdict::Refuse(Refusal::new(
                    reason,
                    [
                        "The request holds a part that cannot be inspected (",
                        name,
                        ").",
                    ]
                    .concat(),
                ))
            }
        }
    }

    /// Writes down what was found in the message. Once a message, so that the order is the policy's, however its texts were cut.
    fn record(&mut self, facts: &mut Facts, out: &mut Effects<'_>) {
        let mut found = |rule: &str, action, count: u32| {
            if count == 0 {
                return;
            }
            facts.found(rule, action, self.side, count);
            let rule = rule.to_owned();
            out.count(Metric::DlpFindings { rule, action }, u64::from(count));
        };
        if let Some(scanner) = &mut self.scanner {
            for (index, acted, flagged) in scanner.report().take_counts() {
                let Some(rule) = self.config.rules.rule(index) else {
                    continue;
                };
                found(&rule.name, rule.action, acted);
                found(&rule.name, Action::Flag, flagged);
            }
        }
        let look_alikes = std::mem::take(&mut self.look_alikes);
        found(LOOK_ALIKE_RULE, Action::Mask, look_alikes);
    }

    /// The message is read.
    #[inline(never)]
    fn close(&mut self) {
        let scanner = self.scanner.take();
        if let Some(scan) = scanner.and_then(|scanner| scanner.into_spare()) {
            self.spare.keep(scan);
        }
    }

    /// Nothing more is read, and nothing kept.
    fn stop(&mut self) {
        self.over = true;
        self.close();
        self.vault = Vault::default();
    }

    #[cold]
    #[inline(never)]
    fn refuse(&mut self, refused: Refused, facts: &mut Facts, out: &mut Effects<'_>) -> Verdict {
        if let Refused::Stop(Stop::Blocked(rule)) = refused {
            at_hand(&mut self.scanner, &self.spare).report().count(rule);
        }
        self.record(facts, out);
        self.stop();
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
        let (why, rule, behind) = match refused {
            Refused::Stop(Stop::Blocked(rule)) => {
                (" by the data loss prevention rule '", name(rule), "'.")
            }
            Refused::Stop(Stop::Unfinished(rule)) => (
                ": checking it against the data loss prevention rule '",
                name(rule),
                "' takes too long.",
            ),
            Refused::Stop(Stop::TooMany(rule)) => (
                ": it holds too many matches of the data loss prevention rule '",
                name(rule),
                "' to redact them.",
            ),
            Refused::TooManyTexts => (
                ": it has more open texts at once than can be inspected.",
                "",
                "",
            ),
            Refused::TooManyParts => (": it has more parts than can be inspected.", "", ""),
            Refused::TooManyValues => (": it holds more values than can be masked.", "", ""),
        };
        let sentence = ["The ", message, " was blocked", why, rule, behind].concat();
        Verdict::Refuse(Refusal::new(reason, sentence))
    }
}

/// The scanner of the message at hand, made when there is none.
#[inline(never)]
fn at_hand<'a>(scanner: &'a mut Option<Box<Scanner>>, spare: &Spare) -> &'a mut Scanner {
    scanner.get_or_insert_with(|| Scanner::new(spare.take()))
}

impl From<TooMany> for Refused {
    fn from(too_many: TooMany) -> Self {
        match too_many {
            TooMany::Values => Self::TooManyValues,
            TooMany::Texts => Self::TooManyTexts,
        }
    }
}

#[cfg(test)]
mod tests;
