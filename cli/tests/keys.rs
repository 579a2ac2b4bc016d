//! `portcullis keys` as a process, on real files.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Output, Run};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

const POLICY: &str = r#"# The policy of é.
version: 1
auth:
  master_key: { env: LITELLM_MASTER_KEY }   # from the vault
  keys:
    # People first.
    - id: john-laptop      # his own
      sha256: "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
      user: john.doe@company.com
      team: eng
      models: [gpt-4o, "claude-*"]
      limits: { rpm: 10 }

    - { id: jane, sha256: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b", user: jane@company.com }   # until June

  allow_sources: [10.0.0.0/8]
# Teams are the finance department's.
teams:
  - { team_id: eng }
"#;

struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("policy.yaml"), text).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("policy.yaml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    /// `keys <command> <file> <arguments>`.
    fn keys(&self, command: &str, arguments: &[&str]) -> Output {
        let path = self.path();
        let mut all = vec!["keys", command, path.to_str().unwrap()];
        all.extend(arguments);
        Run::new(&all).output()
    }

    /// The file without the lines of `other`, and the lines of `other` that it lost.
    fn difference(&self, other: &str) -> (Vec<String>, Vec<String>) {
        let text = self.text();
        let lines = |from: &str, without: &str| -> Vec<String> {
            from.lines()
                .filter(|line| !without.lines().any(|have| have == *line))
                .map(str::to_owned)
                .collect()
        };
        (lines(&text, other), lines(other, &text))
    }
}

fn digest(secret: &str) -> String {
    let output = Run::new(&["keys", "hash"]).stdin(secret).output();
    assert_eq!(output.code, 0, "{output:?}");
    output.stdout.trim().to_owned()
}

#[test]
fn a_new_key_is_added_and_its_secret_shown_once() {
    let file = File::new(POLICY);
    let output = file.keys(
        "new",
        &[
            "--id",
            "ci",
            "--user",
            "ci@company.com",
            "--team",
            "eng",
            "--model",
            "gpt-4o*",
        ],
    );
    assert_eq!(output.code, 0, "{output:?}");
    let secret = output.stdout.trim();
    assert!(
        secret.starts_with("sk-portcullis-") && secret.len() > 50,
        "{output:?}"
    );
    assert!(!output.stderr.contains(secret) && !file.text().contains(secret));
    let (added, lost) = file.difference(POLICY);
    assert_eq!(lost, Vec::<String>::new(), "nothing else changes");
    let [line] = added.as_slice() else {
        panic!("{added:#?}")
    };
    assert!(
        line.starts_with(&format!(
            "    - {{ id: ci, sha256: \"{}\", user: ci@company.com, team: eng, models: [\"gpt-4o*\"], not_before: 20",
            digest(secret)
        )),
        "{line}"
    );
    assert_eq!(
        Run::new(&["check", file.path().to_str().unwrap()])
            .output()
            .code,
        0
    );
    // Ninety days from now.
    let year = |text: &str| {
        text.split([' ', '-'])
            .nth(1)
            .unwrap()
            .parse::<i32>()
            .unwrap()
    };
    let (start, end) = (
        line.split("not_before").nth(1).unwrap(),
        line.split("expires_at").nth(1).unwrap(),
    );
    assert!((0..=1).contains(&(year(end) - year(start))), "{line}");
}

#[test]
fn rotation_gives_the_holder_a_new_key_and_the_old_one_an_end() {
    let file = File::new(POLICY);
    let output = file.keys(
        "rotate",
        &[
            "--id",
            "john-laptop",
            "--overlap",
            "48h",
            "--expires-in",
            "30d",
        ],
    );
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stderr.contains("john-laptop-2"), "{output:?}");
    let text = file.text();
    let (added, lost) = file.difference(POLICY);
    assert_eq!(
        lost,
        Vec::<String>::new(),
        "comments, order and style stay: {text}"
    );
    // The old key: one line more, behind its last field.
    assert!(added[0].starts_with("      expires_at: 20"), "{added:#?}");
    assert!(
        text.contains("      limits: { rpm: 10 }\n      expires_at: 20"),
        "{text}"
    );
    // The new one: all that is the holder's.
    assert!(
        added[1].contains("{ id: john-laptop-2, sha256: \"")
            && added[1].contains(&digest(output.stdout.trim()))
            && added[1].contains("user: john.doe@company.com, team: eng, models: [gpt-4o, \"claude-*\"], limits: { rpm: 10 }, not_before: 20"),
        "{added:#?}"
    );
    assert_eq!(added.len(), 2);
    // Once more: the next number, and the old key's end is only ever brought forward.
    let before = file.text();
    let output = file.keys("rotate", &["--id", "john-laptop", "--overlap", "10d"]);
    assert!(output.stderr.contains("john-laptop-3"), "{output:?}");
    assert_eq!(file.difference(&before).1, Vec::<String>::new());
}

#[test]
fn revoking_is_one_line() {
    for (id, expected) in [
        ("john-laptop", "      revoked: true"),
        (
            "jane",
            "    - { id: jane, sha256: \"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b\", user: jane@company.com, revoked: true }   # until June",
        ),
    ] {
        let file = File::new(POLICY);
        let output = file.keys("revoke", &["--id", id]);
        assert_eq!((output.code, output.stdout.as_str()), (0, ""), "{output:?}");
        assert_eq!(file.difference(POLICY).0, [expected]);
        // Twice is once.
        let text = file.text();
        assert_eq!(file.keys("revoke", &["--id", id]).code, 0);
        assert_eq!(file.text(), text);
    }
}

