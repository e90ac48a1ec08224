//! What a request reaches besides its target: other spellings of a resource, and what a subscription names.

use std::sync::Arc;
use std::time::Duration;

use bartizan_runtime::{Call, Flow};
use bartizan_wire::denial::Denial;
use bartizan_wire::json::{Document, Limits, Value};
use bartizan_wire::message::Request;
use bartizan_wire::method::{self, Noun, Target};

use super::unlisted;
use crate::judge::{self, Judged, Needs, Opinion};
use crate::plan::ActivePlan;
use crate::session::Session;

/// What else a request reaches: what this needs, or what is against it.
pub(super) type Aside = Result<Needs, Box<Judged<Opinion>>>;

impl Session {
    /// Judges what else a request reaches: what this needs, or what is against it.
    pub(super) fn judge_aside(
        &self,
        plan: Option<&ActivePlan>,
        request: &Request,
        call: &Call,
        target: Option<&Target<'_>>,
        listing: Option<&Arc<Call>>,
    ) -> Aside {
        match target {
            Some(target) => self.judge_other_spelling(plan, call, target, listing),
            None if request.method() == "subscriptions/listen" => self.judge_subscription(plan, request),
            None => Ok(Needs::default()),
        }
    }

    /// Judges a resource by the spelling of its URI that servers make of it: what is refused under one
    /// spelling must not be had under another.
    fn judge_other_spelling(
        &self,
        plan: Option<&ActivePlan>,
        call: &Call,
        target: &Target<'_>,
        listing: Option<&Arc<Call>>,
    ) -> Aside {
        let mut needs = Needs::default();
        if target.noun == Noun::Resource {
            for other in spelled(call) {
                needs.extend(self.judge_uncounted(plan, other, listing)?);
            }
        }
        Ok(needs)
    }

    /// Judges the resources that a subscription names, each as one that is subscribed to, and refuses
    /// tasks that are not known.
    fn judge_subscription(&self, plan: Option<&ActivePlan>, request: &Request) -> Aside {
        let mut needs = Needs::default();
        let wanted = request.params().and_then(|params| params.get("notifications"));
        let Some(wanted) = wanted else { return Ok(needs) };
        let named = |key: &str| wanted.get(key).into_iter().flat_map(Value::elements).map(Value::as_str);
        for task in named("taskIds") {
            if task.is_none_or(|task| self.tasks.origin(&task).is_none()) {
                return Err(Box::new(refused("There is no such task.")));
            }
        }
        for uri in named("resourceSubscriptions") {
            let Some(uri) = uri else {
                return Err(Box::new(refused("A resource is named by its URI, a string.")));
            };
            let mut call = self.call("resources/subscribe", None, Flow::ClientToServer);
            call.entry = Some(Arc::new(unlisted(&uri)));
            call.target = Some(uri.as_ref().into());
            let target = Target { noun: Noun::Resource, name: uri };
            let listing = self.listing(&target);
            let judged = self.judge_uncounted(plan, call.clone(), listing.as_ref()).and_then(|mut needs| {
                needs.extend(self.judge_other_spelling(plan, &call, &target, listing.as_ref())?);
                Ok(needs)
            });
            match judged {
                Ok(more) => needs.extend(more),
                Err(judged) if matches!(judged.ruling, Opinion::Hidden) => {
                    let ruling = refused("There is no such resource.").ruling;
                    return Err(Box::new(judged.map(|_, _| ruling)));
                }
                Err(judged) => return Err(judged),
            }
        }
        Ok(needs)
    }

    /// Judges a call that takes nothing by itself: what it would need, or what is against it.
    fn judge_uncounted(&self, plan: Option<&ActivePlan>, call: Call, listing: Option<&Arc<Call>>) -> Aside {
        let Judged { ruling, rules, evaluation, .. } =
            judge::judge_call(plan, call, listing, &self.shared.client_limits, &self.memory);
        match ruling {
            // What is forwarded is the message as it was spelled.
            Opinion::Passed(passed) if passed.arguments.is_some() => {
                Err(Box::new(refused("A policy wanted to change what this resource is asked for.")))
            }
            Opinion::Passed(passed) => {
                let charges = passed.charges.into_iter().zip(passed.charged_by).collect();
                Ok(Needs { asks: passed.asks, charges, memory: passed.memory })
            }
            ruling => Err(Box::new(Judged { ruling, rules, evaluation, call: None })),
        }
    }
}

/// A call of a resource by the other spellings that servers may make of its URI.
pub(super) fn spelled(call: &Call) -> Vec<Call> {
    let Some(uri) = call.target.as_deref().filter(|_| names_resource(&call.method)) else {
        return Vec::new();
    };
    let respelled = |spelling: String| {
        let mut other = call.clone();
        let arguments = call
            .arguments
            .as_deref()
            .and_then(|json| Document::parse(json.as_bytes(), &Limits::default()).ok());
        if let Some(mut arguments) = arguments {
            for pointer in ["/uri", "/ref/uri"] {
                let is_it = arguments.root().pointer(pointer).and_then(Value::as_str).as_deref() == Some(uri);
                if is_it && let Ok(changed) = arguments.replace(pointer, &Document::string(&spelling)) {
                    arguments = changed;
                }
            }
            other.arguments = Some(arguments.as_str().into());
        }
        other.entry = Some(Arc::new(unlisted(&spelling)));
        other.target = Some(spelling.into());
        other
    };
    other_spellings(uri).into_iter().map(respelled).collect()
}

/// Whether the target of a method can be a resource.
fn names_resource(method: &str) -> bool {
    method::lookup(method)
        .is_some_and(|method| method.places.iter().any(|place| place.noun == Noun::Resource))
}

/// What servers may make of a URI: its form after the URL standard, and what is left of that without escapes.
fn other_spellings(uri: &str) -> Vec<String> {
    let normal = url::Url::parse(uri).map_or_else(|_no_url| uri.to_owned(), String::from);
    let plain = unescape(&normal);
    let plain_again = url::Url::parse(&plain).map_or_else(|_no_url| plain.clone(), String::from);
    let mut spellings = vec![normal, plain, plain_again];
    spellings.retain(|spelling| spelling != uri);
    spellings.dedup();
    spellings
}

/// A text with its `%XX` resolved (RFC 3986 §2.1).
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped =
            after.split_first_chunk::<2>().filter(|_| *first == b'%').and_then(|(digits, after)| {
                let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
                Some((u8::from_str_radix(digits, 16).ok()?, after))
            });
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn refused(reason: &str) -> Judged<Opinion> {
    Judged {
        ruling: Opinion::Denied(Denial { reason: reason.to_owned(), ..Denial::default() }),
        rules: Vec::new(),
        evaluation: Duration::ZERO,
        call: None,
    }
}
