//! What the rules would find in texts, and where: for tools that look before a request leaves. Nothing is refused or changed here.

use crate::config::{self, Config};
use crate::report::Sighting;
use crate::scanner::Scanner;
use portcullis_policy::config::{Document, Environment};
use portcullis_policy::{Action, Side, Text};
use std::ops::Range;

/// One match of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<'a> {
    /// The rule's name.
    pub rule: &'a str,
    /// The detector that found it, where the rule has some.
    pub detector: Option<&'static str>,
    /// What the gateway would do.
    pub action: Action,
    /// Which bytes of the text, from its beginning.
    pub range: Range<usize>,
}

/// The rules of a policy, asked for all they find instead of for a verdict. The scanner is that of the gateway, byte for byte.
#[derive(Debug)]
pub struct Survey {
    config: Config,
    /// What each rule would do: here all of them only flag, so that the first one that blocks does not end the search.
    actions: Vec<Action>,
    scanner: Scanner,
}

impl Survey {
    /// Reads section `dlp` of a policy as [`crate::configure`] does.
    #[must_use]
    pub fn new(document: &Document, environment: &dyn Environment) -> Option<Self> {
        let mut config = config::read(document, environment)?;
        let actions = config.rules.only_flag();
        let mut scanner = Scanner::default();
        scanner.report().survey();
        Some(Self {
            config,
            actions,
            scanner,
        })
    }

    /// Takes the next piece of a text of a request; what became certain with it, in no particular order.
    pub fn text(&mut self, text: Text<'_>) -> impl Iterator<Item = Finding<'_>> {
        let reaching = self.config.rules.reaching(Side::Request, text.role);
        // Where all rules only flag, nothing can be refused but too many texts at once, which a body has not.
        let _ = self.scanner.text(&self.config.rules, reaching, text, false);
        let mut sightings = self.scanner.report().take_sightings();
        if let Ok(Some(seam)) = self.scanner.part(&self.config.rules, reaching, text) {
            // Of what is split over parts, the end is in this one.
            for sighting in self.scanner.report().take_sightings() {
                let range = seam.last(&sighting.range);
                sightings.push(Sighting { range, ..sighting });
            }
        }
        self.findings(sightings)
    }

    /// Ends all texts that nobody ended, as a stream's: what became certain with that. Positions are of the text they stand in.
    pub fn end(&mut self) -> impl Iterator<Item = Finding<'_>> {
        let _ = self.scanner.end(&self.config.rules);
        let sightings = self.scanner.report().take_sightings();
        self.findings(sightings)
    }

    fn findings(&self, sightings: Vec<Sighting>) -> impl Iterator<Item = Finding<'_>> {
        let (rules, actions) = (&self.config.rules, &self.actions);
        sightings.into_iter().filter_map(move |sighting| {
            let Sighting {
                rule,
                detector,
                range,
            } = sighting;
            Some(Finding {
                rule: &rules.rule(rule)?.name,
                detector,
                action: *actions.get(usize::from(rule))?,
                range,
            })
        })
    }
}
