//! Steps of a runbook.

/// One block of commands, and what it must print.
#[derive(Debug)]
pub struct Step {
    /// Where it begins in the file, from 1.
    pub line: usize,
    pub commands: String,
    /// Lines that must be printed, in this order.
    pub prints: Vec<String>,
}

impl Step {
    /// What of `said` is not as it should be.
    pub fn problem(&self, said: &str) -> Option<String> {
        let mut lines = said.lines();
        for expected in &self.prints {
            if !lines.any(|line| fits(expected, line)) {
                return Some(format!("it does not print {expected:?}"));
            }
        }
        None
    }
}

/// Whether a line is what is expected, `…` standing for anything.
fn fits(expected: &str, line: &str) -> bool {
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some((_, after)) = rest
            .split_once(part)
            .filter(|_| !part.is_empty())
            .or(Some(("", rest)).filter(|_| part.is_empty()))
        else {
            return false;
        };
        rest = after;
        last = Some(part);
    }
    match last {
        None => rest.is_empty(),
        Some("") => true,
        Some(part) => rest.is_empty() || line.ends_with(part),
    }
}

/// All steps of a document.
pub fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .collect();
        match kind {
            "sh" => steps.push(Step {
                line: number + 1,
                commands: block.join("\n"),
                prints: Vec::new(),
            }),
            "text" => {
                let step = steps
                    .last_mut()
                    .expect("what is printed stands after what prints it");
                step.prints.extend(block.into_iter().map(str::to_owned));
            }
            _ => {}
        }
    }
    steps
}

/// Files that a document links to.
pub fn links(text: &str) -> Vec<String> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://"))
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .filter(|target| !target.is_empty())
        .collect()
}

/// Commands in the last column of the tables, those of this project and of the tools that runbooks use.
pub fn evidence(text: &str) -> Vec<String> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.trim_end_matches('|').rsplit(" | ").next());
    let codes = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let tools = ["portcullis ", "curl "];
    codes
        .filter(|code| tools.iter().any(|tool| code.starts_with(tool)))
        .map(|code| code.replace("\\|", "|"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit() {
        for (expected, line, fit) in [
            ("OK", "OK", true),
            ("OK", "OK then", false),
            ("…allow…", "a 1 allow 2", true),
            ("…allow…", "refuse", false),
            ("… breach.csv", "af01  breach.csv", true),
            ("… breach.csv", "af01  breach.csv.old", false),
            ("a::…::b::…", "a::1::b::ok", true),
            ("a::…::b::…", "a::1::c::ok", false),
        ] {
            assert_eq!(fits(expected, line), fit, "{expected} {line}");
        }
    }

    #[test]
    fn a_step_is_its_commands_and_what_they_print() {
        let text = "# A\n\n```sh\ntrue\necho a\n```\n```text\na\n```\n\n```yaml\nx: 1\n```\n";
        let found = steps(text);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, found[0].commands.as_str()),
            (3, "true\necho a")
        );
        assert_eq!(found[0].problem("a\n"), None);
        assert!(found[0].problem("b\n").is_some());
    }
}
