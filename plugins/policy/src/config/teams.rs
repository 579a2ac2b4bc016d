//! The section `teams`, which several policies read: who is in a team stands with the keys, what a team may do stands here.

use super::{Document, Glob, Limits, Section};

/// What a team may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// `team_id`: what keys and records name.
    pub id: String,
    /// `team_name`: for people.
    pub name: Option<String>,
    /// `models`: those that the team may use. `None`: all; empty: none.
    pub models: Option<Vec<Glob>>,
    /// `limits`: what all members together may use, in place of `limits.team`.
    pub limits: Limits,
}

impl Team {
    /// Whether the team may use a model.
    #[must_use]
    pub fn may_use(&self, model: &str) -> bool {
        self.models
            .as_ref()
            .is_none_or(|models| models.iter().any(|glob| glob.matches(model)))
    }
}

/// Reads the section; mistakes are noted in the document. Called once, by [`Document::teams`].
pub(super) fn read(document: &Document) -> Vec<Team> {
    let mut teams: Vec<Team> = Vec::new();
    for section in document.section("teams").iter().flat_map(Section::items) {
        section.only(&["team_name", "team_id", "models", "limits"]);
        let name = section
            .field("team_name")
            .and_then(|field| field.string())
            .map(str::to_owned);
        let models = section.field("models").map(|field| {
            field
                .items()
                .iter()
                .filter_map(|item| item.string().map(Glob::new))
                .collect()
        });
        let limits = section
            .field("limits")
            .map(|field| Limits::read(&field))
            .unwrap_or_default();
        let Some(field) = section.required("team_id") else {
            continue;
        };
        let Some(id) = field.string() else { continue };
        if teams.iter().any(|team| team.id == id) {
            field.mistake("another team has this id");
            continue;
        }
        teams.push(Team {
            id: id.to_owned(),
            name,
            models,
            limits,
        });
    }
    teams
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> (Vec<Team>, Vec<String>) {
        let document = Document::parse(json.as_bytes()).unwrap();
        let teams = document.teams().to_vec();
        (
            teams,
            document
                .take_mistakes()
                .iter()
                .map(ToString::to_string)
                .collect(),
        )
    }

    #[test]
    fn teams() {
        let (teams, mistakes) = parse(
            r#"{"teams": [
                {"team_name": "engineering", "team_id": "eng", "models": ["claude-3-5-sonnet", "gemini-2.0-*"], "limits": {"rpm": 1000}},
                {"team_id": "none", "models": []},
                {"team_id": "all"}]}"#,
        );
        assert_eq!(mistakes, Vec::<String>::new());
        let may: Vec<Vec<bool>> = teams
            .iter()
            .map(|team| {
                ["claude-3-5-sonnet", "gemini-2.0-flash", "gpt-4o"]
                    .map(|model| team.may_use(model))
                    .to_vec()
            })
            .collect();
        assert_eq!(
            may,
            [vec![true, true, false], vec![false; 3], vec![true; 3]]
        );
        assert_eq!(
            teams.first().and_then(|team| team.limits.rpm),
            std::num::NonZeroU64::new(1000)
        );
    }

    #[test]
    fn mistakes() {
        for (json, expected) in [
            (
                r#"{"teams": {}}"#,
                "teams: expected a list, found a mapping",
            ),
            (r#"{"teams": [{}]}"#, "teams[0].team_id: is required"),
            (
                r#"{"teams": [{"team_id": "a"}, {"team_id": "a"}]}"#,
                "teams[1].team_id: another team has this id",
            ),
            (
                r#"{"teams": [{"team_id": ""}]}"#,
                "teams[0].team_id: expected a string that is not empty, found \"\"",
            ),
            (
                r#"{"teams": [{"team_id": "a", "models": "m"}]}"#,
                "teams[0].models: expected a list, found \"m\"",
            ),
            (
                r#"{"teams": [{"team_id": "a", "models": [1]}]}"#,
                "teams[0].models[0]: expected a string that is not empty, found 1",
            ),
            (
                r#"{"teams": [{"team_id": "a", "limits": {"rpm": -1}}]}"#,
                "teams[0].limits.rpm: expected a positive integer, found -1",
            ),
            (
                r#"{"teams": [{"team_id": "a", "model": []}]}"#,
                "teams[0].model: unknown field; known here: team_name, team_id, models, limits",
            ),
        ] {
            assert_eq!(parse(json).1, [expected], "{json}");
        }
    }

    #[test]
    fn mistakes_are_noted_once_however_many_policies_ask() {
        let document = Document::parse(br#"{"teams": [{}]}"#).unwrap();
        let _ = (document.teams(), document.teams());
        assert_eq!(document.take_mistakes().len(), 1);
    }
}
