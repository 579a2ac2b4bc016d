//! Reads `auth.identities`.

use super::{id, models, team};
use crate::identities::{Identities, Name, Rule, TeamModels};
use portcullis_policy::Attribute;
use portcullis_policy::config::{Glob, Section, Value};
use std::collections::HashSet;

/// Where Envoy's `jwt_authn` filter keeps the payload, unless the policy says: its field `payload_in_metadata`.
const PAYLOAD_DEFAULT: &str = "jwt_payload";

/// The claim that names a token's user, RFC 7519 section 4.1.2.
const SUBJECT: &str = "sub";

const CERTIFICATE_FIELDS: [(&str, Attribute); 4] = [
    ("uri", Attribute::CertificateUri),
    ("dns", Attribute::CertificateDns),
    ("subject", Attribute::CertificateSubject),
    ("sha256", Attribute::CertificateSha256),
];

/// All rules; what is wrong is noted.
pub(super) fn read<'a>(
    auth: &Section<'a>,
    teams: TeamModels,
    ids: &mut HashSet<&'a str>,
) -> Identities {
    let items = auth.field("identities");
    let rules = items.iter().flat_map(Section::items);
    let rules = rules.filter_map(|item| rule(&item, &teams, ids)).collect();
    Identities { rules, teams }
}

#[inline(never)]
fn rule<'a>(section: &Section<'a>, teams: &TeamModels, ids: &mut HashSet<&'a str>) -> Option<Rule> {
    section.only(&["id", "certificate", "jwt", "user", "team", "models"]);
    let id = id(section, ids);
    let (certificate, jwt) = (section.field("certificate"), section.field("jwt"));
    if certificate.is_none() && jwt.is_none() {
        section.mistake("needs `certificate` or `jwt`: what somebody is known by");
    }
    let payload = jwt
        .as_ref()
        .and_then(|jwt| jwt.field("payload")?.string())
        .unwrap_or(PAYLOAD_DEFAULT);
    let claim = |name: &str| Attribute::Claim {
        payload: payload.to_owned(),
        claim: name.to_owned(),
    };
    let mut conditions = certificate
        .as_ref()
        .map(certificate_conditions)
        .unwrap_or_default();
    if let Some(jwt) = &jwt {
        conditions.extend(
            claims(jwt)
                .into_iter()
                .map(|(name, glob)| (claim(name), glob)),
        );
    }
    let name = |field: &Section<'_>| -> Option<Name> {
        if !matches!(field.value(), Value::Map(_)) {
            return field.string().map(|name| Name::Literal(name.to_owned()));
        }
        field.only(&["claim"]);
        let name = field.required("claim")?;
        if jwt.is_none() {
            name.mistake("there is no `jwt` whose claim this could be");
        }
        Some(Name::Of(claim(name.string()?)))
    };
    let user = section.field("user");
    let binds_user = user.is_some();
    let user = match user {
        Some(user) => name(&user),
        // What somebody is known by first: the name in the certificate, or the token's subject.
        None if certificate.is_some() => {
            conditions.first().map(|(first, _)| Name::Of(first.clone()))
        }
        None => Some(Name::Of(claim(SUBJECT))),
    };
    let own_team = section.field("team").map(|field| match name(&field)? {
        Name::Literal(_) => team(&field, teams).map(|(id, _)| Name::Literal(id.to_owned())),
        of @ Name::Of(_) => Some(of),
    });
    Some(Rule {
        id: id?.to_owned(),
        models: models(section),
        user: user?,
        binds_user,
        team: own_team.flatten(),
        conditions: Some(conditions).filter(|conditions| !conditions.is_empty())?,
    })
}

fn certificate_conditions(section: &Section<'_>) -> Vec<(Attribute, Glob)> {
    section.only(&CERTIFICATE_FIELDS.map(|(name, _)| name));
    let conditions: Vec<_> = CERTIFICATE_FIELDS
        .into_iter()
        .filter_map(|(name, attribute)| {
            let field = section.field(name)?;
            Some((attribute, Glob::new(field.string()?)))
        })
        .collect();
    if conditions.is_empty() && matches!(section.value(), Value::Map(entries) if entries.is_empty())
    {
        section.mistake("every certificate would do: name a `uri`, `dns`, `subject` or `sha256`");
    }
    conditions
}

fn claims<'a>(jwt: &Section<'a>) -> Vec<(&'a str, Glob)> {
    jwt.only(&["payload", "claims"]);
    let Some(claims) = jwt.required("claims") else {
        return Vec::new();
    };
    let claims = claims.entries();
    if claims.is_empty() {
        jwt.mistake("every token would do: name at least its `iss` among the `claims`");
    }
    claims
        .into_iter()
        .filter_map(|(name, field)| Some((name, Glob::new(field.string()?))))
        .collect()
}
