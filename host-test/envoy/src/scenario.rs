//! A configuration of `envoy/`, adapted to where it is to run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{Checkout, Envoy, EnvoyBinary, Supervised};

const LISTENER: &str = "/static_resources/listeners/0";
const FILTERS: &str = "/static_resources/listeners/0/filter_chains/0/filters";
const CLUSTERS: &str = "/static_resources/clusters";
const WASM_FILTER: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
const STRING_VALUE: &str = "type.googleapis.com/google.protobuf.StringValue";

/// The secrets that the scenarios read from the environment, and what they are unless [`Scenario::env`] says otherwise.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("LITELLM_MASTER_KEY", "master-key-of-the-test"),
    ("PORTCULLIS_AUDIT_KEY", "audit-key-of-the-test"),
    ("PORTCULLIS_MASK_KEY", "mask-key-of-the-test"),
    ("OPENAI_API_KEY", "openai-provider-key-of-the-test"),
    ("ANTHROPIC_API_KEY", "anthropic-provider-key-of-the-test"),
];

/// Leaves restartable sequences (rseq) to Envoy's allocator, which glibc takes for itself from 2.35 on: without them it keeps a cache for each thread, and what
/// the threads that compiled modules freed stays in theirs. `envoy/README.md` says so to operators.
const ALLOCATOR: (&str, &str) = ("GLIBC_TUNABLES", "glibc.pthread.rseq=0");

/// An Envoy configuration and how to run it. Unless told otherwise: ports of Envoy's choice, one worker, log level `info`,
/// the modules of the target directory, everything written into a folder of its own.
#[derive(Debug, Clone)]
pub struct Scenario {
    bootstrap: Value,
    env: BTreeMap<String, String>,
    concurrency: u32,
    log_level: String,
}

/// A running Envoy and the folder it writes into, which goes with it.
#[derive(Debug)]
pub struct Running {
    envoy: Envoy,
    folder: tempfile::TempDir,
}

impl std::ops::Deref for Running {
    type Target = Envoy;

    fn deref(&self) -> &Envoy {
        &self.envoy
    }
}

impl Running {
    /// Ends Envoy, so that all it had to write is written, and keeps the folder until this is dropped.
    ///
    /// # Errors
    /// When the operating system cannot say how it ended.
    pub fn stop(&mut self) -> Result<()> {
        self.envoy.stop()
    }

    /// The folder with Envoy's configuration, log and audit log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Scenario {
    /// Reads `envoy/<name>/envoy.yaml`.
    ///
    /// # Errors
    /// When it is missing, or not of the shape that can be adapted: one listener with an HTTP connection manager.
    pub fn load(checkout: &Checkout, name: &str) -> Result<Self> {
        let file = checkout.root().join("envoy").join(name).join("envoy.yaml");
        Self::of(checkout, read_yaml(&file)?).with_context(|| name.to_owned())
    }

    /// Takes a configuration from its text, as `portcullis render envoy` writes it.
    ///
    /// # Errors
    /// As [`Scenario::load`].
    pub fn parse(checkout: &Checkout, text: &str) -> Result<Self> {
        Self::of(checkout, serde_yaml_ng::from_str(text)?)
    }

    fn of(checkout: &Checkout, bootstrap: Value) -> Result<Self> {
        let env = ENVIRONMENT
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let mut scenario = Self {
            bootstrap,
            env,
            concurrency: 1,
            log_level: "info".into(),
        };
        ensure!(
            scenario.at(LISTENER)?.is_object() && scenario.manager()?.is_object(),
            "no listener"
        );
        scenario.listen(0, 0)?.modules(&checkout.plugins())?;
        Ok(scenario)
    }

    /// The ports of the listener and of the administration interface; 0 for a free one.
    ///
    /// # Errors
    /// When the configuration has no such addresses.
    pub fn listen(&mut self, listener: u16, admin: u16) -> Result<&mut Self> {
        *self.at(&format!("{LISTENER}/address/socket_address/port_value"))? = listener.into();
        *self.at("/admin/address/socket_address/port_value")? = admin.into();
        Ok(self)
    }

    /// Where one cluster leads to.
    ///
    /// # Errors
    /// When there is no such cluster, or it has no endpoint with a socket address.
    pub fn cluster(&mut self, name: &str, address: SocketAddr) -> Result<&mut Self> {
        let clusters = self
            .at(CLUSTERS)?
            .as_array_mut()
            .context("clusters is no list")?;
        let cluster = clusters
            .iter_mut()
            .find(|cluster| cluster.get("name").and_then(Value::as_str) == Some(name))
            .with_context(|| format!("no cluster {name}"))?;
        set_endpoint(cluster, address)?;
        Ok(self)
    }

    /// Where all clusters lead to.
    ///
    /// # Errors
    /// When a cluster has no endpoint with a socket address.
    pub fn provider(&mut self, address: SocketAddr) -> Result<&mut Self> {
        let clusters = self
            .at(CLUSTERS)?
            .as_array_mut()
            .context("clusters is no list")?;
        for cluster in clusters {
            set_endpoint(cluster, address)?;
        }
        Ok(self)
    }

