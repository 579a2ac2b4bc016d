//! Figures beside their goals.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// Least ratios to the pass for keywords alone.
const RATIO_MIN: [(&str, f64); 3] = [("chat", 0.30), ("logs", 0.18), ("hostile", 0.17)];

const SET_UP_MAX: Duration = Duration::from_millis(20);

const HEAP_BYTES_MAX: usize = 2 << 20;

/// What a text cost.
pub struct Figures {
    pub name: String,
    /// How it stands in the request: as a document of many strings, or as one string.
    pub form: &'static str,
    /// Of the text, without the escapes of a string.
    pub bytes: usize,
    /// The whole pipeline.
    pub ours: Duration,
    /// The pass for keywords.
    pub theirs: Duration,
    pub instructions: u64,
}

impl Figures {
    fn ratio(&self) -> f64 {
        self.theirs.as_secs_f64() / self.ours.as_secs_f64()
    }

    fn goal(&self) -> Option<f64> {
        let goal = RATIO_MIN.iter().find(|(name, _)| *name == self.name);
        goal.map(|(_, ratio)| *ratio)
    }

    fn instructions_per_byte(&self) -> f64 {
        self.instructions as f64 / self.bytes as f64
    }
}

/// What it takes to start a VM.
pub struct SetUp {
    pub cold: Duration,
    pub warm: Duration,
    pub instructions: u64,
    pub heap_bytes: usize,
}

/// All figures.
pub struct Report {
    pub texts: Vec<Figures>,
    pub set_up: SetUp,
    /// After all texts.
    pub heap_bytes: usize,
}

impl Report {
    /// The goals that are missed. Those of texts are of texts as documents.
    pub fn misses(&self) -> Vec<String> {
        let slow = self.texts.iter().filter(|text| {
            text.form == "document" && text.goal().is_some_and(|goal| text.ratio() < goal)
        });
        let mut misses: Vec<String> = slow.map(|text| text.name.clone()).collect();
        if self.set_up.cold > SET_UP_MAX {
            misses.push("set-up".to_owned());
        }
        if self.heap_bytes > HEAP_BYTES_MAX {
            misses.push("heap".to_owned());
        }
        misses
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let texts = self.texts.iter().map(|text| {
            json!({
                "name": text.name,
                "form": text.form,
                "bytes": text.bytes,
                "pipeline_ns": text.ours.as_nanos(),
                "keywords_ns": text.theirs.as_nanos(),
                "ratio": text.ratio(),
                "ratio_min": text.goal(),
                "instructions": text.instructions,
            })
        });
        json!({
            "texts": texts.collect::<Vec<_>>(),
            "set_up": {
                "cold_ns": self.set_up.cold.as_nanos(),
                "warm_ns": self.set_up.warm.as_nanos(),
                "instructions": self.set_up.instructions,
                "heap_bytes": self.set_up.heap_bytes,
            },
            "heap_bytes": self.heap_bytes,
            "misses": self.misses(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10}{:<10}{:>10}{:>14}{:>8}{:>8}{:>20}",
            "text", "as", "dlp MB/s", "keywords MB/s", "ratio", "goal", "instructions/byte"
        )?;
        for text in &self.texts {
            let rate = |time: Duration| text.bytes as f64 / time.as_secs_f64() / 1e6;
            let goal = text.goal().filter(|_| text.form == "document");
            writeln!(
                f,
                "{:<10}{:<10}{:>10.0}{:>14.0}{:>8.3}{:>8}{:>20.1}",
                text.name,
                text.form,
                rate(text.ours),
                rate(text.theirs),
                text.ratio(),
                goal.map_or(String::new(), |goal| format!("{goal:.2}")),
                text.instructions_per_byte(),
            )?;
        }
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        writeln!(
            f,
            "set-up of a VM {:.1} ms, then {:.1} ms (goal {:.0} ms), {} instructions",
            ms(self.set_up.cold),
            ms(self.set_up.warm),
            ms(SET_UP_MAX),
            self.set_up.instructions,
        )?;
        writeln!(
            f,
            "heap {} KiB, {} KiB after all texts (goal {} KiB)",
            self.set_up.heap_bytes / 1024,
            self.heap_bytes / 1024,
            HEAP_BYTES_MAX / 1024,
        )?;
        match self.misses() {
            misses if misses.is_empty() => write!(f, "all goals are reached"),
            misses => write!(f, "missed: {}", misses.join(", ")),
        }
    }
}
