//! Which names of filter state are written. Each costs a request about a microsecond, and a proxy whose access log writes the record alone reads
//! no other.

use crate::shared::names;
use portcullis_policy::config::Section;

/// A name that a policy may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Name {
    User,
    Team,
    KeyId,
    Identity,
    Model,
    TokensIn,
    TokensOut,
    TokensTotal,
    Decision,
    Reason,
}

/// As the contract spells them. The record is not among them: without it there is no audit log.
const NAMES: [(&str, Name); 10] = [
    (names::USER, Name::User),
    (names::TEAM, Name::Team),
    (names::KEY_ID, Name::KeyId),
    (names::IDENTITY, Name::Identity),
    (names::MODEL, Name::Model),
    (names::TOKENS_IN, Name::TokensIn),
    (names::TOKENS_OUT, Name::TokensOut),
    (names::TOKENS_TOTAL, Name::TokensTotal),
    (names::DECISION, Name::Decision),
    (names::REASON, Name::Reason),
];

/// Those that other modules of the same filter chain read.
const READ_BY_MODULES: [Name; 6] = [
    Name::Identity,
    Name::Model,
    Name::TokensIn,
    Name::TokensOut,
    Name::Decision,
    Name::Reason,
];

/// The names that are written, a bit for each [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told(u16);

impl Told {
    /// Every name.
    pub const ALL: Self = Self(u16::MAX);

    /// Reads `envoy.filter_state`.
    pub(crate) fn read(list: &Section<'_>) -> Self {
        let items = list.items();
        let named = items.iter().filter_map(|item| item.one_of(&NAMES));
        named.fold(Self(0), Self::with)
    }

    /// What a module writes that does not stand alone.
    pub(crate) fn among_others(self) -> Self {
        READ_BY_MODULES.into_iter().fold(self, Self::with)
    }

    const fn with(self, name: Name) -> Self {
        Self(self.0 | 1 << name as u8)
    }

    /// Whether a name is written.
    pub(crate) const fn has(self, name: Name) -> bool {
        self.0 & 1 << name as u8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_policy::config::Document;

    fn read(list: &str) -> (Told, Vec<String>) {
        let json = format!(r#"{{"envoy":{list}}}"#);
        let document = Document::parse(json.as_bytes()).unwrap();
        let told = Told::read(&document.section("envoy").unwrap());
        let mistakes = document.take_mistakes();
        (told, mistakes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_named_is_told_and_what_modules_read_where_there_are_others() {
        let (told, mistakes) = read(r#"["portcullis.user","portcullis.decision"]"#);
        assert_eq!(mistakes, [""; 0]);
        let names = |told: Told| -> Vec<&str> {
            let had = NAMES.iter().filter(|(_, name)| told.has(*name));
            had.map(|(name, _)| *name).collect()
        };
        assert_eq!(names(told), [names::USER, names::DECISION]);
        assert_eq!(names(Told::ALL).len(), NAMES.len());
        assert_eq!(read("[]").0.among_others().0.count_ones(), 6);
        assert!(told.among_others().has(Name::User));
        assert!(!told.among_others().has(Name::TokensTotal));
    }

    #[test]
    fn what_is_no_name_is_a_mistake() {
        for list in [
            r#"["user"]"#,
            r#"["portcullis.audit"]"#,
            "[1]",
            r#""portcullis.user""#,
        ] {
            assert_eq!(read(list).1.len(), 1, "{list}");
        }
    }
}