#[test]
fn what_would_be_refused_is_not_written() {
    let file = File::new(POLICY);
    for (command, arguments, said) in [
        (
            "new",
            &["--id", "jane", "--user", "x"][..],
            "auth.keys[2].id: another key has this id",
        ),
        (
            "new",
            &["--id", "x", "--user", "x", "--team", "ops"],
            "expected the team_id of a team in `teams`",
        ),
        (
            "new",
            &["--id", "master", "--user", "x"],
            "this id is kept for the master key",
        ),
        (
            "revoke",
            &["--id", "nobody"],
            "there is no key with the id \"nobody\"",
        ),
        (
            "rotate",
            &["--id", "nobody"],
            "there is no key with the id \"nobody\"",
        ),
        (
            "rotate",
            &["--id", "jane", "--overlap", "soon"],
            "expected a length of time",
        ),
    ] {
        let output = file.keys(command, arguments);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{output:?}");
        assert!(output.stderr.contains(said), "{output:?}");
        assert_eq!(file.text(), POLICY, "{command}");
    }
}

#[test]
fn a_leaked_key_is_revoked_also_in_a_policy_with_mistakes() {
    let file =
        File::new(&POLICY.replace("version: 1", "version: 1\nlimits: { user: { rpm: many } }"));
    let output = file.keys("revoke", &["--id", "jane"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(
        output.stderr.contains("mistakes that it had before"),
        "{output:?}"
    );
    assert!(file.text().contains("revoked: true }"));
}

#[test]
fn mode_and_links_stay_and_nothing_is_left_behind() {
    let file = File::new(POLICY);
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let link = file.folder.path().join("link.yaml");
    std::os::unix::fs::symlink(file.path(), &link).unwrap();
    let (inode, output) = (
        fs::metadata(file.path()).unwrap().ino(),
        Run::new(&["keys", "revoke", link.to_str().unwrap(), "--id", "jane"]).output(),
    );
    assert_eq!(output.code, 0, "{output:?}");
    let now = fs::metadata(file.path()).unwrap();
    assert_eq!(now.permissions().mode() & 0o777, 0o640);
    assert_ne!(now.ino(), inode, "a new file took the old one's place");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_dir(file.folder.path()).unwrap().count(), 2);
}

#[test]
fn several_at_once_lose_nothing() {
    let file = File::new(POLICY);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let file = &file;
            scope.spawn(move || {
                let id = format!("worker-{n}");
                assert_eq!(file.keys("new", &["--id", &id, "--user", "w"]).code, 0);
            });
        }
    });
    let text = file.text();
    assert!(
        (0..8).all(|n| text.contains(&format!("id: worker-{n},"))),
        "{text}"
    );
}

#[test]
fn policies_within_configurations() {
    let scenario = fs::read_to_string(common::root().join("envoy/local/envoy.yaml")).unwrap();
    let file = File::new(&scenario);
    assert_eq!(file.keys("revoke", &["--id", "demo"]).code, 0);
    let (added, lost) = file.difference(&scenario);
    assert_eq!((added.len(), lost.len()), (1, 0), "{added:#?} {lost:#?}");
    assert_eq!(added[0].trim(), "revoked: true");
    // A policy that is a text in its configuration would have to be written anew.
    let scenario = fs::read_to_string(common::root().join("envoy/chain/envoy.yaml")).unwrap();
    let file = File::new(&scenario);
    let output = file.keys("revoke", &["--id", "demo"]);
    assert_eq!(output.code, 2, "{output:?}");
    assert_eq!(file.text(), scenario);
}

#[test]
fn json_stays_json() {
    let file = File::new("{\"version\": 1, \"auth\": {\"keys\": []}}");
    let output = file.keys(
        "new",
        &["--id", "a", "--user", "a", "--expires-in", "never"],
    );
    assert_eq!(output.code, 0, "{output:?}");
    let value: serde_json::Value = serde_json::from_str(&file.text()).unwrap();
    assert_eq!(value["auth"]["keys"][0]["id"], "a");
    assert_eq!(value["auth"]["keys"][0].get("expires_at"), None);
    let empty = File::new("version: 1\nauth:\n  public_paths: [/healthz]   # of the balancer\n");
    assert_eq!(empty.keys("new", &["--id", "a", "--user", "a"]).code, 0);
    assert!(empty.text().starts_with("version: 1\nauth:\n  public_paths: [/healthz]   # of the balancer\n  keys:\n    - { id: a,"), "{}", empty.text());
}

#[test]
fn digests_of_secrets_that_exist() {
    let password = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
    assert_eq!(digest("password\n"), password);
    let output = Run::new(&["keys", "hash", "--env", "KEY"])
        .env("KEY", "password")
        .output();
    assert_eq!(output.stdout.trim(), password);
    assert_eq!(Run::new(&["keys", "hash"]).stdin(" \n").output().code, 2);
    assert_eq!(Run::new(&["keys", "hash"]).stdin("a b").output().code, 2);
    assert_eq!(
        Run::new(&["keys", "hash", "--env", "UNSET"]).output().code,
        2
    );
}
