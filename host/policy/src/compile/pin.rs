//! Which definitions tools must have: `pin`.
//!
//! Settings: `{"tools":{"name":["digest",…]},"rule":"/pin"}`.

use crate::document::PolicyDocument;
use crate::json::Json;
use crate::plan::Step;
use crate::rule::Pointer;

pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    let pin = document.pin.as_ref()?;
    let rule = Pointer::root().key("pin");
    let settings = Json::object([("tools", pin.lock.to_json()), ("rule", Json::from(rule.as_str()))]);
    Some(Step::builtin("pin", settings.to_string()))
}
