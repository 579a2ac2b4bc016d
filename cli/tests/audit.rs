//! `portcullis audit` over files that a gateway wrote.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use portcullis_conformance::case::Request;
use portcullis_conformance::engine::{Engine as _, Setup};
use portcullis_conformance::load::Suite;
use portcullis_conformance::native::Native;
use portcullis_conformance::resolve;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

const KEY: &str = "audit-key-of-the-test";

/// A folder with a log in three rotated files, the older ones compressed: 30 requests, every third of bob, one in ten of a stranger.
struct World {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
}

fn lines(pseudonym: bool) -> Vec<String> {
    let suite = Suite::load().unwrap();
    let naming = if pseudonym { "pseudonym" } else { "plain" };
    let user =
        |id: &str, user: &str, sha256: &str| json!({ "id": id, "user": user, "sha256": sha256 });
    let setup = Setup {
        policy: json!({
            "version": 1,
            "auth": { "keys": [
                user("alice-laptop", "alice@example.com", "1a4134f0d93099682b961b5525d58c22fe2fdba51b2922db71f6e8cc27068718"),
                user("bob-laptop", "bob@example.com", "e451a0bad0c5d2c80945a2db7bbd34601d31d90b4c67c08d7aa1145ac86be102"),
            ] },
            "dlp": { "rules": [{ "name": "ssn", "pattern": "\\b\\d{3}-\\d{2}-\\d{4}\\b", "action": "block" }] },
            "audit": { "hmac_key": { "env": "PORTCULLIS_AUDIT_KEY" }, "user": naming },
        }),
        hold: true,
        env: [("PORTCULLIS_AUDIT_KEY".to_owned(), KEY.to_owned())].into(),
    };
    let mut gateway = Native::new(&setup).unwrap();
    let mut lines = Vec::new();
    for number in 0..30 {
        let key = match number {
            _ if number % 10 == 9 => "stranger",
            _ if number % 3 == 0 => "bob",
            _ => "alice",
        };
        let request = Request {
            key: Some(key.to_owned()),
            prompt: (number == 7).then(|| "my number is 123-45-6789".to_owned()),
            ..Request::default()
        };
        let call = resolve::call(&request, &suite.people).unwrap();
        let reply = resolve::reply(&Default::default(), &call).unwrap();
        lines.extend(gateway.exchange(&call, &reply).unwrap().records);
        gateway.advance(Duration::from_secs(7)).unwrap();
    }
    lines
}

impl World {
    fn new() -> Self {
        Self::of(&lines(false))
    }

