//! Reads an item of `auth.keys`.

use super::{LITERAL, digest_in, id, models, team};
use crate::digest::Digest;
use crate::holder::Holder;
use crate::identities::TeamModels;
use crate::keys::Key;
use portcullis_policy::config::Section;
use portcullis_policy::{AllowedModels, Identity, Timestamp};
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

/// A key and its digest; what is wrong is noted.
#[inline(never)]
pub(super) fn read<'a>(
    section: &Section<'a>,
    teams: &TeamModels,
    max_age: Option<Duration>,
    ids: &mut HashSet<&'a str>,
) -> Option<(Digest, Key)> {
    let literal = section.refuse_literal(LITERAL);
    if !literal {
        section.only(&[
            "id",
            "sha256",
            "user",
            "team",
            "models",
            "limits",
            "not_before",
            "expires_at",
            "revoked",
        ]);
    }
    let revoked = section
        .field("revoked")
        .and_then(|field| field.boolean())
        .unwrap_or(false);
    let (not_before, ends_at) = term(section, max_age.filter(|_| !revoked));
    let own_models = models(section);
    let team = section.field("team").and_then(|field| team(&field, teams));
    let id = id(section, ids);
    let user = section.required("user").and_then(|field| field.string());
    let digest = if literal {
        None
    } else {
        section.required("sha256")
    };
    let digest = digest.and_then(|field| digest_in(&field.secret()))?;
    let (team, team_models) = team.unzip();
    let identity = Identity {
        user: user?.to_owned(),
        team: team.map(str::to_owned),
        key_id: id?.to_owned(),
    };
    let models = AllowedModels::new(team_models.flatten().into_iter().chain(own_models));
    let key = Key {
        holder: Rc::new(Holder {
            identity: Rc::new(identity),
            models,
        }),
        not_before,
        ends_at,
        revoked,
    };
    Some((digest, key))
}

/// From when and until when a key is valid.
fn term(
    section: &Section<'_>,
    max_age: Option<Duration>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let not_before = section
        .field("not_before")
        .and_then(|field| field.timestamp());
    let end = section.field("expires_at");
    let expires_at = end.as_ref().and_then(Section::timestamp);
    if let (Some(start), Some(last), Some(end)) = (not_before, expires_at, &end)
        && last <= start
    {
        end.mistake("is not after not_before");
    }
    if max_age.is_some() && section.field("not_before").is_none() {
        section.mistake("needs `not_before`, from which `auth.max_age` counts");
    }
    let oldest = max_age.zip(not_before).map(|(age, start)| start.after(age));
    (not_before, expires_at.into_iter().chain(oldest).min())
}