    /// Takes each module from `folder` instead of `target/plugins`.
    ///
    /// # Errors
    /// When a wasm filter names no file.
    pub fn modules(&mut self, folder: &Path) -> Result<&mut Self> {
        self.edit_filters(|config| {
            let file = config
                .pointer_mut("/vm_config/code/local/filename")
                .context("a wasm filter without a file")?;
            let name = Path::new(file.as_str().unwrap_or_default())
                .file_name()
                .context("a wasm filter without a file")?;
            *file = folder.join(name).to_string_lossy().into_owned().into();
            Ok(())
        })
    }

    /// Puts one module in the place of all the wasm filters: at the first one's place, with its configuration.
    ///
    /// # Errors
    /// When there is no wasm filter.
    pub fn only_module(&mut self, file: &Path) -> Result<&mut Self> {
        let mut seen = false;
        self.filters()?
            .retain(|filter| !is_wasm(filter) || !std::mem::replace(&mut seen, true));
        self.edit_filters(|config| {
            let filename = config
                .pointer_mut("/vm_config/code/local/filename")
                .context("a wasm filter without a file")?;
            *filename = file.to_string_lossy().into_owned().into();
            Ok(())
        })
    }

    /// Takes the wasm filters out: Envoy alone.
    ///
    /// # Errors
    /// When there is no list of HTTP filters.
    pub fn no_modules(&mut self) -> Result<&mut Self> {
        self.filters()?.retain(|filter| !is_wasm(filter));
        Ok(self)
    }

    /// Edits the policy of each wasm filter, however it is written in the file.
    ///
    /// # Errors
    /// When a filter has no policy, or one that is not JSON.
    pub fn edit_policy(&mut self, mut edit: impl FnMut(&mut Value)) -> Result<&mut Self> {
        self.edit_filters(|config| {
            let configuration = config
                .get_mut("configuration")
                .context("a wasm filter without a policy")?;
            let is_text = configuration.get("@type").and_then(Value::as_str) == Some(STRING_VALUE);
            let value = configuration
                .get_mut("value")
                .context("a wasm filter without a policy")?;
            if is_text {
                let mut policy: Value = serde_json::from_str(value.as_str().unwrap_or_default())
                    .context("the policy")?;
                edit(&mut policy);
                *value = policy.to_string().into();
            } else {
                edit(value);
            }
            Ok(())
        })
    }

    /// Replaces the policy of each wasm filter by this text, JSON or not.
    ///
    /// # Errors
    /// When there are no wasm filters.
    pub fn policy_text(&mut self, text: &str) -> Result<&mut Self> {
        self.edit_filters(|config| {
            let fields = config
                .as_object_mut()
                .context("a wasm filter without configuration")?;
            fields.insert(
                "configuration".into(),
                json!({ "@type": STRING_VALUE, "value": text }),
            );
            Ok(())
        })
    }

    /// Whether headers wait until the body is judged: both the module's setting and the filter's.
    ///
    /// # Errors
    /// As [`Scenario::edit_policy`].
    pub fn hold_headers(&mut self, hold: bool) -> Result<&mut Self> {
        self.edit_filters(|config| {
            let fields = config
                .as_object_mut()
                .context("a wasm filter without configuration")?;
            fields.insert("allow_on_headers_stop_iteration".into(), hold.into());
            Ok(())
        })?;
        self.edit_policy(|policy| {
            let envoy = policy
                .as_object_mut()
                .map(|policy| policy.entry("envoy").or_insert_with(|| json!({})));
            if let Some(envoy) = envoy.and_then(Value::as_object_mut) {
                envoy.insert("hold_headers".into(), hold.into());
            }
        })
    }

