//! A configured module: its policies in order, and what they want to see.

use crate::{Exchange, Settings};
use portcullis_policy::sort::sort_by;
use portcullis_policy::{Attribute, Background, Interest, Mode, Policy};
use std::cell::RefCell;
use std::rc::Rc;

/// Whether a module stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// It holds every policy: nothing is read from other modules' filter state.
    Whole,
    /// Others stand beside it in the same filter chain; what they learned is read from filter state.
    Part,
}

/// The policies of a module, configured once and shared by its exchanges.
pub struct Gateway {
    pub(crate) policies: Vec<(Interest, Mode, Box<dyn Policy>)>,
    pub(crate) backgrounds: Vec<Rc<RefCell<dyn Background>>>,
    pub(crate) interest: Interest,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) settings: Settings,
    pub(crate) completeness: Completeness,
}

impl Gateway {
    /// A module of these policies; an exchange's events reach them in this order.
    #[must_use]
    pub fn new(
        policies: Vec<Box<dyn Policy>>,
        mut settings: Settings,
        completeness: Completeness,
    ) -> Rc<Self> {
        if completeness == Completeness::Part {
            settings.told = settings.told.among_others();
        }
        let policies: Vec<_> = policies
            .into_iter()
            .map(|policy| (policy.interest(), policy.mode(), policy))
            .collect();
        let interest = policies
            .iter()
            .fold(Interest::default(), |all, (interest, _, _)| {
                all.union(*interest)
            });
        let backgrounds = policies
            .iter()
            .filter_map(|(_, _, policy)| policy.background())
            .collect();
        let mut attributes: Vec<Attribute> = policies
            .iter()
            .flat_map(|(_, _, policy)| policy.attributes())
            .collect();
        sort_by(&mut attributes, Ord::cmp);
        attributes.dedup();
        Rc::new(Self {
            policies,
            backgrounds,
            interest,
            attributes,
            settings,
            completeness,
        })
    }

    /// State for one exchange.
    #[must_use]
    pub fn open(self: &Rc<Self>) -> Exchange {
        Exchange::new(Rc::clone(self))
    }

    /// Whether streams are asked for their usage that would not tell it by themselves.
    pub(crate) const fn asks_usage(&self) -> bool {
        cfg!(feature = "usage") && self.interest.response_usage && self.settings.include_usage
    }

    /// Whether the host was told to hold headers.
    #[must_use]
    pub const fn holds_headers(&self) -> bool {
        self.settings.hold_headers
    }
}
