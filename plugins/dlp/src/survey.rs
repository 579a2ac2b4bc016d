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
    /// Something could not be read to its end.
    gave_up: bool,
}

impl Survey {
    /// Reads section `dlp` of a policy as [`crate::configure`] does.
    #[must_use]
    pub fn new(document: &Document, environment: &dyn Environment) -> Option<Self> {
        let mut config = config::read(document, environment)?;
        let actions = config.rules.only_flag();
        Some(Self {
            config,
            actions,
            scanner: scanner(),
            gave_up: false,
        })
    }

    /// How many digits a number of JSON must have to be a text of a request; `None`: none is one.
    #[must_use]
    pub fn numbers_from(&self) -> Option<usize> {
        self.config.rules.numbers_from().map(usize::from)
    }

    /// Takes the next piece of a text of a request; what became certain with it, in no particular order.
    pub fn text(&mut self, text: Text<'_>) -> impl Iterator<Item = Finding<'_>> {
        let reaching = self.config.rules.reaching(Side::Request, text.role);
        // Where all rules only flag, nothing is refused but too many texts or parts at once.
        let read = self
            .scanner
            .text(&self.config.rules, reaching, &text, false);
        let mut sightings = self.scanner.report().take_sightings();
        let seam = self.scanner.part(&self.config.rules, reaching, text);
        self.gave_up |= read.is_err() || seam.is_err();
        if let Ok(Some(seam)) = seam {
            // Of what is split over parts, the end is in this one.
            for sighting in self.scanner.report().take_sightings() {
                let range = seam.last(&sighting.range);
                sightings.push(Sighting { range, ..sighting });
            }
        }
        self.findings(sightings)
    }

    /// The message is over, and with it all texts that nobody ended, as a stream's: what became certain with that. Positions are of the text
    /// they stand in.
    pub fn end(&mut self) -> impl Iterator<Item = Finding<'_>> {
        self.gave_up |= self.scanner.end(&self.config.rules).is_err();
        let sightings = self.scanner.report().take_sightings();
        self.scanner = scanner();
        self.findings(sightings)
    }

    /// Whether something since this was last asked was more than the scanner reads: the gateway would refuse it.
    pub const fn gave_up(&mut self) -> bool {
        std::mem::replace(&mut self.gave_up, false)
    }

    fn findings(&self, sightings: Vec<Sighting>) -> impl Iterator<Item = Finding<'_>> {
        let (rules, actions) = (&self.config.rules, &self.actions);
        sightings.into_iter().filter_map(move |sighting| {
            let Sighting {
                rule,
                detector,
                range,
                acts,
            } = sighting;
            let action = if acts {
                *actions.get(usize::from(rule))?
            } else {
                Action::Flag
            };
            Some(Finding {
                rule: &rules.rule(rule)?.name,
                detector,
                action,
                range,
            })
        })
    }
}

/// One that keeps what it sees.
fn scanner() -> Scanner {
    let mut scanner = Scanner::default();
    scanner.report().survey();
    scanner
}
