//! LiteLLM's proxy from PyPI, for comparison: its `custom_auth` hook gives the caller a limit without a database.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use portcullis_envoy_test::{Checkout, Supervised};
use portcullis_provider::Provider;
use serde_json::json;

use super::{Burst, LIMIT};

/// What is installed.
const PACKAGE: &str = "litellm[proxy]==1.108.7";

/// It imports for many seconds, more on a busy machine.
const START_MAX: Duration = Duration::from_secs(180);

/// The hook: everybody is one user with our limit.
const HOOK: &str = "from litellm.proxy._types import UserAPIKeyAuth


async def user_api_key_auth(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, user_id=\"burst\", tpm_limit=TPM)
";

/// The program, in an environment of its own under the target directory, made with pip when it is not there.
pub fn find_or_install(checkout: &Checkout) -> Result<PathBuf> {
    let folder = checkout.target().join("litellm");
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == PACKAGE) {
        return Ok(folder.join("bin/litellm"));
    }
    eprintln!("installing LiteLLM into {} …", folder.display());
    let folder_name = folder.to_string_lossy();
    run("python3", &["-m", "venv", "--clear", &folder_name])?;
    let python = folder.join("bin/python").to_string_lossy().into_owned();
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        PACKAGE,
    ];
    run(&python, &pip)?;
    fs::write(&stamp, PACKAGE)?;
    Ok(folder.join("bin/litellm"))
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| program.to_owned())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("{program}: {}", said.lines().last().unwrap_or_default())
}

/// The same burst through LiteLLM.
pub fn burst(program: &Path, workers: u32, key: &str, provider: &Provider) -> Result<Burst> {
    let folder = tempfile::tempdir()?;
    let config = json!({
        "model_list": [{ "model_name": "gpt-4o-mini", "litellm_params": {
            "model": "openai/gpt-4o-mini", "api_base": format!("http://{}/v1", provider.addr()), "api_key": "none" } }],
        "general_settings": { "custom_auth": "burst_auth.user_api_key_auth", "dangerously_permit_weak_or_unset_master_key": true },
        "litellm_settings": { "num_retries": 0 },
    });
    // JSON is YAML.
    fs::write(folder.path().join("config.yaml"), config.to_string())?;
    fs::write(
        folder.path().join("burst_auth.py"),
        HOOK.replace("TPM", &LIMIT.to_string()),
    )?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port();
    let mut command = Command::new(program);
    command
        .args([
            "--config",
            "config.yaml",
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
        ])
        .args([
            "--num_workers",
            &workers.to_string(),
            "--telemetry",
            "False",
        ])
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .current_dir(folder.path());
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_ascii_uppercase();
        if upper.ends_with("_PROXY") || upper.starts_with("OPENAI_") {
            command.env_remove(&name);
        }
    }
    let log = folder.path().join("log");
    let mut process = Supervised::start(&command, File::create(&log)?)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let begin = Instant::now();
    while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
        let said = || fs::read_to_string(&log).unwrap_or_default();
        ensure!(
            process.ended()?.is_none(),
            "it ended: {}",
            last_line(&said())
        );
        ensure!(
            begin.elapsed() < START_MAX,
            "it does not listen: {}",
            last_line(&said())
        );
        thread::sleep(Duration::from_millis(200));
    }
    // The first of its workers listens before the last has imported everything.
    thread::sleep(Duration::from_secs(5 * u64::from(workers)));
    let burst = super::fire(address, key, provider);
    process.stop()?;
    burst
}

fn last_line(text: &str) -> &str {
    text.trim_end().lines().last().unwrap_or_default()
}
