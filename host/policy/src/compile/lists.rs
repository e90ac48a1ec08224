//! The shape that the settings of most families have:
//! `{"tools":[…],"prompts":[…],"resources":[…],"methods":[…],"all_tools":…}`.
//!
//! A list has every entry of its map, in the order of the document, as `{"pattern":…}` with what the family
//! says of it: only the most specific entry applies, so an entry of which it says nothing takes its
//! targets out of wider ones. A list of which it says nothing at all is left out.

use crate::document::{Entry, PolicyDocument, Rules, Subject};
use crate::json::Json;
use crate::plan::Step;
use crate::rule::Pointer;

/// What a family says of an entry; empty if nothing.
pub(super) type Members = Vec<(&'static str, Json)>;

/// The rules of an entry or of `all_tools`, and their name.
pub(super) struct Place<'a> {
    /// None for `all_tools`.
    pub(super) entry: Option<&'a Entry>,
    pub(super) rules: &'a Rules,
    pub(super) here: Pointer,
}

impl Place<'_> {
    /// The name of an item of a list here.
    pub(super) fn rule(&self, key: &str, index: usize) -> Json {
        Json::from(self.here.clone().key(key).index(index).as_str())
    }
}

/// The step of a family, or nothing if it says nothing of anything.
pub(super) fn step(
    name: &'static str,
    document: &PolicyDocument,
    family: fn(&Place<'_>) -> Members,
) -> Option<Step> {
    let lists = Subject::ALL.into_iter().filter_map(|subject| list(document, subject, family));
    let members: Vec<_> = lists.chain(all_tools(document, family)).collect();
    (!members.is_empty()).then(|| Step::builtin(name, Json::object(members).to_string()))
}

fn list(
    document: &PolicyDocument,
    subject: Subject,
    family: fn(&Place<'_>) -> Members,
) -> Option<(&'static str, Json)> {
    let said: Vec<_> =
        document.entries(subject).iter().map(|entry| (entry, family(&place(subject, entry)))).collect();
    if said.iter().all(|(_, members)| members.is_empty()) {
        return None;
    }
    let items = said.into_iter().map(|(entry, members)| {
        let pattern = ("pattern", Json::from(entry.pattern.value.as_str()));
        Json::object([pattern].into_iter().chain(members))
    });
    Some((subject.as_str(), Json::Array(items.collect())))
}

fn all_tools(document: &PolicyDocument, family: fn(&Place<'_>) -> Members) -> Option<(&'static str, Json)> {
    let here = Pointer::root().key("all_tools");
    let members = family(&Place { entry: None, rules: &document.all_tools, here });
    (!members.is_empty()).then(|| ("all_tools", Json::object(members)))
}

/// An entry with its name.
pub(super) fn place(subject: Subject, entry: &Entry) -> Place<'_> {
    let here = Pointer::root().key(subject.as_str()).key(entry.pattern.value.as_str());
    Place { entry: Some(entry), rules: &entry.rules, here }
}

/// A list of items, or nothing if there are none.
pub(super) fn items(key: &'static str, items: impl Iterator<Item = Json>) -> Option<(&'static str, Json)> {
    let items: Vec<_> = items.collect();
    (!items.is_empty()).then_some((key, Json::Array(items)))
}

/// The text that a refused agent is told, where the document has one.
pub(super) fn message(text: Option<&str>) -> Option<(&'static str, Json)> {
    text.map(|text| ("message", Json::from(text)))
}
