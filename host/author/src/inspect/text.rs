//! An inspection for people. No text of the plugin can steer a terminal.

use std::fmt::{self, Display, Formatter};

use bartizan_rehearsal::text::{count, line, whole};
use bartizan_runtime::{CONTRACT, Interest, Memory, Snapshotting};

use super::{Configured, Inspection, names};
use crate::table::{bytes, time};

/// Several lines, each with its line break.
impl Display for Inspection {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let described = &self.description;
        writeln!(f, "{} {}: {}", line(&described.name), line(&described.version), line(&described.summary))?;
        row(f, "file", &format!("{}, {}", line(&self.file.display().to_string()), bytes(self.size)))?;
        row(f, "sha256", &self.sha256)?;
        row(f, "contract", CONTRACT)?;
        row(f, "hooks", &names(self.hooks).join(", "))?;
        rows(f, "interests", described.interests.iter().map(interest), "every message")?;
        row(f, "asks", &listed(&described.asks))?;
        rows(f, "imports", self.anatomy.imports.iter().map(|import| line(import)), "nothing")?;
        row(
            f,
            "sizes",
            &format!(
                "component {}, compiled {}",
                bytes(self.anatomy.component),
                bytes(self.anatomy.compiled)
            ),
        )?;
        row(
            f,
            "made of",
            &format!(
                "{}, {}",
                count(self.anatomy.modules, "core module"),
                count(self.anatomy.instances, "core instance")
            ),
        )?;
        rows(f, "memory", self.anatomy.memories.iter().map(memory), "none declared")?;
        match &self.configured {
            Ok(Configured { memory, snapshotting }) => {
                row(f, "", &format!("{} after `configure`", bytes(*memory)))?;
                row(
                    f,
                    "snapshot",
                    &match snapshotting {
                        Snapshotting::Possible { component } => {
                            format!("yes: instances start configured, from {}", bytes(*component))
                        }
                        Snapshotting::Impossible(reason) => {
                            format!("no, `configure` runs in each instance: {}", whole(reason))
                        }
                    },
                )?;
            }
            Err(problem) => row(f, "configure", &format!("{} (see --settings)", whole(problem)))?,
        }
        row(f, "compiles", &format!("in {}", time(self.compile_time)))?;
        row(f, "settings", "")?;
        json(f, &described.settings_schema)?;
        row(f, "metadata", "")?;
        json(f, &described.metadata)
    }
}

fn row(f: &mut Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "{}", format!("  {name:10} {value}").trim_end())
}

/// The name once, and each value on a line of its own.
fn rows(
    f: &mut Formatter<'_>,
    name: &str,
    values: impl Iterator<Item = String>,
    otherwise: &str,
) -> fmt::Result {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return row(f, name, otherwise);
    }
    for (index, value) in values.enumerate() {
        row(f, if index == 0 { name } else { "" }, &value)?;
    }
    Ok(())
}

fn interest(interest: &Interest) -> String {
    let patterns = |patterns: &[String], otherwise: &str| match patterns {
        [] => otherwise.to_owned(),
        patterns => line(&patterns.join(", ")),
    };
    format!(
        "{} of {}",
        patterns(&interest.methods, "every method"),
        patterns(&interest.targets, "every target")
    )
}

fn memory(memory: &Memory) -> String {
    let size = |size: u64| bytes(usize::try_from(size).unwrap_or(usize::MAX));
    match memory.maximum {
        Some(maximum) => format!("{} declared, at most {}", size(memory.initial), size(maximum)),
        None => format!("{} declared, no maximum", size(memory.initial)),
    }
}

fn listed(words: &[String]) -> String {
    if words.is_empty() { "nothing".to_owned() } else { line(&words.join(", ")) }
}

/// JSON text, indented.
fn json(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let pretty = serde_json::from_str::<serde_json::Value>(text).map(|value| format!("{value:#}"));
    for part in pretty.unwrap_or_else(|_| text.to_owned()).lines() {
        writeln!(f, "    {}", whole(part))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bartizan_runtime::{Anatomy, Description, Hooks};

    use super::*;

    /// What a terminal obeys, and what changes the order of what is read.
    const HOSTILE: &str = "a\u{1b}[2Jb\u{7}c\u{9b}31md\r\u{202e}e\u{2028}f";

    fn hostile() -> Inspection {
        let text = || HOSTILE.to_owned();
        let json = || serde_json::json!({ HOSTILE: HOSTILE }).to_string();
        Inspection {
            file: HOSTILE.into(),
            size: 1,
            sha256: "0".repeat(64).into(),
            description: Arc::new(Description {
                name: text(),
                version: text(),
                summary: format!("{HOSTILE}\nanother line"),
                settings_schema: json(),
                interests: vec![Interest { methods: vec![text()], targets: vec![text()] }],
                asks: vec![text()],
                metadata: json(),
            }),
            hooks: Hooks { calls: true, listings: false, replies: false },
            anatomy: Anatomy { imports: vec![text()], ..Anatomy::default() },
            compile_time: Duration::ZERO,
            configured: Err(text()),
        }
    }

    #[test]
    fn no_text_of_a_plugin_steers_a_terminal() {
        let inspection = hostile();
        for text in [inspection.to_string(), inspection.to_json()] {
            let unsafe_characters: Vec<char> = text
                .chars()
                .filter(|&c| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{2028}'))
                .collect();
            assert!(unsafe_characters.is_empty(), "{unsafe_characters:?}: {text}");
        }
        assert!(inspection.to_string().starts_with(r"a\u{1b}[2Jb\u{7}c\u{9b}31md\r\u{202e}e\u{2028}f "));
        let json: serde_json::Value = serde_json::from_str(&inspection.to_json()).unwrap();
        assert_eq!(json.get("name").and_then(serde_json::Value::as_str), Some(HOSTILE));
    }
}
