//! What a bench has judged.

use std::fmt;
use std::sync::Arc;

use bartizan_rehearsal::call::{Circumstances, Message};
use bartizan_rehearsal::definitions::Definitions;
use bartizan_rehearsal::explain::Asked;
use bartizan_runtime::{Call, Description, EvaluationError, Plugin, Reply};

use crate::plugin::LoadingError;

/// A call that the plugin is interested in, with the list that its target is on, and perhaps a reply.
pub(super) struct Subject {
    message: Message,
    call: Arc<Call>,
    listing: Arc<Call>,
    reply: Option<Arc<Reply>>,
}

impl Subject {
    /// # Errors
    ///
    /// When the plugin would not be asked about it.
    pub(super) fn new(plugin: &Plugin, asked: Option<&Asked>) -> Result<Self, LoadingError> {
        let asked = match asked {
            Some(asked) => asked.clone(),
            None => of_interest(plugin.description())?,
        };
        let entry = Definitions::default().of(&asked.message, asked.definition.as_ref());
        let call = asked.message.call(&asked.circumstances, entry);
        let hooks = plugin.hooks();
        let is_listed = hooks.listings
            && call.entry.as_ref().is_some_and(|entry| plugin.is_interested("tools/list", Some(&entry.name)));
        let is_interested = plugin.is_interested(&call.method, call.target.as_deref());
        let reply = if hooks.replies && is_interested {
            let empty = || Reply { is_error: false, value: r#"{"content":[]}"#.into() };
            Some(Arc::new(asked.result.unwrap_or_else(empty)))
        } else {
            None
        };
        if !(is_listed || is_interested && hooks.calls || reply.is_some()) {
            let message = format!(
                "the plugin is not asked about {}: it is not interested; name a call that it judges with --call",
                asked.message
            );
            return Err(LoadingError::Call(message));
        }
        let listing = Message::list("tools/list").call(&asked.circumstances, None);
        Ok(Self { message: asked.message, call: Arc::new(call), listing: Arc::new(listing), reply })
    }

    pub(super) fn call(&self) -> &Arc<Call> {
        &self.call
    }

    pub(super) fn reply(&self) -> Option<&Arc<Reply>> {
        self.reply.as_ref()
    }

    /// Has every hook judge that would be asked behind a gateway.
    pub(super) fn judge(&self, plugin: &Plugin) -> Result<(), EvaluationError> {
        plugin.judge(&self.call, Some(&self.listing))?;
        if let Some(reply) = &self.reply {
            plugin.check_reply(&self.call, reply)?;
        }
        Ok(())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

/// A call of a tool that the plugin says it judges.
fn of_interest(description: &Description) -> Result<Asked, LoadingError> {
    let is_call = |methods: &[String]| {
        methods.is_empty()
            || methods.iter().any(|method| bartizan_pattern::Pattern::new(method).matches("tools/call"))
    };
    let interest = description.interests.iter().find(|interest| is_call(&interest.methods));
    let target = interest.and_then(|interest| interest.targets.first());
    let tool = target.map_or_else(|| "example".to_owned(), |target| target.replace(['*', '?'], "x"));
    let call = serde_json::json!({"tool": tool, "arguments": {}}).to_string();
    Ok(Asked::parse("(a call of interest)", &call, &Circumstances::default())?)
}
