//! The key that records are sealed with.

use anyhow::ensure;
use clap::Args;
use portcullis_audit::KEY_BYTES_MIN;
use portcullis_audit::seal::Seal;
use portcullis_policy::Pseudonyms;

/// Where the key is, as the policy's `audit.hmac_key` says it.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// The environment variable that holds the key of the policy's `audit.hmac_key`. Where it is not set, records are taken for sealed without a key.
    #[arg(long, value_name = "NAME", default_value = "PORTCULLIS_AUDIT_KEY")]
    key_env: String,
}

impl KeyArgs {
    /// As the gateway reads it: without white space around it.
    fn key(&self) -> anyhow::Result<Option<String>> {
        let key = std::env::var(&self.key_env).unwrap_or_default();
        let key = key.trim();
        if key.is_empty() {
            return Ok(None);
        }
        ensure!(
            key.len() >= KEY_BYTES_MIN,
            "the key in {} has fewer than {KEY_BYTES_MIN} characters: the gateway would not take it",
            self.key_env
        );
        Ok(Some(key.to_owned()))
    }

    /// What seals records.
    pub fn seal(&self) -> anyhow::Result<Seal> {
        Ok(Seal::new(self.key()?.as_deref().map(str::as_bytes)))
    }

    /// How a person may stand in records: by name, and by pseudonym where there is a key.
    pub fn names_of(&self, kind: &str, name: &str) -> anyhow::Result<Vec<String>> {
        let mut names = vec![name.to_owned()];
        if let Some(pseudonyms) = self.key()?.and_then(|key| Pseudonyms::new(key.as_bytes())) {
            names.push(pseudonyms.of(kind, name));
        }
        Ok(names)
    }

    /// For messages.
    pub fn name(&self) -> &str {
        &self.key_env
    }
}
