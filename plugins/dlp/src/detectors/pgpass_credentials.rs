//! Passwords of PostgreSQL's password file: `host:5432:database:user:password`, one a line
//! (<https://www.postgresql.org/docs/current/libpq-pgpass.html>).

use super::class::Class;
use super::stand_in::stands_in;
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};

pub(super) const PGPASS_CREDENTIALS: Detector = Detector {
    name: "pgpass_credentials",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::Keywords(&[":5432:", ":6432:"]),
    find: Find::Code(find),
};

/// The longest field.
const FIELD_BYTES_MAX: usize = 128;
const BYTES_MIN: usize = 4;

const FIELD: Class = Class::of("!-9;-~");

fn find(context: &Context<'_>) -> Outcome {
    let mut at = context.at.end;
    // The database and the user.
    for _ in 0..2 {
        let end = context.run_of(at, FIELD_BYTES_MAX, &FIELD);
        if end == at || context.byte(end) != Some(b':') {
            return context.lacking(end);
        }
        at = end + 1;
    }
    let end = context.run_of(at, FIELD_BYTES_MAX, &FIELD);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let password = context.bytes(at..end);
    let is_last = context
        .byte(end)
        .is_none_or(|byte| byte.is_ascii_whitespace());
    Outcome::match_if(
        is_last && password.len() >= BYTES_MIN && !stands_in(password),
        at..end,
    )
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_passwords() {
        check(
            "pgpass_credentials",
            "db.example.com:5432:appdb:appuser:«Pa55w0rd!»\n*:5432:*:postgres:«mysecret99»\n",
        );
    }

    #[test]
    fn leaves_other_lists() {
        check(
            "pgpass_credentials",
            "ports: 0.0.0.0:5432:5432, postgres:5432:a, x:5432:db:user:password postgresql://u@h:5432/db:a:b",
        );
    }
}
