//! Tasks: what follows a call is judged as the call that began it.

use bartizan_audit::record::Record;
use bartizan_wire::denial;
use bartizan_wire::era::Era;
use bartizan_wire::json::{Document, Value};
use bartizan_wire::message::{Notification, Request, Response};

use super::record;
use super::reply::unchangeable;
use super::server::Answered;
use crate::judge::ReplyRuling;
use crate::memory::Changes;
use crate::session::Session;
use crate::tasks::{self, Origin};

impl Session {
    /// Remembers the call that a created task belongs to.
    pub(super) fn begin_task(&self, answered: &Answered, response: &Response) -> Result<(), Document> {
        let Answered { request, era, call, progress } = answered;
        let may_be_one = match era {
            Era::Legacy => request.params().is_some_and(|params| params.get("task").is_some()),
            Era::Modern => true,
        };
        let task = response.result().filter(|_| may_be_one).and_then(|result| tasks::created(result, *era));
        let Some(task) = task else { return Ok(()) };
        let origin =
            Origin { request: request.clone(), era: *era, call: call.clone(), progress: progress.clone() };
        if self.tasks.begin(&task, origin) {
            Ok(())
        } else {
            let problem =
                format!("The MCP server `{}` has given the same id to two tasks.", self.server.name);
            tracing::warn!(session = %self.id, server = %self.server.name, "two tasks have the same id");
            Err(denial::unavailable(request.id(), &problem))
        }
    }

    /// What the client gets of a task: its result is that of the call that began it.
    pub(super) fn guard_task(
        &self,
        answered: &Answered,
        response: Response,
        record: &mut Record,
        changes: &mut Changes,
    ) -> Result<Response, Document> {
        let Answered { request, era, .. } = answered;
        let task = request.params().and_then(|params| params.get("taskId")).and_then(Value::as_str);
        let Some(origin) = task.and_then(|task| self.tasks.origin(&task)) else {
            return Err(denial::hidden(request, *era));
        };
        match request.method() {
            "tasks/result" => {
                // A refusal looks like that of the call.
                let asked = origin.request.with_id(request.id()).unwrap_or_else(|_| request.clone());
                self.guard_reply((&asked, origin.era), &origin.call, response, record, changes)
            }
            "tasks/get" => {
                if let Some(questions) = response.result().and_then(|result| result.get("inputRequests")) {
                    self.judge_questions(request, questions, record)?;
                }
                let result = response.result().and_then(|result| result.get("result"));
                let response = match self.guard_result(&origin, request, result, record, changes) {
                    None => response,
                    Some(Ok(instead)) => response
                        .with_result("/result", &instead)
                        .map_err(|error| denial::denied(request, &unchangeable(&error.to_string()), *era))?,
                    Some(Err(refused)) => return Err(refused),
                };
                self.guard_reply((request, *era), &origin.call, response, record, changes)
            }
            // What is said of a task is said of its call.
            _ => self.guard_reply((request, *era), &origin.call, response, record, changes),
        }
    }

    /// What stands for the result of a task: nothing if it is as it was, another result, or the answer
    /// instead.
    fn guard_result(
        &self,
        origin: &Origin,
        request: &Request,
        result: Option<Value<'_>>,
        record: &mut Record,
        changes: &mut Changes,
    ) -> Option<Result<Document, Document>> {
        let result = result?;
        let is_error = result.get("isError").and_then(Value::as_bool).unwrap_or(false);
        match self.judge_value(&origin.call, Some(result), is_error, record, changes) {
            ReplyRuling::Unchanged => None,
            ReplyRuling::Rewritten(instead) => Some(Ok(instead)),
            ReplyRuling::Denied(refusal) => {
                record::deny(record, &refusal);
                let asked = origin.request.with_id(request.id()).unwrap_or_else(|_| request.clone());
                let refused = denial::denied(&asked, &refusal, origin.era);
                // A refused tool call has a result that says so; anything else has an error.
                Some(match refused.pointer("/result") {
                    Some(result) => Ok(result.to_document()),
                    None => Err(refused),
                })
            }
        }
    }

    /// A notification about a task as the client is to get it; `None` if the client does not know the task
    /// or may not see its result so. Any other notification is as it was.
    pub(super) fn guard_task_notification(&self, notification: Notification) -> Option<Notification> {
        if !matches!(notification.method(), "notifications/tasks" | "notifications/tasks/status") {
            return Some(notification);
        }
        let params = notification.params()?;
        let origin = self.tasks.origin(&params.get("taskId")?.as_str()?)?;
        let call = &origin.call;
        let mut draft = self.draft(call, Some(origin.request.id()), None);
        let mut changes = Changes::default();
        let Some(result) = params.get("result") else {
            // What is said of it must be fit to be read as it is; it can be asked for.
            let fits = matches!(
                self.judge_value(call, Some(params), false, &mut draft, &mut changes),
                ReplyRuling::Unchanged
            );
            // Questions are asked when the client asks for the task.
            let goes_on = fits && params.get("inputRequests").is_none() && self.remember(&changes).is_ok();
            return goes_on.then(|| notification.clone());
        };
        let is_error = result.get("isError").and_then(Value::as_bool).unwrap_or(false);
        let ruling = self.judge_value(call, Some(result), is_error, &mut draft, &mut changes);
        if let Err(refusal) = self.remember(&changes) {
            self.write_denial(draft, &refusal);
            return None;
        }
        match ruling {
            ReplyRuling::Unchanged => Some(notification),
            ReplyRuling::Rewritten(instead) => {
                self.write(draft);
                notification.with_param("/result", &instead).ok()
            }
            ReplyRuling::Denied(refusal) => {
                self.write_denial(draft, &refusal);
                None
            }
        }
    }
}
