//! A policy that writes down what it sees, and edits, refuses and holds back what it is told to.

use portcullis_policy::{
    Edit, Effects, Event, Exchange, Facts, Interest, Policy, Reason, Refusal, Text, TextId,
    Timestamp, Verdict,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Redacts `SECRET`, refuses at `FORBIDDEN`, holds back what could become one of them, and writes down every event.
pub struct Probe(pub Rc<RefCell<Vec<String>>>);

const NEEDLES: [&str; 2] = ["SECRET", "FORBIDDEN"];

impl Policy for Probe {
    fn interest(&self) -> Interest {
        Interest {
            request_body: true,
            request_text: true,
            numbers_from: None,
            request_edits: true,
            request_model_first: true,
            response_usage: true,
            response_text: true,
            source: true,
            source_of_strangers: true,
            identity: true,
            record: true,
            end_status: true,
        }
    }

    fn open(&self) -> Box<dyn Exchange> {
        Box::new(ProbeExchange {
            log: Rc::clone(&self.0),
            texts: HashMap::new(),
        })
    }
}

struct ProbeExchange {
    log: Rc<RefCell<Vec<String>>>,
    /// Each open text and how much of it is decided.
    texts: HashMap<TextId, (String, usize)>,
}

impl ProbeExchange {
    fn text(&mut self, text: &Text<'_>, out: &mut Effects<'_>, reason: Reason) -> Verdict {
        let (whole, decided) = self.texts.entry(text.id).or_default();
        whole.push_str(text.piece);
        loop {
            let rest = whole.get(*decided..).unwrap();
            let Some((at, needle)) = NEEDLES
                .iter()
                .filter_map(|needle| Some((rest.find(needle)?, *needle)))
                .min()
            else {
                let live = (0..rest.len()).find(|at| {
                    rest.is_char_boundary(*at)
                        && NEEDLES
                            .iter()
                            .any(|needle| needle.starts_with(&rest[*at..]))
                });
                match live {
                    Some(at) if !text.last => {
                        *decided += at;
                        out.hold_from(*decided);
                    }
                    _ => *decided = whole.len(),
                }
                break;
            };
            if needle == "FORBIDDEN" {
                return Verdict::Refuse(Refusal::new(reason, "A test's policy forbids this."));
            }
            let start = *decided + at;
            out.edit(Edit {
                text: text.id,
                range: start..start + needle.len(),
                replacement: "***".into(),
            });
            *decided = start + needle.len();
        }
        if text.last {
            self.texts.remove(&text.id);
        }
        Verdict::Continue
    }
}

impl Exchange for ProbeExchange {
    fn handle(
        &mut self,
        _: Timestamp,
        event: &Event<'_>,
        _: &mut Facts,
        out: &mut Effects<'_>,
    ) -> Verdict {
        let line = match event {
            Event::RequestHead(head) => format!("request {} {}", head.method, head.path),
            Event::RequestText(text) => return self.text(text, out, Reason::DlpBlocked),
            Event::RequestEnd(meaning) => {
                self.texts.clear();
                format!("request end {:?}", meaning.model)
            }
            Event::Refused(refusal) => format!("refused {}", refusal.reason.code()),
            Event::ResponseHead(head) => format!(
                "response {} stream={} local={}",
                head.status, head.stream, head.local
            ),
            Event::ResponseText(text) => return self.text(text, out, Reason::ResponseBlocked),
            Event::ResponseEnd(meaning) => format!(
                "response end {:?} complete={}",
                meaning.usage, meaning.complete
            ),
            Event::End { status } => format!("end {status}"),
        };
        self.log.borrow_mut().push(line);
        Verdict::Continue
    }
}
