//! Changing a message without reading all of it again.

use std::ops::Range;

use super::{Id, IdError, RewriteError};
use crate::json::{Document, EditError};

/// A message with another id, and where that is.
pub(super) fn with_id(
    document: &Document,
    before: &Range<usize>,
    id: &Id,
) -> Result<(Document, Range<usize>), RewriteError> {
    let length = id.as_json().len();
    if length > Id::MAX_LENGTH {
        return Err(RewriteError::Message(IdError::TooLong { length }.into()));
    }
    Ok((document.splice(before, id.as_json()), before.start..before.start + length))
}

/// Where a member is when the id, another one, has become longer or shorter.
pub(super) fn moved(span: &Range<usize>, before: &Range<usize>, now: &Range<usize>) -> Range<usize> {
    if span.start < before.start {
        span.clone()
    } else {
        let place = |at: usize| at + now.end - before.end;
        place(span.start)..place(span.end)
    }
}

/// A pointer from a member of the message as one from the message. Without its slash it would name another
/// member, `paramsx` for `x`.
pub(super) fn from_root(member: &str, pointer: &str) -> Result<String, EditError> {
    if pointer.is_empty() || pointer.starts_with('/') {
        Ok(format!("/{member}{pointer}"))
    } else {
        Err(EditError::NotFound { pointer: pointer.to_owned() })
    }
}
