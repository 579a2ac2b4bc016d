//! `envoy/retention` with the real logrotate, zstd and age: rotated, encrypted, decrypted, and the chain holds over both files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::World;
use crate::common::{checkout, eventually};

/// What this needs beside Envoy, all of it from Debian.
const TOOLS: [&str; 4] = ["logrotate", "zstd", "age", "age-keygen"];

/// Whether all tools are there. Where they must be, a missing one is a failure.
fn tools_are_there() -> bool {
    let found = |tool: &&str| {
        let mut command = Command::new("sh");
        command.args(["-c", "command -v \"$0\" || test -x /usr/sbin/\"$0\"", tool]);
        command.output().is_ok_and(|output| output.status.success())
    };
    let missing: Vec<_> = TOOLS.iter().filter(|tool| !found(tool)).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "missing: {missing:?}"
    );
    println!("SKIPPED: {missing:?} are missing (Debian: apt-get install logrotate zstd age)");
    false
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output
}

/// The shipped configuration with the test's own places.
fn configuration(logs: &Path, folder: &Path, pid: i32) -> String {
    let shipped = checkout().root().join("envoy/retention");
    let text = fs::read_to_string(shipped.join("logrotate.conf")).unwrap();
    // The test reads Envoy's own log from its standard error, which no signal makes it open again.
    text.replace("/var/log/portcullis/envoy.log", "/nonexistent/envoy.log")
        .replace("/var/log/portcullis", &logs.display().to_string())
        .replace("/usr/local/lib/portcullis", &shipped.display().to_string())
        .replace("/etc/portcullis", &folder.display().to_string())
        .replace("reopen-logs \"$1\"", &format!("reopen-logs \"$1\" {pid}"))
}

#[test]
fn rotated_and_encrypted_logs_are_decrypted_and_hold() {
    if !tools_are_there() {
        return;
    }
    let mut world = World::start();
    world.send(20);
    let audit_log = world.envoy.audit_log().to_owned();
    let records = |path: &Path| fs::read_to_string(path).unwrap_or_default().lines().count();
    eventually("records", Duration::from_secs(5), || {
        records(&audit_log) >= 20
    });

    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.txt");
    run(Command::new("age-keygen").arg("-o").arg(&key));
    let public = run(Command::new("age-keygen").arg("-y").arg(&key)).stdout;
    fs::write(folder.path().join("log.recipients"), public).unwrap();
    let file = folder.path().join("logrotate.conf");
    let logs = audit_log.parent().unwrap();
    fs::write(&file, configuration(logs, folder.path(), world.envoy.pid())).unwrap();
    let logrotate = || {
        let mut command = Command::new("logrotate");
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin"));
        command
            .arg("--force")
            .arg("--state")
            .arg(folder.path().join("state"))
            .arg(&file);
        run(&mut command);
    };
    logrotate();
    world.send(20);
    eventually("records in the new file", Duration::from_secs(5), || {
        records(&audit_log) >= 20
    });

    let sealed: Vec<_> = fs::read_dir(logs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("audit.log-"))
        .collect();
    assert_eq!(
        sealed.len(),
        1,
        "nothing of it lies in the clear: {sealed:?}"
    );
    assert!(
        sealed[0].to_string_lossy().ends_with(".zst.age"),
        "{sealed:?}"
    );
    let bytes = fs::read(&sealed[0]).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1"));

    // Nobody without the key reads it; who has it finds the chain whole, over both files.
    let other = folder.path().join("other.txt");
    run(Command::new("age-keygen").arg("-o").arg(&other));
    let decrypt = |key: &Path| {
        Command::new("age")
            .arg("-d")
            .arg("-i")
            .arg(key)
            .arg(&sealed[0])
            .output()
            .unwrap()
    };
    assert!(!decrypt(&other).status.success());
    let decrypted = decrypt(&key);
    assert!(decrypted.status.success());
    let old = folder.path().join("audit.log.zst");
    fs::write(&old, decrypted.stdout).unwrap();
    let (old, new) = (old.to_string_lossy(), audit_log.to_string_lossy());
    let output = crate::portcullis(&["audit", "verify", &new, &old]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    // One of the two alone is not the whole log.
    assert_eq!(
        crate::portcullis(&["audit", "verify", &new]).status.code(),
        Some(1)
    );
    assert!(
        crate::portcullis(&["audit", "verify", "--retained", &new])
            .status
            .success()
    );
}
