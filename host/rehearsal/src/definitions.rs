//! What a server defines: its tools, prompts and resources, from a saved answer or written down.

use std::path::Path;
use std::sync::Arc;

use bartizan_gateway::offline;
use bartizan_policy::decode::{self, Object};
use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_policy::source::{Format, Node, Source};
use bartizan_runtime::Entry;
use bartizan_wire::json::{Document, Kind as JsonKind, Value};
use bartizan_wire::method::Noun;

use crate::call::{Message, read_object, strict};
use crate::suite::RELATIVE;

/// What can be defined, and how lists of it look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Tools.
    Tools,
    /// Prompts.
    Prompts,
    /// Resources.
    Resources,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tools, Self::Prompts, Self::Resources];

    /// The word for it: the key of a list.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
        }
    }

    /// The method that lists them.
    pub fn list_method(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Prompts => "prompts/list",
            Self::Resources => "resources/list",
        }
    }

    /// The member that names one of them.
    fn name_key(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
        }
    }
}

/// The definitions of one server.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// Those that are known, by kind: `None` for a kind of which nothing was said.
    lists: [Option<Arc<[Entry]>>; 3],
}

impl Definitions {
    /// The definitions of a kind, if anything was said of it.
    pub fn list(&self, kind: Kind) -> Option<&Arc<[Entry]>> {
        let [tools, prompts, resources] = &self.lists;
        match kind {
            Kind::Tools => tools.as_ref(),
            Kind::Prompts => prompts.as_ref(),
            Kind::Resources => resources.as_ref(),
        }
    }

    /// Says what there is of a kind.
    pub fn set(&mut self, kind: Kind, entries: impl Into<Arc<[Entry]>>) {
        let [tools, prompts, resources] = &mut self.lists;
        let list = match kind {
            Kind::Tools => tools,
            Kind::Prompts => prompts,
            Kind::Resources => resources,
        };
        *list = Some(entries.into());
    }

    /// The definition of a message's target: the one given here, else the one in the list, else one with
    /// nothing but the name. As behind the gateway, resources have no other: they need not be on a list.
    pub fn of(&self, message: &Message, given: Option<&Document>) -> Option<Arc<Entry>> {
        let (noun, name) = message.target.as_ref()?;
        if let Some(definition) = given {
            return Some(Arc::new(offline::entry(name, definition.as_str())));
        }
        let kind = match noun {
            Noun::Tool => Kind::Tools,
            Noun::Prompt => Kind::Prompts,
            Noun::Resource | Noun::Task => return Some(Arc::new(bare("uri", name))),
        };
        let listed = self.list(kind).and_then(|entries| entries.iter().find(|entry| entry.name == **name));
        Some(Arc::new(listed.cloned().unwrap_or_else(|| bare("name", name))))
    }

    /// Reads the value of `tools`, `prompts` or `resources`: a list, an answer with one, or a path that is
    /// relative to `directory`.
    pub(crate) fn read(
        node: &Node,
        kind: Kind,
        directory: &Path,
        report: &mut Report,
    ) -> Result<Arc<[Entry]>, Option<Diagnostics>> {
        if let Some(path) = node.as_str() {
            return Self::load(&directory.join(path), kind).map(Into::into).map_err(|problems| {
                let whole = problems.iter().find(|problem| problem.span().is_none());
                match whole {
                    // Said where the path stands.
                    Some(problem) => {
                        let message = format!("{path}: {}", problem.message());
                        report.push(Problem::error(problem.code(), node.span, message).help(RELATIVE));
                        None
                    }
                    None => Some(problems),
                }
            });
        }
        entries(node, kind, report).map(Into::into).ok_or(None)
    }

    /// Loads a saved answer to a list request (`{"tools": […]}`, with or without its JSON-RPC envelope), or
    /// just the list.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file.
    pub fn load(path: &Path, kind: Kind) -> Result<Vec<Entry>, Diagnostics> {
        let source = Source::read(path)?;
        // Definitions have the digest that they have on the wire only if their literals are kept.
        if source.format() == Format::Json
            && let Ok(document) = strict(source.text())
            && let Some(entries) = exact_entries(document.root(), kind)
        {
            return Ok(entries);
        }
        let mut report = Report::new(&source);
        let read = source.parse(&mut report).and_then(|node| entries(&node, kind, &mut report));
        match read {
            Some(entries) if !report.has_errors() => Ok(entries),
            _ => Err(report.finish()),
        }
    }
}

