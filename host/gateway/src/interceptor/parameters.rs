//! Arguments that travel in headers as well (`Mcp-Param-…`, 2026-07-28).
//!
//! What the client says in them is held against the arguments; what the server gets is made anew from the
//! arguments that are forwarded. Headers that the tool's definition does not speak of pass as they are.

use bartizan_runtime::Entry;
use bartizan_wire::headers::{MirrorError, Parameters};
use bartizan_wire::json::{Document, Limits, Value};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Arrival;

/// The beginning of all their names.
const PREFIX: &str = "mcp-param-";
/// The longest definition, in bytes, that is looked through for each call.
const LONGEST: usize = 256 << 10;

/// The headers that go with a request.
pub(super) fn headers(
    arrival: &Arrival,
    entry: Option<&Entry>,
    arguments: Option<Value<'_>>,
) -> Result<HeaderMap, MirrorError> {
    let Some(parameters) = read(entry) else { return Ok(arrival.headers.clone().unwrap_or_default()) };
    let mut headers = HeaderMap::new();
    if let Some(received) = &arrival.headers {
        let texts = received.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        parameters.check(texts, arguments)?;
        headers.clone_from(received);
    }
    set(&mut headers, &parameters, arguments);
    Ok(headers)
}

/// Makes the headers anew for other arguments.
pub(super) fn mirror(headers: &mut HeaderMap, entry: Option<&Entry>, arguments: Option<Value<'_>>) {
    if let Some(parameters) = read(entry) {
        set(headers, &parameters, arguments);
    }
}

fn set(headers: &mut HeaderMap, parameters: &Parameters, arguments: Option<Value<'_>>) {
    for name in parameters.names() {
        if let Ok(name) = HeaderName::try_from(name) {
            headers.remove(name);
        }
    }
    for (name, value) in parameters.mirror(arguments) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
}

/// What a tool's definition says. One that says something invalid says nothing: a client has to leave such
/// a tool alone.
fn read(entry: Option<&Entry>) -> Option<Parameters> {
    let definition = &entry?.definition;
    if definition.len() > LONGEST || !definition.contains("x-mcp-header") {
        return None;
    }
    let definition = Document::parse(definition.as_bytes(), &Limits::default()).ok()?;
    Parameters::read(definition.root())
        .inspect_err(|error| tracing::debug!(%error, "a tool's headers are not usable"))
        .ok()
        .filter(|parameters| !parameters.is_empty())
}

/// Those of a request's headers that speak of arguments.
pub(crate) fn select(headers: &HeaderMap) -> HeaderMap {
    let mut selected = HeaderMap::new();
    for (name, value) in headers {
        if name.as_str().starts_with(PREFIX) {
            selected.append(name.clone(), value.clone());
        }
    }
    selected
}
