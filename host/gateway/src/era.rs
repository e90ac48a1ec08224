//! The eras that are served, and the requests that are no more part of theirs.

use bartizan_wire::denial;
use bartizan_wire::era::{Era, HttpTransport, REVISIONS, Revision};
use bartizan_wire::json::Document;
use bartizan_wire::message::Request;
use bartizan_wire::meta::{Meta, MetaError};

/// What a request of the modern era says of itself, or the answer to one that does not say it.
pub(crate) fn read_meta(request: &Request) -> Result<Meta<'_>, Document> {
    Meta::read(request).map_err(|error| match error {
        MetaError::Invalid { .. } => denial::invalid_params(request.id(), &error.to_string()),
        MetaError::Unsupported { requested } => {
            denial::unsupported_version(request.id(), &requested, &revisions(Era::Modern))
        }
    })
}

/// The answer to a request of the modern era for a server that does not speak it: an error that is none of
/// that era's own, since a client that gets one of those does not go on with `initialize`.
pub(crate) fn refuse_modern(request: &Request) -> Document {
    denial::unknown_method(request.id())
}

/// The revisions of an era that are served over Streamable HTTP.
fn revisions(era: Era) -> Vec<Revision> {
    REVISIONS
        .iter()
        .filter(|rules| rules.era == era && rules.http != HttpTransport::EventStream)
        .map(|rules| rules.revision)
        .collect()
}
