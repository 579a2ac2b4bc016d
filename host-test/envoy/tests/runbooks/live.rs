//! A gateway as the runbooks assume it: the policy in a file of its own that Envoy follows, an audit log, the command `portcullis`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

use portcullis_envoy_test::http1::Request;
use portcullis_provider::Provider;
use serde_json::{Value, json};

use crate::common::{
    KEY, PROMPT, SECRET, SSN, Variant, WRONG_KEY, World, chat, checkout, eventually, messages,
};

/// What [`portcullis_envoy_test::Scenario`] sets for the key of the audit log.
const AUDIT_KEY: &str = "audit-key-of-the-test";

const FILTERS: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";

/// A running gateway.
pub struct Live {
    world: World,
    /// Where the steps run, with the policy's file.
    folder: tempfile::TempDir,
}

impl Live {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy");
        std::fs::create_dir(&policy).unwrap();
        let variant = Variant::held("local");
        let world = World::with(variant, |scenario| {
            scenario.edit_policy(|policy| {
                policy["alerts"] = json!([
                    { "name": "High request rate", "condition": "rpm > 1000", "action": "notify security-team@company.com" },
                    { "name": "Suspicious patterns", "condition": "prompt contains 'jailbreak'", "action": "flag for review" },
                ]);
            }).unwrap();
            scenario.edit(|bootstrap| follow_file(bootstrap, &policy));
        });
        Self { world, folder }
    }

    fn policy(&self) -> PathBuf {
        self.folder.path().join("policy/gateway.yaml")
    }

    /// Requests of every kind, so that the log has something to tell.
    pub fn ordinary_day(&self) {
        let world = &self.world;
        for _ in 0..3 {
            assert_eq!(world.send(&messages(PROMPT)).status, 200);
            assert_eq!(world.send(&chat(PROMPT)).status, 200);
        }
        assert_eq!(
            world.send(&chat(&format!("my key is {SECRET}"))).status,
            200
        );
        assert_eq!(
            world.send(&chat(&format!("my number is {SSN}"))).status,
            400
        );
        assert_eq!(
            world.send(&messages("tell me about a jailbreak")).status,
            200
        );
        let stranger = Request::get("/v1/models").header("x-api-key", WRONG_KEY);
        assert_eq!(world.send(&stranger).status, 401);
        eventually("the records are written", Duration::from_secs(10), || {
            world.envoy.audit_records(10).is_ok()
        });
    }

    /// Runs commands as an operator would, with what the runbooks assume.
    pub fn shell(&self, commands: &str) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", portcullis().parent().unwrap().display());
        let envoy = &self.world.envoy;
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", commands])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("POLICY", self.policy())
            .env("LOG", envoy.audit_log())
            .env("GATEWAY", format!("http://{}", envoy.address()))
            .env("ADMIN", format!("http://{}", envoy.admin()))
            .env("PORTCULLIS_AUDIT_KEY", AUDIT_KEY)
            .env("LITELLM_MASTER_KEY", crate::common::MASTER_KEY)
            .env("KEY_ID", "demo")
            .env("USER_NAME", "john.doe@company.com")
            .env("TEAM", "eng-team")
            .env("RULE", "anthropic-key")
            .env("LEAKED_KEY", KEY)
            .output()
            .expect("bash")
    }

    /// What must hold after any runbook; its files tell no secret of somebody who still has it.
    pub fn finish(self) {
        let Self { world, folder } = self;
        let provider: &Provider = &world.provider;
        assert!(!provider.received().is_empty());
        for entry in std::fs::read_dir(folder.path()).unwrap().flatten() {
            if entry.path().is_file() {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                for planted in [PROMPT, SECRET, SSN, WRONG_KEY, KEY] {
                    assert!(
                        !text.contains(planted),
                        "{:?} holds {planted}",
                        entry.path()
                    );
                }
            }
        }
        for (name, lost) in world.envoy.stats("vm_reload").unwrap() {
            assert_eq!(lost, 0, "{name}");
        }
    }
}

/// Puts the gateway's filter into a file in `folder`, as `docs/runbooks/README.md` says.
fn follow_file(bootstrap: &mut Value, folder: &Path) {
    let file = folder.join("gateway.yaml");
    let filter = &mut bootstrap.pointer_mut(FILTERS).unwrap()[0];
    let name = filter["name"].clone();
    let resource = json!({
        "resources": [{
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            "name": name,
            "typed_config": filter["typed_config"],
        }],
    });
    std::fs::write(&file, serde_yaml_ng::to_string(&resource).unwrap()).unwrap();
    *filter = json!({
        "name": name,
        "config_discovery": {
            "config_source": {
                "resource_api_version": "V3",
                "path_config_source": { "path": file, "watched_directory": { "path": folder } },
            },
            "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"],
        },
    });
}

/// The command, built once.
fn portcullis() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args([
                "build",
                "--quiet",
                "--package",
                "portcullis-cli",
                "--bin",
                "portcullis",
            ])
            .current_dir(checkout().root())
            .status()
            .expect("cargo");
        assert!(built.success(), "the command portcullis does not build");
        checkout().target().join("debug/portcullis")
    })
}