    fn of(lines: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let parts: Vec<String> = lines
            .chunks(lines.len().div_ceil(3))
            .map(|part| part.join("\n") + "\n")
            .collect();
        let mut gzip = flate2::write::GzEncoder::new(
            File::create(path("audit.log.2.gz")).unwrap(),
            flate2::Compression::fast(),
        );
        gzip.write_all(parts[0].as_bytes()).unwrap();
        gzip.finish().unwrap();
        fs::write(
            path("audit.log.1.zst"),
            zstd::encode_all(parts[1].as_bytes(), 0).unwrap(),
        )
        .unwrap();
        fs::write(path("audit.log"), &parts[2]).unwrap();
        // As a shell lists them: the newest first.
        let files = ["audit.log", "audit.log.1.zst", "audit.log.2.gz"]
            .map(path)
            .to_vec();
        Self { folder, files }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.arg("audit").args(arguments).args(&self.files);
        command.env("PORTCULLIS_AUDIT_KEY", KEY).output().unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).unwrap()
    }

    #[track_caller]
    fn verifies(&self) {
        let output = self.run(&["verify"]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn verify_says_what_was_done_and_where() {
    let world = World::new();
    world.verifies();
    let file = &world.files[0];
    let text = fs::read_to_string(file).unwrap();
    fs::write(
        file,
        text.replacen("\"tokens_out\":5", "\"tokens_out\":4", 1),
    )
    .unwrap();
    let output = world.run(&["verify"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("audit.log:1: record 2") && said.contains("was changed"),
        "{said}"
    );
    let report: Value = serde_json::from_str(&world.text(&["verify", "--json"])).unwrap();
    assert_eq!(
        (&report["problem_count"], &report["problems"][0]["problem"]),
        (&json!(1), &json!("changed"))
    );

    // Half a line at the end, and a line that Envoy writes where there is no record.
    fs::write(file, text.trim_end_matches(['\n', '}'])).unwrap();
    assert!(
        world
            .text(&["verify"])
            .contains("ends in the middle of a line")
    );
    fs::write(file, text + "-\n").unwrap();
    assert!(world.text(&["verify"]).contains("this line is no record"));
    fs::remove_file(file).unwrap();
    assert_eq!(world.run(&["verify"]).status.code(), Some(2));
}

#[test]
fn another_key_is_named_as_what_it_is() {
    let world = World::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command
        .args(["audit", "verify", "--key-env", "OTHER"])
        .args(&world.files);
    let output = command
        .env("OTHER", "another key of many characters")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("is the key in OTHER the one that the gateway had?"),
        "{said}"
    );
}

#[test]
fn heads_kept_elsewhere_show_what_was_cut_off() {
    let world = World::new();
    let kept = world.folder.path().join("heads");
    fs::write(&kept, world.text(&["heads"])).unwrap();
    let kept = kept.to_string_lossy();
    assert!(world.run(&["verify", "--heads", &kept]).status.success());
    let text = fs::read_to_string(&world.files[0]).unwrap();
    let shorter: Vec<&str> = text.lines().take(text.lines().count() - 1).collect();
    fs::write(&world.files[0], shorter.join("\n") + "\n").unwrap();
    world.verifies();
    let output = world.run(&["verify", "--heads", &kept]);
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("its end was cut off")
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn query_finds_by_every_column_and_counts() {
    let world = World::new();
    let count = |arguments: &[&str]| {
        world
            .text(&[&["query", "--json"], arguments].concat())
            .lines()
            .count()
    };
    assert_eq!(count(&["--event", "api_request"]), 27);
    assert_eq!(count(&["--event", "auth_failure"]), 3);
    assert_eq!(count(&["--user", "bob@example.com"]), 9);
    assert_eq!(count(&["--user", "alice@example.com"]), 18);
    assert_eq!(count(&["--user", "bob"]), 0);
    assert_eq!(count(&["--key", "bob-laptop"]), 9);
    assert_eq!(count(&["--reason", "dlp_blocked"]), 1);
    assert_eq!(
        count(&[
            "--rule",
            "ssn",
            "--decision",
            "refuse",
            "--user",
            "alice@example.com"
        ]),
        1
    );
    assert_eq!(
        count(&["--source", "10.1.2.3", "--model", "gpt-4o-mini"]),
        26
    );
    assert_eq!(count(&["--source", "10.1.2.4"]), 0);
    assert_eq!(
        count(&[
            "--since",
            "2026-01-01T00:01:00Z",
            "--until",
            "2026-01-01T00:02:00Z",
            "--event",
            "api_request"
        ]),
        8
    );
    assert_eq!(count(&["--limit", "4"]), 4);

    let totals: Value =
        serde_json::from_str(&world.text(&["query", "--totals", "--json"])).unwrap();
    assert_eq!(
        (&totals["requests"], &totals["refused"]),
        (&json!(30), &json!(4))
    );
    assert_eq!(
        (&totals["tokens_in"], &totals["tokens_out"]),
        (&json!(260), &json!(130))
    );
    let by: Value =
        serde_json::from_str(&world.text(&["query", "--totals", "--json", "--by", "user"]))
            .unwrap();
    assert_eq!(by["bob@example.com"]["requests"], 9);
    let csv = world.text(&["query", "--csv", "--user", "bob@example.com"]);
    assert!(
        csv.starts_with("timestamp,event_type,user,") && csv.lines().count() == 10,
        "{csv}"
    );
    let table = world.text(&["query", "--reason", "invalid_api_key"]);
    assert!(
        table.lines().count() == 4 && table.contains("auth_failure"),
        "{table}"
    );
}

#[test]
fn a_person_is_exported_and_erased_and_the_chain_holds() {
    let world = World::new();
    let export = world.text(&["export", "--user", "bob@example.com"]);
    assert_eq!(export.lines().count(), 9);
    assert!(!export.contains("alice"));
    let before: Vec<_> = world
        .files
        .iter()
        .map(|file| fs::read(file).unwrap())
        .collect();
    assert!(
        world
            .text(&["erase", "--dry-run", "--user", "bob@example.com"])
            .contains("9 records would be erased")
    );
    let after: Vec<_> = world
        .files
        .iter()
        .map(|file| fs::read(file).unwrap())
        .collect();
    assert_eq!(before, after);

    let output = world.run(&["erase", "--user", "bob@example.com"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    world.verifies();
    let all = world.text(&["query", "--json"]);
    assert!(!all.contains("bob") && all.contains("alice@example.com"));
    assert_eq!(all.matches(r#""event_type":"erasure""#).count(), 3);
    assert!(
        fs::read(&world.files[1])
            .unwrap()
            .starts_with(&[0x28, 0xb5, 0x2f, 0xfd]),
        "compressed as it was"
    );
    // Nothing is left to erase, and what was done cannot be hidden.
    assert_eq!(
        world
            .run(&["erase", "--user", "bob@example.com"])
            .status
            .code(),
        Some(1)
    );
    let text = fs::read_to_string(&world.files[0]).unwrap();
    let without: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("erasure"))
        .collect();
    fs::write(&world.files[0], without.join("\n") + "\n").unwrap();
    assert!(
        world
            .text(&["verify"])
            .contains("records of erasures account for")
    );
}

#[test]
fn a_pseudonym_is_found_by_who_has_the_key() {
    let world = World::of(&lines(true));
    world.verifies();
    assert!(!world.text(&["query", "--json"]).contains("alice"));
    assert_eq!(
        world
            .text(&["export", "--user", "alice@example.com"])
            .lines()
            .count(),
        18
    );
    assert!(
        world
            .run(&["erase", "--user", "alice@example.com"])
            .status
            .success()
    );
    assert_eq!(
        world
            .run(&["export", "--user", "alice@example.com"])
            .status
            .code(),
        Some(1)
    );
    world.verifies();
}

#[test]
fn a_file_that_somebody_writes_to_is_not_rewritten() {
    let world = World::new();
    let writer = File::options().append(true).open(&world.files[0]).unwrap();
    let output = world.run(&["erase", "--user", "bob@example.com"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("is writing to it: rotate it first"), "{said}");
    assert!(Path::new(&world.files[1]).exists());
    drop(writer);
    assert_eq!(
        world
            .text(&["export", "--user", "bob@example.com"])
            .lines()
            .count(),
        9,
        "no file was touched"
    );
}

#[test]
fn standard_input_is_read_too() {
    let world = World::of(&lines(false));
    let all = world.text(&["query", "--json"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command
        .args(["audit", "verify", "-"])
        .env("PORTCULLIS_AUDIT_KEY", KEY);
    let file = world.folder.path().join("all");
    fs::write(&file, all).unwrap();
    assert!(
        command
            .stdin(File::open(file).unwrap())
            .status()
            .unwrap()
            .success()
    );
}
