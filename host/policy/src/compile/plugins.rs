//! The plugins that the document names.

use std::collections::HashMap;

use bartizan_pattern::Pattern;

use crate::document::{PluginEntry, PolicyDocument, Spanned};
use crate::plan::{PluginName, Step};
use crate::rule::Pointer;
use crate::source::Node;

pub(super) fn steps(document: &PolicyDocument) -> impl Iterator<Item = Step> {
    let mut used: HashMap<&str, usize> = HashMap::new();
    document.plugins.iter().enumerate().map(move |(index, entry)| {
        let times = used.entry(&entry.name.value).or_default();
        *times += 1;
        step(index, entry, *times)
    })
}

/// `times`: which use of this plugin it is, counted from 1.
fn step(index: usize, entry: &PluginEntry, times: usize) -> Step {
    let name = &entry.name.value;
    Step {
        plugin: PluginName::Named(name.clone()),
        settings: entry.settings.as_ref().map_or_else(|| "{}".to_owned(), Node::to_json),
        methods: entry.methods.as_deref().map(patterns),
        tools: entry.tools.as_deref().map(patterns),
        mode: entry.mode,
        on_error: entry.on_error,
        grants: entry.grants.clone(),
        http: entry.http.clone(),
        sandbox: entry.sandbox.clone(),
        label: if times == 1 { name.clone() } else { format!("{name} ({times})") },
        rule: Some(Pointer::root().key("plugins").index(index).into()),
    }
}

fn patterns(spanned: &[Spanned<Pattern>]) -> Vec<Pattern> {
    spanned.iter().map(|pattern| pattern.value.clone()).collect()
}
