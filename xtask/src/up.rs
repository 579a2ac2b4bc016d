//! `cargo xtask up`: the local scenario on this machine, from nothing but a Rust toolchain and Python's pip.

use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use portcullis_envoy_test::{Checkout, Envoy, EnvoyBinary, Scenario};
use portcullis_provider::Provider;
use tokio::signal::unix::{SignalKind, signal};

use crate::build;

/// The key of the demo, whose digest stands in the policy of `envoy/local`.
const DEMO_KEY: &str = "sk-demo-portcullis";

/// The usual port of Envoy's administration interface; another one is taken when it is not free.
const ADMIN_PORT: u16 = 9901;

/// How often to look whether Envoy still runs.
const WATCH: Duration = Duration::from_millis(500);

/// Where certificate bundles lie, on Debian and elsewhere.
const TRUSTED_CA: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How to run it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Who answers: a stub on this machine, or the real API with ANTHROPIC_API_KEY
    #[arg(long, value_enum, default_value = "stub")]
    provider: Upstream,
    /// Where the gateway listens, on 127.0.0.1
    #[arg(long, default_value_t = 4000)]
    port: u16,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Upstream {
    Stub,
    Anthropic,
}

/// Builds, starts, says what to try, and runs until it is told to end.
///
/// # Errors
/// When something it needs cannot be had, or Envoy ends by itself.
pub fn run(checkout: &Checkout, arguments: &Arguments) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Listened for from the start, so that what is begun is always ended.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut running = Running::start(checkout, arguments)?;
        running.tell(arguments);
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
                _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
                () = tokio::time::sleep(WATCH) => running.check()?,
            }
        }
    })
}

/// What runs; all of it ends when this is dropped, Envoy first.
struct Running {
    envoy: Envoy,
    provider: Option<Provider>,
}

impl Running {
    fn start(checkout: &Checkout, arguments: &Arguments) -> Result<Self> {
        if arguments.port != 0 && !is_free(arguments.port) {
            bail!(
                "port {} is taken; choose another one with --port",
                arguments.port
            );
        }
        let binary = EnvoyBinary::find_or_fetch(checkout)?;
        eprintln!("building the modules …");
        build::modules(checkout)?;
        let folder = checkout.target().join("up");
        std::fs::create_dir_all(&folder)?;

        let (mut scenario, provider) = match arguments.provider {
            Upstream::Stub => {
                let provider = Provider::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
                    .context("the stub provider")?;
                let mut scenario = Scenario::load(checkout, "local")?;
                scenario.provider(provider.addr())?;
                (scenario, Some(provider))
            }
            Upstream::Anthropic => (anthropic(checkout)?, None),
        };
        scenario.listen(
            arguments.port,
            if is_free(ADMIN_PORT) { ADMIN_PORT } else { 0 },
        )?;
        for name in ["LITELLM_MASTER_KEY", "PORTCULLIS_AUDIT_KEY"] {
            let value = std::env::var(name).or_else(|_| random_key())?;
            scenario.env(name, Some(&value));
        }
        let envoy = scenario.start_in(&binary, &folder)?;
        Ok(Self { envoy, provider })
    }

    /// The demo's first minute.
    fn tell(&self, arguments: &Arguments) {
        let model = match arguments.provider {
            Upstream::Stub => "claude-3-5-sonnet",
            Upstream::Anthropic => "claude-haiku-4-5",
        };
        let url = format!("http://{}/v1/messages", self.envoy.address());
        let curl = |options: &str, prompt: &str, more: &str| {
            println!(
                "  curl {options} {url} -H 'x-api-key: {DEMO_KEY}' -H 'content-type: application/json' \\"
            );
            println!("    -H 'anthropic-version: 2023-06-01' \\");
            println!(
                "    -d '{{\"model\":\"{model}\",\"max_tokens\":100,{more}\"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]}}'\n"
            );
        };
        println!(
            "\nThe gateway is ready at http://{} (after {} ms).",
            self.envoy.address(),
            self.envoy.ready_after().as_millis()
        );
        match &self.provider {
            Some(provider) => println!(
                "It calls a stub provider, which repeats what it is told; http://{}/_stub/received\nshows what reached it.",
                provider.addr()
            ),
            None => {
                println!("It calls https://api.anthropic.com with your key, which costs money.")
            }
        }
        println!("\nAllowed:\n");
        curl("-s", "Say hello.", "");
        println!("Blocked, because of the number in it:\n");
        curl("-s", "My SSN is 123-45-6789.", "");
        println!("Streamed; the key in it is redacted before it leaves:\n");
        curl("-sN", "Repeat: sk-ant-api03abcdefgh", "\"stream\":true,");
        println!("Audit log: {}", self.envoy.audit_log().display());
        println!(
            "Metrics:   http://{}/stats?format=prometheus",
            self.envoy.admin()
        );
        println!("Envoy log: {}", self.envoy.log().display());
        println!("\nCtrl-C ends it all.");
    }

    fn check(&mut self) -> Result<()> {
        if self.envoy.is_running()? {
            return Ok(());
        }
        bail!("Envoy has ended:\n{}", self.envoy.complaints()?)
    }
}

/// The policy of the local scenario before the real API, which also answers OpenAI's requests.
fn anthropic(checkout: &Checkout) -> Result<Scenario> {
    let key = std::env::var("ANTHROPIC_API_KEY")
        .context("--provider anthropic needs ANTHROPIC_API_KEY")?;
    let policy = checkout.root().join("envoy/local/envoy.yaml");
    let mut words = vec![
        "envoy".into(),
        policy.into_os_string(),
        "--audit-log=audit.log".into(),
        "--provider=anthropic".into(),
        "--provider=openai=https://api.anthropic.com".into(),
    ];
    if let Some(file) = trusted_ca() {
        words.push(format!("--trusted-ca={file}").into());
    }
    let mut scenario = Scenario::parse(checkout, &portcullis_cli::rendered(words)?)?;
    for name in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"] {
        scenario.env(name, Some(&key));
    }
    Ok(scenario)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn trusted_ca() -> Option<&'static str> {
    TRUSTED_CA
        .into_iter()
        .find(|file| Path::new(file).is_file())
}

/// 32 random bytes in hex.
fn random_key() -> Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("/dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
