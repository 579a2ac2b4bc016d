//! `portcullis keys new`: one more key.

use super::change::Change;
use super::secret::Secret;
use super::term::Term;
use anyhow::Result;
use clap::Args;
use portcullis_policy::config::Value;
use std::path::PathBuf;

/// Add a key to the policy and print its secret, once.
#[derive(Debug, Args)]
pub(super) struct New {
    /// The policy file.
    file: PathBuf,
    /// What records call the key.
    #[arg(long)]
    id: String,
    /// Whose it is.
    #[arg(long)]
    user: String,
    /// The team_id of its team.
    #[arg(long)]
    team: Option<String>,
    /// A model (glob) that it may be used for; may be given several times. Every model of the team unless given.
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    #[command(flatten)]
    term: Term,
}

impl New {
    pub(super) fn run(&self) -> Result<()> {
        let mut change = Change::begin(&self.file)?;
        let secret = Secret::random()?;
        let string = |text: &str| Value::String(text.to_owned());
        let mut fields = vec![
            ("id".to_owned(), string(&self.id)),
            ("sha256".to_owned(), string(&secret.digest())),
            ("user".to_owned(), string(&self.user)),
        ];
        if let Some(team) = &self.team {
            fields.push(("team".to_owned(), string(team)));
        }
        if !self.models.is_empty() {
            let models = self.models.iter().map(|model| string(model)).collect();
            fields.push(("models".to_owned(), Value::List(models)));
        }
        fields.extend(self.term.fields());
        change.add(&Value::Map(fields))?;
        change.commit()?;
        secret.print()
    }
}
