//! Tasks: calls whose result comes later, and the calls that began them.
//!
//! What follows a task (`tasks/get`, `tasks/result`, …) names no tool. So the gateway remembers which call
//! began each task: whoever may not know the call does not know the task, and what the task brings is
//! judged as the result of that call.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bartizan_runtime::Call;
use bartizan_wire::era::Era;
use bartizan_wire::json::Value;
use bartizan_wire::message::{Id, Request};
use parking_lot::Mutex;

/// How many tasks are remembered; the oldest are forgotten first, and unknown then.
const MOST: usize = 10_000;

/// The call that began a task.
#[derive(Debug)]
pub(crate) struct Origin {
    /// As the client sent it.
    pub(crate) request: Request,
    pub(crate) era: Era,
    /// As it was forwarded.
    pub(crate) call: Arc<Call>,
    /// What the server and the client know the progress of the call by.
    pub(crate) progress: Option<(Id, Id)>,
}

/// The tasks of one server, or of one session with a server that is its own.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    origins: HashMap<String, Arc<Origin>>,
    order: VecDeque<String>,
}

impl Tasks {
    /// Remembers which call began a task. False if the server has used this id before: what it brings
    /// could not be told apart.
    pub(crate) fn begin(&self, task: &str, origin: Origin) -> bool {
        let mut content = self.0.lock();
        if content.origins.contains_key(task) {
            return false;
        }
        if content.order.len() >= MOST
            && let Some(oldest) = content.order.pop_front()
        {
            content.origins.remove(&oldest);
        }
        content.origins.insert(task.to_owned(), Arc::new(origin));
        content.order.push_back(task.to_owned());
        true
    }

    /// The call that began a task.
    pub(crate) fn origin(&self, task: &str) -> Option<Arc<Origin>> {
        self.0.lock().origins.get(task).cloned()
    }

    /// The client's token for the progress of a task whose call a session forwarded under this number.
    pub(crate) fn progress(&self, session: &str, number: &Id) -> Option<Id> {
        let content = self.0.lock();
        content.origins.values().find_map(|origin| match &origin.progress {
            Some((known, token)) if known == number && *origin.call.session == *session => {
                Some(token.clone())
            }
            _ => None,
        })
    }
}

/// The id of the task that a result is, if it is one: flat in the modern era, under `task` before.
pub(crate) fn created(result: Value<'_>, era: Era) -> Option<String> {
    let task = match era {
        Era::Legacy => result.get("task")?,
        Era::Modern => {
            if result.get("resultType").and_then(Value::as_str).as_deref() != Some("task") {
                return None;
            }
            result.get("task").unwrap_or(result)
        }
    };
    task.get("taskId").and_then(Value::as_str).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bartizan_wire::json::Document;

    #[test]
    fn a_created_task_is_recognised_in_either_era() {
        for (era, result, expected) in [
            (Era::Legacy, serde_json::json!({"task": {"taskId": "a"}}), Some("a")),
            (Era::Legacy, serde_json::json!({"taskId": "a"}), None),
            (Era::Modern, serde_json::json!({"resultType": "task", "taskId": "b"}), Some("b")),
            (Era::Modern, serde_json::json!({"resultType": "task", "task": {"taskId": "c"}}), Some("c")),
            (Era::Modern, serde_json::json!({"resultType": "complete", "taskId": "d"}), None),
        ] {
            let document = Document::from(&result);
            assert_eq!(created(document.root(), era).as_deref(), expected, "{result}");
        }
    }
}
