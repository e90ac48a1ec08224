//! Where the data of a result is, and what in a result belongs to the protocol.
//!
//! A pointer of a rule is relative to the data: to `structuredContent`, and to each text that is JSON.

use std::collections::BTreeSet;

use super::document::{Document, Kind};
use super::pointer;

/// The data of a result.
#[derive(Default)]
pub(crate) struct Roots {
    /// Values that are data as they are.
    pub(crate) values: Vec<usize>,
    /// `structuredContent`, if it is `{"result": …}` and no more: servers wrap so what is no object.
    pub(crate) wrapped: Option<usize>,
    /// Strings of content, which may be JSON.
    pub(crate) texts: Vec<usize>,
    /// Keys, and values of the protocol, that no rule looks at. What is in them is not looked at either.
    pub(crate) protocol: BTreeSet<usize>,
}

/// Members of the result itself that only the protocol reads.
const RESULT_MEMBERS: [&str; 4] = ["resultType", "nextCursor", "requestState", "role"];
/// Members of contents that say what the content is.
const CONTENT_MEMBERS: [&str; 3] = ["type", "mimeType", "role"];

impl Roots {
    pub(crate) fn of_result(document: &Document<'_>) -> Self {
        let mut roots = Self::default();
        roots.keys(document, 0, &RESULT_MEMBERS);
        let mut has_content = false;
        for structured in document.members(0, "structuredContent") {
            has_content = true;
            roots.values.push(structured);
            let mut keys = document.children(structured);
            let first = keys.next();
            let is_only = keys.next().is_none();
            if let Some(result) = document.members(structured, "result").next()
                && is_only
                && first == Some(result - 1)
            {
                roots.wrapped = Some(result);
            }
        }
        for name in ["content", "contents"] {
            for list in document.members(0, name) {
                has_content = true;
                roots.contents(document, list);
            }
        }
        for messages in document.members(0, "messages") {
            has_content = true;
            for message in document.children(messages) {
                roots.keys(document, message, &CONTENT_MEMBERS);
                for content in document.members(message, "content") {
                    roots.contents(document, content);
                }
            }
        }
        if !has_content {
            roots.values.push(0);
            let is_error = document.members(0, "message").next().is_some();
            if is_error {
                roots.protocol.extend(document.members(0, "code"));
                roots.values.extend(document.members(0, "data"));
            }
        }
        roots
    }

    /// The data of a call's arguments, or of the params of another method.
    pub(crate) fn of_arguments(document: &Document<'_>, method: &str) -> Self {
        let mut roots = Self { values: vec![0], ..Self::default() };
        if !matches!(method, "tools/call" | "prompts/get") {
            roots.keys(document, 0, &["_meta", "cursor", "requestState"]);
        }
        roots
    }

    /// One content, or a list of them.
    fn contents(&mut self, document: &Document<'_>, index: usize) {
        match document.node(index).map(|node| node.kind) {
            Some(Kind::Array) => {
                for content in document.children(index) {
                    self.content(document, content);
                }
            }
            // What a user filled in has no type: it is data.
            Some(Kind::Object) if document.members(index, "type").next().is_none() => self.values.push(index),
            _ => self.content(document, index),
        }
    }

    fn content(&mut self, document: &Document<'_>, index: usize) {
        self.keys(document, index, &CONTENT_MEMBERS);
        let is_media = document.members(index, "type").any(|kind| {
            document
                .node(kind)
                .is_some_and(|node| matches!(document.literal(node), "\"image\"" | "\"audio\""))
        });
        if is_media {
            self.protocol.extend(document.members(index, "data"));
        }
        self.protocol.extend(document.members(index, "blob"));
        self.text(document, index);
        for resource in document.members(index, "resource") {
            self.keys(document, resource, &CONTENT_MEMBERS);
            self.protocol.extend(document.members(resource, "blob"));
            self.text(document, resource);
        }
        // The result of a tool within a message.
        for structured in document.members(index, "structuredContent") {
            self.values.push(structured);
        }
    }

    fn text(&mut self, document: &Document<'_>, index: usize) {
        self.texts.extend(
            document.members(index, "text").filter(|text| pointer::decoded(document, *text).is_some()),
        );
    }

    /// The keys of an object of the protocol, and those of its members.
    fn keys(&mut self, document: &Document<'_>, index: usize, members: &[&str]) {
        if document.node(index).is_some_and(|node| node.kind == Kind::Object) {
            self.protocol.extend(document.children(index));
            for name in members {
                self.protocol.extend(document.members(index, name));
            }
        }
    }
}
