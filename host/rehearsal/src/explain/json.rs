//! An explanation for machines: one JSON object.

use bartizan_gateway::offline::ReplyOutcome;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Applying, Explanation, Found, Part, Rule, Spoken, Taken};
use crate::time;

#[derive(Serialize)]
struct Told<'e> {
    verdict: &'static str,
    #[serde(flatten)]
    rule: &'e Option<Rule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: &'e Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    call: Called<'e>,
    entries: &'e [Applying],
    remarks: &'e [String],
    rules: Vec<ToldRule<'e>>,
    charges: &'e [Taken],
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<ToldReply<'e>>,
}

#[derive(Serialize)]
struct Called<'e> {
    method: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'e str>,
    server: &'e str,
    session: &'e str,
    time: String,
}

#[derive(Serialize)]
struct ToldRule<'e> {
    plugin: &'e str,
    version: &'e str,
    verdict: &'static str,
    #[serde(flatten)]
    rule: &'e Option<Rule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: &'e Option<String>,
    mode: &'static str,
    parts: Vec<ToldPart<'e>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<ToldNote<'e>>,
}

/// A part: its values, `null` for what is missing. `opaque` if it cannot be looked into.
#[derive(Serialize)]
struct ToldPart<'e> {
    path: &'e str,
    values: Vec<Option<Box<RawValue>>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    opaque: bool,
}

#[derive(Serialize)]
struct ToldNote<'e> {
    key: &'e str,
    value: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct ToldReply<'e> {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    rules: Vec<ToldRule<'e>>,
}

impl Explanation {
    /// The explanation as indented JSON, with a line break at the end.
    ///
    /// # Errors
    ///
    /// None for any explanation that can be made: every part has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let told = Told {
            verdict: self.verdict.as_str(),
            rule: &self.rule,
            reason: &self.reason,
            retry_after: self.retry_after,
            call: Called {
                method: &self.message.method,
                target: self.message.target.as_ref().map(|(_, name)| &**name),
                principal: self.circumstances.principal.as_deref(),
                server: &self.circumstances.server,
                session: &self.circumstances.session,
                time: time::shown(self.circumstances.time),
            },
            entries: &self.entries,
            remarks: &self.remarks,
            rules: rules(&self.rules),
            charges: &self.charges,
            arguments: self.arguments.as_deref().and_then(raw),
            reply: self.reply.as_ref().map(|reply| {
                let (verdict, rule, reason, result) = match &reply.outcome {
                    ReplyOutcome::Unchanged => ("allow", None, None, None),
                    ReplyOutcome::Denied { rule, reason } => {
                        ("deny", rule.as_deref(), Some(reason.as_str()), None)
                    }
                    ReplyOutcome::Rewritten(result) => ("rewrite", None, None, raw(result)),
                };
                ToldReply { verdict, rule, reason, result, rules: rules(&reply.rules) }
            }),
        };
        serde_json::to_string_pretty(&told).map(|text| text + "\n")
    }
}

fn rules(spoken: &[Spoken]) -> Vec<ToldRule<'_>> {
    let told = spoken.iter().map(|spoken| ToldRule {
        plugin: &spoken.plugin,
        version: &spoken.version,
        verdict: spoken.verdict.as_str(),
        rule: &spoken.rule,
        reason: &spoken.reason,
        mode: spoken.mode.as_str(),
        parts: spoken.parts.iter().map(part).collect(),
        notes: spoken.notes.iter().map(|(key, value)| ToldNote { key, value: raw(value) }).collect(),
    });
    told.collect()
}

fn part(part: &Part) -> ToldPart<'_> {
    ToldPart {
        path: &part.path,
        values: part
            .found
            .iter()
            .map(|found| match found {
                Found::Value(text) => raw(text),
                Found::Missing | Found::Opaque => None,
            })
            .collect(),
        opaque: part.found.contains(&Found::Opaque),
    }
}

/// JSON text as it is, numbers with their literals.
fn raw(text: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(text.to_owned()).ok()
}
