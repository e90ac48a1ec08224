//! `Accept` and `Content-Type` (RFC 9110 §12.5.1 and §8.3).

/// What a client says it can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accept {
    /// It takes `application/json`.
    pub json: bool,
    /// It takes `text/event-stream`.
    pub event_stream: bool,
}

impl Accept {
    /// Reads an `Accept` header. Absent means everything, as does `*/*`; the most specific range decides,
    /// and `q=0` refuses.
    pub fn parse(value: Option<&str>) -> Self {
        let Some(value) = value else { return Self { json: true, event_stream: true } };
        Self { json: takes(value, "application", "json"), event_stream: takes(value, "text", "event-stream") }
    }

    /// It takes both, as Streamable HTTP requires of every POST.
    pub fn both(self) -> bool {
        self.json && self.event_stream
    }
}

fn takes(accept: &str, kind: &str, subtype: &str) -> bool {
    accept
        .split(',')
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let (its_kind, its_subtype) = parts.next()?.split_once('/')?;
            let exact = |own: &str, wanted: &str| own.eq_ignore_ascii_case(wanted);
            let specificity = match (its_kind, its_subtype) {
                ("*", "*") => 0,
                (own, "*") if exact(own, kind) => 1,
                (own, own_subtype) if exact(own, kind) && exact(own_subtype, subtype) => 2,
                _ => return None,
            };
            Some((specificity, !parts.any(is_refusal)))
        })
        .max()
        .is_some_and(|(_, wanted)| wanted)
}

/// `q=0`, `q=0.`, `q=0.000`.
fn is_refusal(parameter: &str) -> bool {
    let weight = parameter.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("q"));
    weight.is_some_and(|(_, weight)| weight.starts_with('0') && !weight.contains(|c| matches!(c, '1'..='9')))
}

/// Why a request body's type is refused. MCP clients send nothing else, and a simple browser form (which
/// needs no CORS preflight) cannot send this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentTypeError {
    /// There is no `Content-Type`.
    #[error("Content-Type is missing: send application/json")]
    Missing,
    /// It is another type.
    #[error("Content-Type must be application/json")]
    NotJson,
    /// It has a parameter other than one `charset=utf-8`: another reader may decode the body otherwise.
    #[error("Content-Type must be application/json in UTF-8, without other parameters")]
    Parameter,
}

/// Checks that a body is `application/json`, with no parameter but `charset=utf-8`.
///
/// # Errors
/// [`ContentTypeError`].
pub fn check_content_type(value: Option<&str>) -> Result<(), ContentTypeError> {
    let mut parts = value.ok_or(ContentTypeError::Missing)?.split(';').map(str::trim);
    if !parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
        return Err(ContentTypeError::NotJson);
    }
    match (parts.next(), parts.next()) {
        (None, _) => Ok(()),
        (Some(parameter), None) if is_utf8(parameter) => Ok(()),
        _ => Err(ContentTypeError::Parameter),
    }
}

fn is_utf8(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        name.eq_ignore_ascii_case("charset") && value.eq_ignore_ascii_case("utf-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept() {
        let cases = [
            (None, true, true),
            (Some("*/*"), true, true),
            (Some("application/json, text/event-stream"), true, true),
            (Some("Application/JSON;q=0.5 , TEXT/event-stream"), true, true),
            (Some("application/json"), true, false),
            (Some("text/event-stream"), false, true),
            (Some("text/*"), false, true),
            (Some("application/*, text/html"), true, false),
            (Some("text/event-stream;q=0, */*"), true, false),
            (Some("*/*;q=0, application/json"), true, false),
            (Some("text/event-stream; q=0.000"), false, false),
            (Some("text/event-stream; q=0.001"), false, true),
            (Some(""), false, false),
            (Some("application/jsonx"), false, false),
            (Some("json"), false, false),
        ];
        for (value, json, event_stream) in cases {
            let accept = Accept::parse(value);
            assert_eq!(accept, Accept { json, event_stream }, "{value:?}");
            assert_eq!(accept.both(), json && event_stream);
        }
    }

    #[test]
    fn content_type() {
        use ContentTypeError::{Missing, NotJson, Parameter};
        let cases = [
            (None, Err(Missing)),
            (Some("application/json"), Ok(())),
            (Some(" APPLICATION/json ; Charset=UTF-8 "), Ok(())),
            (Some("application/json;charset=\"utf-8\""), Ok(())),
            (Some("application/json; charset=utf-16"), Err(Parameter)),
            (Some("application/json; charset=utf-8; charset=utf-16"), Err(Parameter)),
            (Some("application/json; boundary=x"), Err(Parameter)),
            (Some("application/json;"), Err(Parameter)),
            (Some("text/plain"), Err(NotJson)),
            (Some("application/json-rpc"), Err(NotJson)),
            (Some("application/json, text/plain"), Err(NotJson)),
            (Some(""), Err(NotJson)),
        ];
        for (value, outcome) in cases {
            assert_eq!(check_content_type(value), outcome, "{value:?}");
        }
    }
}