    /// Any other change of the Envoy configuration.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Value)) -> &mut Self {
        edit(&mut self.bootstrap);
        self
    }

    /// A variable of Envoy's environment; `None` takes it away.
    pub fn env(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.env.insert(name.to_owned(), value.to_owned()),
            None => self.env.remove(name),
        };
        self
    }

    /// The number of workers.
    pub fn concurrency(&mut self, workers: u32) -> &mut Self {
        self.concurrency = workers;
        self
    }

    /// Envoy's log level: `info`, `debug` …
    pub fn log_level(&mut self, level: &str) -> &mut Self {
        level.clone_into(&mut self.log_level);
        self
    }

    /// Starts it in a temporary folder and waits until it serves.
    ///
    /// # Errors
    /// When Envoy refuses the configuration or does not come up; the message holds what it logged.
    pub fn start(&self, binary: &EnvoyBinary) -> Result<Running> {
        let folder = tempfile::Builder::new().prefix("portcullis-").tempdir()?;
        let envoy = self.start_in(binary, folder.path())?;
        Ok(Running { envoy, folder })
    }

    /// Starts it with `envoy.json`, `envoy.log` and `audit.log` in `folder`, and waits until it serves.
    ///
    /// # Errors
    /// As [`Scenario::start`].
    pub fn start_in(&self, binary: &EnvoyBinary, folder: &Path) -> Result<Envoy> {
        let (mut command, audit_log) = self.command(binary, folder)?;
        let admin_file = folder.join("admin");
        fs::remove_file(&admin_file).ok();
        command
            .arg("--admin-address-path")
            .arg(&admin_file)
            .args(["--file-flush-interval-msec", "10"]);
        command.args([
            "--drain-strategy",
            "immediate",
            "--concurrency",
            &self.concurrency.to_string(),
        ]);
        let log = folder.join("envoy.log");
        Envoy::start(
            |file| Supervised::start(&command, file),
            &admin_file,
            log,
            audit_log,
        )
    }

    /// What Envoy says to a configuration that it must refuse: the lines of its log that tell why.
    ///
    /// # Errors
    /// When Envoy accepts it.
    pub fn refusal(&self, binary: &EnvoyBinary) -> Result<String> {
        let (accepted, log) = self.validate(binary)?;
        ensure!(!accepted, "Envoy accepts the configuration");
        Ok(log)
    }

    /// Has Envoy check the configuration, modules and policies included, without serving: whether it is accepted, and its log.
    ///
    /// # Errors
    /// When Envoy cannot be run.
    pub fn validate(&self, binary: &EnvoyBinary) -> Result<(bool, String)> {
        let folder = tempfile::Builder::new().prefix("portcullis-").tempdir()?;
        let (mut command, _) = self.command(binary, folder.path())?;
        let output = command
            .args(["--mode", "validate"])
            .stdin(Stdio::null())
            .output()
            .context("envoy --mode validate")?;
        Ok((
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ))
    }

    /// Writes the configuration into `folder`; the command to run it with, and where the audit log will be.
    fn command(&self, binary: &EnvoyBinary, folder: &Path) -> Result<(Command, PathBuf)> {
        let mut bootstrap = self.bootstrap.clone();
        let audit_log = folder.join("audit.log");
        let path = manager(&mut bootstrap)?.pointer_mut("/access_log/0/typed_config/path");
        if let Some(path) = path {
            *path = audit_log.to_string_lossy().into_owned().into();
        }
        let file = folder.join("envoy.json");
        serde_json::to_writer_pretty(
            File::create(&file).with_context(|| file.display().to_string())?,
            &bootstrap,
        )?;
        let mut command = Command::new(binary.path());
        // Two Envoys with hot restart would talk to each other through shared memory.
        command
            .arg("-c")
            .arg(&file)
            .args(["--disable-hot-restart", "--log-level", &self.log_level])
            .current_dir(folder);
        for (name, _) in ENVIRONMENT {
            command.env_remove(name);
        }
        command.env(ALLOCATOR.0, ALLOCATOR.1).envs(&self.env);
        Ok((command, audit_log))
    }

    fn edit_filters(
        &mut self,
        mut edit: impl FnMut(&mut Value) -> Result<()>,
    ) -> Result<&mut Self> {
        for filter in self.filters()?.iter_mut().filter(|filter| is_wasm(filter)) {
            edit(
                filter
                    .pointer_mut("/typed_config/config")
                    .context("a wasm filter without configuration")?,
            )?;
        }
        Ok(self)
    }

    fn filters(&mut self) -> Result<&mut Vec<Value>> {
        self.manager()?
            .get_mut("http_filters")
            .and_then(Value::as_array_mut)
            .context("http_filters is no list")
    }

    fn manager(&mut self) -> Result<&mut Value> {
        manager(&mut self.bootstrap)
    }

    fn at(&mut self, pointer: &str) -> Result<&mut Value> {
        match self.bootstrap.pointer_mut(pointer) {
            Some(value) => Ok(value),
            None => bail!("the scenario has no {pointer}"),
        }
    }
}

/// The HTTP connection manager, behind whatever else looks at a connection.
fn manager(bootstrap: &mut Value) -> Result<&mut Value> {
    let filters = bootstrap.pointer_mut(FILTERS).and_then(Value::as_array_mut);
    filters
        .and_then(|filters| filters.last_mut()?.get_mut("typed_config"))
        .context("no connection manager")
}

fn is_wasm(filter: &Value) -> bool {
    filter
        .pointer("/typed_config/@type")
        .and_then(Value::as_str)
        == Some(WASM_FILTER)
}

fn set_endpoint(cluster: &mut Value, address: SocketAddr) -> Result<()> {
    let endpoint = cluster
        .pointer_mut("/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address")
        .context("a cluster without an endpoint")?;
    *endpoint = json!({ "address": address.ip().to_string(), "port_value": address.port() });
    Ok(())
}

fn read_yaml(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_yaml_ng::from_str(&text).with_context(|| path.display().to_string())
}
