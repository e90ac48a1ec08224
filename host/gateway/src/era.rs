//! The eras that are served: the legacy one, so far.

use std::borrow::Cow;

use bartizan_wire::denial;
use bartizan_wire::era::{Era, HttpTransport, REVISIONS, Revision};
use bartizan_wire::json::Document;
use bartizan_wire::message::Request;

/// Where a request of the modern era names its revision.
const VERSION: &str = "/_meta/io.modelcontextprotocol~1protocolVersion";

/// The answer to a request of the modern era: that its revision is not served, and which are. `None` for
/// a request of the legacy era. `header` is the revision that the transport names.
pub(crate) fn refuse_modern(request: &Request, header: Option<Revision>) -> Option<Document> {
    let named = request.params().and_then(|params| params.pointer(VERSION));
    let requested = match (named, header) {
        (Some(named), _) => named.as_str().map_or_else(|| named.text().to_owned(), Cow::into_owned),
        (None, Some(revision)) if revision.era() == Era::Modern => revision.as_str().to_owned(),
        (None, _) => return None,
    };
    let supported: Vec<Revision> = REVISIONS
        .iter()
        .filter(|rules| rules.era == Era::Legacy && rules.http == HttpTransport::Sessions)
        .map(|rules| rules.revision)
        .collect();
    Some(denial::unsupported_version(request.id(), &requested, &supported))
}
