//! `portcullis keys`: new keys, their digests, their rotation and their end, in the policy file itself.

mod change;
mod hash;
mod new;
mod revoke;
mod rotate;
mod secret;
mod term;

use crate::Outcome;
use clap::{Args, Subcommand};

/// Make keys, rotate and revoke them, in the policy file.
///
/// FILE is a policy document or an Envoy configuration with one inline policy that has keys. It is changed in place, at once or not at all:
/// comments, order and style stay, mode and owner, too. The policy holds digests only; a secret is printed once, alone on standard output.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

/// One line for each.
#[derive(Debug, Subcommand)]
enum KeysCommand {
    New(new::New),
    Hash(hash::Hash),
    Rotate(rotate::Rotate),
    Revoke(revoke::Revoke),
}

impl Keys {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        match &self.command {
            KeysCommand::New(command) => command.run(),
            KeysCommand::Hash(command) => command.run(),
            KeysCommand::Rotate(command) => command.run(),
            KeysCommand::Revoke(command) => command.run(),
        }?;
        Ok(Outcome::Clean)
    }
}
