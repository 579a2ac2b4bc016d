//! Documents in strings of documents, several levels deep, with escapes wherever JSON allows them: hardly what a fuzzer finds by itself.

use serde_json::Value;

/// How many documents are tried.
const DOCUMENTS: u64 = 500;

/// What strings say: the needle, what is nearly one, what must be escaped.
const TEXTS: [&str; 7] = [
    "K-9", "a K-9 b", "KK-9é", "x\"K-9\\", "no", "K-", "\nK-9K-9",
];

/// Numbers that are the same each time (Knuth's linear congruential generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// The inside of a JSON string; one character of six is written as `\u`.
    fn inside(&mut self, text: &str) -> String {
        let mut inside = String::new();
        for letter in text.chars() {
            if self.below(6) == 0 {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    inside.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                let written = Value::from(letter.to_string()).to_string();
                inside.push_str(&written[1..written.len() - 1]);
            }
        }
        inside
    }

    fn document(&mut self, depth: u64) -> String {
        let mut fields = Vec::new();
        for index in 0..=self.below(3) {
            let key = self.inside(&format!("k{index}"));
            let value = match self.below(4) {
                0 => "12.5".to_owned(),
                1 if depth > 0 => {
                    let inner = self.document(depth - 1);
                    format!("\"{}\"", self.inside(&inner))
                }
                _ => {
                    let text = self.of(&TEXTS);
                    format!("\"{}\"", self.inside(text))
                }
            };
            fields.push(format!("\"{key}\":{value}"));
        }
        format!("{{{}}}", fields.join(","))
    }
}

#[test]
fn documents_within_documents_stay_documents_in_streams() {
    for seed in 0..DOCUMENTS {
        let mut numbers = Numbers(seed * 7919 + 1);
        let depth = numbers.below(4);
        let document = numbers.document(depth);
        assert!(serde_json::from_str::<Value>(&document).is_ok());
        // A stream of either API made of this text, in deltas of two sizes by turns.
        let kind = numbers.of(&[2, 3, 6, 7]);
        let sizes = [numbers.below(9) as u8 + 1, numbers.below(30) as u8 + 1];
        let mut input = vec![kind, 1, sizes[0], sizes[1]];
        input.extend(document.as_bytes());
        portcullis_fuzz::stream::check(&input);
    }
}
