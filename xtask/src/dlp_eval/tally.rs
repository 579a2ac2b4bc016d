//! What is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use portcullis_cli::Finding;
use serde::Serialize;

use super::clean::Clean;
use super::{Label, Sample, Span};

/// Which detector a family's or a span's name of other projects means. Where none is named here, any finding counts.
const DETECTORS: &[(&str, &str)] = &[
    ("CREDIT_CARD", "payment_card"),
    ("EMAIL_ADDRESS", "email"),
    ("IBAN_CODE", "iban"),
    ("IP_ADDRESS", "ip_address"),
    ("PHONE_NUMBER", "phone"),
    ("US_SSN", "ssn"),
    ("anthropic", "anthropic_key"),
    ("aws", "aws_access_key"),
    ("card", "payment_card"),
    ("credit_card", "payment_card"),
    ("email", "email"),
    ("gcp", "google_api_key"),
    ("github", "github_token"),
    ("iban", "iban"),
    ("ip", "ip_address"),
    ("jwt", "jwt"),
    ("openai", "openai_key"),
    ("pem", "private_key"),
    ("phone", "phone"),
    ("slack", "slack_token"),
    ("ssn", "ssn"),
    ("stripe", "stripe_key"),
    ("us_itin", "itin"),
    ("us_ssn", "ssn"),
];

/// The detector that a name means.
fn detector(name: &str) -> Option<&'static str> {
    DETECTORS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, detector)| *detector)
}

/// How many are there, and how many were found.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Share {
    pub total: u64,
    pub found: u64,
}

impl Share {
    const fn add(&mut self, found: bool) {
        self.total += 1;
        self.found += found as u64;
    }

    /// In per cent; `None` of nothing.
    pub fn percent(self) -> Option<f64> {
        (self.total > 0).then(|| 100.0 * self.found as f64 / self.total as f64)
    }
}

/// Texts with something to find, and texts without.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Counts {
    pub positives: Share,
    pub negatives: Share,
}

impl Counts {
    /// Of what was flagged, what should have been, in per cent.
    pub fn precision(self) -> Option<f64> {
        let flagged = self.positives.found + self.negatives.found;
        (flagged > 0).then(|| 100.0 * self.positives.found as f64 / flagged as f64)
    }

    fn add(&mut self, label: Label, found: bool) {
        match label {
            Label::Positive => self.positives.add(found),
            Label::Negative => self.negatives.add(found),
        }
    }
}

/// Spans of one type: those that were found, and, of what the detector found in these texts, what is one.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Spans {
    pub recall: Share,
    pub precision: Share,
}

/// All numbers.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    pub sources: BTreeMap<String, Counts>,
    /// By source and family.
    pub families: BTreeMap<String, BTreeMap<String, Counts>>,
    /// By source and type.
    pub spans: BTreeMap<String, BTreeMap<String, Spans>>,
    /// By disguise.
    pub evasions: BTreeMap<String, Share>,
    /// Families that a disguise hid.
    pub hidden: BTreeMap<String, Vec<String>>,
    /// Texts in which a detector found something.
    pub detectors: BTreeMap<String, Counts>,
    /// What was found in texts in which nothing was planted.
    pub clean: BTreeMap<String, Clean>,
}

impl Tally {
    pub fn add(&mut self, source: &str, sample: &Sample, findings: &[Finding]) {
        let is_by = |finding: &Finding, wanted: &str| name(finding) == wanted;
        if let Some(evasion) = &sample.evasion {
            let found = findings
                .iter()
                .any(|finding| detector(&sample.rule).is_none_or(|wanted| is_by(finding, wanted)));
            self.evasions.entry(evasion.clone()).or_default().add(found);
            if !found {
                self.hidden
                    .entry(evasion.clone())
                    .or_default()
                    .push(sample.rule.clone());
            }
        }
        let found = !findings.is_empty();
        self.sources
            .entry(source.to_owned())
            .or_default()
            .add(sample.label, found);
        let families = self.families.entry(source.to_owned()).or_default();
        families
            .entry(sample.rule.clone())
            .or_default()
            .add(sample.label, found);
        let mut names: Vec<_> = findings.iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            self.detectors
                .entry(name.to_owned())
                .or_default()
                .add(sample.label, true);
        }
        self.add_spans(source, sample, findings);
    }

    fn add_spans(&mut self, source: &str, sample: &Sample, findings: &[Finding]) {
        let Some(annotated) = &sample.spans else {
            return;
        };
        // Of a negative the span is what must not be found.
        let is_typed = |span: &Span| matches!(span, Span::Typed { .. });
        if sample.label == Label::Negative && !annotated.iter().all(is_typed) {
            return;
        }
        let byte = |character: usize| {
            sample
                .text
                .char_indices()
                .nth(character)
                .map_or(sample.text.len(), |(at, _)| at)
        };
        let meant: Vec<(Option<&str>, Range<usize>)> = annotated
            .iter()
            .map(|span| match span {
                Span::Typed { kind, start, end } => (detector(kind), byte(*start)..byte(*end)),
                Span::Of(start, end) => (detector(&sample.rule), byte(*start)..byte(*end)),
            })
            .collect();
        // A text of one family says nothing about what else stands in it.
        let only = detector(&sample.rule);
        let spans = self.spans.entry(source.to_owned()).or_default();
        let overlap = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
        let wanted: BTreeSet<_> = DETECTORS.iter().map(|(_, detector)| *detector).collect();
        for wanted in wanted
            .into_iter()
            .filter(|wanted| only.is_none_or(|only| only == *wanted))
        {
            let meant: Vec<_> = meant
                .iter()
                .filter(|(detector, _)| *detector == Some(wanted))
                .map(|(_, range)| range)
                .collect();
            let by: Vec<_> = findings
                .iter()
                .filter(|finding| name(finding) == wanted)
                .filter_map(|finding| finding.range.as_ref())
                .collect();
            if meant.is_empty() && by.is_empty() {
                continue;
            }
            let spans = spans.entry(wanted.to_owned()).or_default();
            for span in &meant {
                spans
                    .recall
                    .add(by.iter().any(|found| overlap(found, span)));
            }
            for found in &by {
                spans
                    .precision
                    .add(meant.iter().any(|span| overlap(found, span)));
            }
        }
    }
}

/// Who found it.
pub(super) fn name(finding: &Finding) -> &str {
    finding.detector.unwrap_or(&finding.rule)
}