/// A definition that says nothing but the name.
fn bare(key: &str, name: &str) -> Entry {
    offline::entry(name, &format!(r#"{{"{key}":{}}}"#, bartizan_wire::json::quote(name)))
}

/// The definitions in an answer, with their literals. None if it does not look like one.
fn exact_entries(root: Value<'_>, kind: Kind) -> Option<Vec<Entry>> {
    let answer = root.get("result").unwrap_or(root);
    let list = answer.get(kind.as_str()).unwrap_or(answer);
    if list.kind() != JsonKind::Array {
        return None;
    }
    list.elements()
        .map(|element| Some(offline::entry(&element.get(kind.name_key())?.as_str()?, element.text())))
        .collect()
}

/// The definitions in a list, or in an answer with one.
fn entries(node: &Node, kind: Kind, report: &mut Report) -> Option<Vec<Entry>> {
    let answer = node.get("result").unwrap_or(node);
    let list = answer.get(kind.as_str()).unwrap_or(answer);
    let items = decode::list(list, &format!("`{}`", kind.as_str()), report)?;
    let read: Vec<Option<Entry>> = items.iter().map(|item| entry(item, kind, report)).collect();
    read.into_iter().collect()
}

fn entry(node: &Node, kind: Kind, report: &mut Report) -> Option<Entry> {
    let mut object = Object::read(node, node.span, "a definition", report)?;
    let key = kind.name_key();
    let name = object.require(key, "\"…\"", report)?;
    let name = decode::string(&name.node, &format!("`{key}`"), report)?;
    Some(offline::entry(name, read_object(node, "the definition", report)?.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Circumstances;

    fn write(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        (directory, path)
    }

    #[test]
    fn every_form_of_a_saved_list_is_read_with_its_literals() {
        let definition = r#"{"name":"pay","description":"\u0041","inputSchema":{"maximum":1.0}}"#;
        for (name, text) in [
            ("a.json", format!("[{definition}]")),
            ("a.json", format!(r#"{{"tools": [ {definition} ], "nextCursor": "2"}}"#)),
            ("a.json", format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{definition}]}}}}"#)),
        ] {
            let (_directory, path) = write(name, &text);
            let entries = Definitions::load(&path, Kind::Tools).unwrap();
            assert_eq!(entries, [offline::entry("pay", definition)], "{text}");
        }
        let (_directory, path) = write("a.yaml", "tools: [{name: pay}] # all of them\n");
        assert_eq!(
            Definitions::load(&path, Kind::Tools).unwrap(),
            [offline::entry("pay", r#"{"name":"pay"}"#)]
        );
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, expected) in [
            ("{\"tools\": {}}", "a.json:1:11: error: `tools` must be a list, not an object"),
            ("[{\"nam\": 1}]", "a.json:1:2: error: a definition must have the key `name`"),
            ("[{\"name\": 1}]", "a.json:1:11: error: `name` must be a string, not the number 1"),
            ("[", "a.json:1:1: error:"),
        ] {
            let (directory, path) = write("a.json", text);
            let problems = Definitions::load(&path, Kind::Tools).unwrap_err().to_string();
            let problems = problems.replace(&format!("{}/", directory.path().display()), "");
            assert!(problems.starts_with(expected), "{text}: {problems}");
        }
    }

    #[test]
    fn a_target_is_defined_by_what_is_given_then_by_the_list_then_by_its_name() {
        let message =
            |name: &str| Message { target: Some((Noun::Tool, name.into())), ..Message::list("tools/call") };
        let mut definitions = Definitions::default();
        definitions.set(Kind::Tools, vec![offline::entry("a", r#"{"name":"a","x":1}"#)]);
        let given = strict(r#"{"name":"a","x":2}"#).unwrap();
        for (name, given, expected) in [
            ("a", Some(&given), r#"{"name":"a","x":2}"#),
            ("a", None, r#"{"name":"a","x":1}"#),
            ("b", None, r#"{"name":"b"}"#),
        ] {
            let message = message(name);
            let entry = definitions.of(&message, given);
            let call = message.call(&Circumstances::default(), entry);
            assert_eq!(call.entry.unwrap().definition, expected, "{name}");
        }
        assert!(definitions.of(&Message::list("tools/list"), None).is_none());
    }
}
