//! Which models somebody may use.

use crate::config::Glob;
use std::rc::Rc;

/// The models that a caller may use: those that every list covers. Without a list, every model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedModels(Vec<Rc<[Glob]>>);

impl AllowedModels {
    /// Of the lists that there are; an empty one allows nothing.
    #[must_use]
    pub fn new(lists: impl IntoIterator<Item = Rc<[Glob]>>) -> Self {
        Self(lists.into_iter().collect())
    }

    /// Whether there is any model that may not be used.
    #[must_use]
    pub const fn restrict(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether this model may be used.
    #[must_use]
    pub fn may_use(&self, model: &str) -> bool {
        self.0
            .iter()
            .all(|list| list.iter().any(|glob| glob.matches(model)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_must_cover_a_model() {
        let list = |globs: &[&str]| {
            globs
                .iter()
                .map(|glob| Glob::new(*glob))
                .collect::<Rc<[Glob]>>()
        };
        let both =
            AllowedModels::new([list(&["claude-*", "gpt-4o"]), list(&["*-sonnet", "gpt-4o"])]);
        let used = [
            "claude-3-sonnet",
            "gpt-4o",
            "claude-3-opus",
            "gemini-sonnet",
        ];
        assert_eq!(
            used.map(|model| both.may_use(model)),
            [true, true, false, false]
        );
        assert!(both.restrict() && !AllowedModels::default().restrict());
        assert!(AllowedModels::default().may_use("any"));
        assert!(!AllowedModels::new([list(&[])]).may_use("any"));
    }
}
