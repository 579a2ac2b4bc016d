//! How fast texts go through the DLP scanner: the texts, and the policy that they go through.

pub mod clock;
#[cfg(feature = "wasm")]
pub mod gateway;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// As large as the pieces in which Envoy reads from a socket.
pub const PIECE_BYTES: usize = 16 * 1024;

/// What the name of a text's file ends with.
const ENDING: &str = ".txt.gz";

/// Patterns as operators write them.
const PATTERNS: [&str; 10] = [
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"sk-ant-api[0-9a-zA-Z]+",
    r"\bEMP-\d{6}\b",
    r"(?i)project\s+nightfall",
    r"(?i)internal use only",
    r"\bINV-20\d{2}-\d{5}\b",
    r"[A-Z]{2}\d{2}-CONF-\d+",
    r"https://wiki\.corp\.example/\S+",
    r"\b10\.20\.\d{1,3}\.\d{1,3}\b",
    r"(?i)password\s*[:=]\s*\S{8,64}",
];

/// Rules of a policy: every detector, ten operator patterns.
#[must_use]
pub fn rules() -> Value {
    let patterns = PATTERNS.iter().zip(0..).map(
        |(pattern, index)| json!({ "name": format!("pattern-{index}"), "pattern": pattern, "action": "flag" }),
    );
    let detectors = json!({ "detector": "all", "action": "flag" });
    patterns.chain([detectors]).collect()
}

/// A text to scan.
#[derive(Debug)]
pub struct Text {
    /// The name of its file, without the ending.
    pub name: String,
    /// All of it.
    pub text: String,
}

impl Text {
    /// Every `*.txt.gz` of a folder, sorted by name.
    ///
    /// # Errors
    /// When a file cannot be read, or there is none.
    pub fn all(folder: &Path) -> Result<Vec<Self>> {
        let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        let mut files: Vec<PathBuf> = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        files.sort();
        let texts: Vec<Self> = files
            .iter()
            .filter_map(|file| {
                let name = file.file_name()?.to_str()?.strip_suffix(ENDING)?;
                Some(Self::read(file, name))
            })
            .collect::<Result<_>>()?;
        if texts.is_empty() {
            bail!("{} holds no *{ENDING}", folder.display());
        }
        Ok(texts)
    }

    fn read(file: &Path, name: &str) -> Result<Self> {
        let packed = std::fs::File::open(file).with_context(|| file.display().to_string())?;
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(packed)
            .read_to_string(&mut text)
            .with_context(|| file.display().to_string())?;
        Ok(Self {
            name: name.to_owned(),
            text,
        })
    }

    /// Its lines, as documents where they are JSON.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line)))
            .collect()
    }

    /// A request whose many strings are the text's.
    #[must_use]
    pub fn document(&self) -> Value {
        let mut request = request("hello");
        if let Some(fields) = request.as_object_mut() {
            fields.insert("lines".to_owned(), self.lines().into());
        }
        request
    }

    /// An answer that says the text, a word a delta, as OpenAI's API streams it.
    #[must_use]
    pub fn stream(&self) -> String {
        let mut stream = String::new();
        for word in self.text.split_inclusive(' ') {
            let delta = json!({ "index": 0, "delta": { "content": word }, "finish_reason": null });
            let event = json!({ "id": "chatcmpl-A1b2C3d4E5f6G7h8I9j0K1l2M3n4O", "object": "chat.completion.chunk", "created": 1764170000,
                "model": "gpt-4o-mini-2024-07-18", "choices": [delta] });
            stream.push_str(&format!("data: {event}\n\n"));
        }
        stream + "data: [DONE]\n\n"
    }

    /// A request with the text as a prompt.
    #[must_use]
    pub fn string(&self) -> Value {
        request(&self.text)
    }
}

/// A request with this prompt.
#[must_use]
pub fn request(prompt: &str) -> Value {
    json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": prompt }] })
}
