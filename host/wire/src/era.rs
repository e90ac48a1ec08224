//! MCP revisions and what each allows.
//!
//! Two eras: *legacy* (an `initialize` handshake opens a session, the server may send requests) and
//! *modern* (2026-07-28: stateless, each request describes itself in `params._meta`).

use std::fmt;
use std::str::FromStr;

/// A published revision of the Model Context Protocol, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(non_camel_case_types, reason = "the underscores are the dashes of the published names")]
pub enum Revision {
    /// 2024-11-05
    V2024_11_05,
    /// 2025-03-26
    V2025_03_26,
    /// 2025-06-18
    V2025_06_18,
    /// 2025-11-25
    V2025_11_25,
    /// 2026-07-28
    V2026_07_28,
}

/// How a peer talks: with sessions or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// 2024-11-05 to 2025-11-25: `initialize`, sessions, requests in both directions.
    Legacy,
    /// 2026-07-28: stateless, POST only, requests only from client to server.
    Modern,
}

/// Which HTTP transport a revision defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HttpTransport {
    /// HTTP+SSE: GET gives an event stream whose first event names the URI to POST to.
    EventStream,
    /// Streamable HTTP with `Mcp-Session-Id`, GET, DELETE and resumption.
    Sessions,
    /// Streamable HTTP, POST only.
    Stateless,
}

/// Whether the `MCP-Protocol-Version` header has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionHeader {
    /// The revision does not know it.
    Unknown,
    /// On every request after `initialize`; absent means 2025-03-26.
    AfterInitialize,
    /// On every request, equal to the body's `_meta`.
    Always,
}

/// Whether a JSON array of messages may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Batches {
    /// Not mentioned, or removed.
    Refused,
    /// A receiver must take them: it reads with [`Incoming::parse`](crate::message::Incoming::parse), where
    /// others read with [`Message::parse`](crate::message::Message::parse).
    Mandatory,
}

/// What one revision allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The revision these are the rules of.
    pub revision: Revision,
    /// Its published name.
    pub name: &'static str,
    /// Its era.
    pub era: Era,
    /// Its HTTP transport.
    pub http: HttpTransport,
    /// Its rule for `MCP-Protocol-Version`.
    pub version_header: VersionHeader,
    /// Its rule for batches.
    pub batches: Batches,
    /// The JSON-RPC error code for a resource that does not exist.
    pub resource_not_found: i64,
}

/// All revisions, oldest first.
pub const REVISIONS: [Rules; 5] = {
    use Revision::{V2024_11_05, V2025_03_26, V2025_06_18, V2025_11_25, V2026_07_28};
    use VersionHeader::{AfterInitialize, Always, Unknown};
    [
        rules(V2024_11_05, "2024-11-05", HttpTransport::EventStream, Unknown, Batches::Refused),
        rules(V2025_03_26, "2025-03-26", HttpTransport::Sessions, Unknown, Batches::Mandatory),
        rules(V2025_06_18, "2025-06-18", HttpTransport::Sessions, AfterInitialize, Batches::Refused),
        rules(V2025_11_25, "2025-11-25", HttpTransport::Sessions, AfterInitialize, Batches::Refused),
        rules(V2026_07_28, "2026-07-28", HttpTransport::Stateless, Always, Batches::Refused),
    ]
};

const fn rules(
    revision: Revision,
    name: &'static str,
    http: HttpTransport,
    version_header: VersionHeader,
    batches: Batches,
) -> Rules {
    let era = match http {
        HttpTransport::Stateless => Era::Modern,
        _ => Era::Legacy,
    };
    Rules { revision, name, era, http, version_header, batches, resource_not_found: era.resource_not_found() }
}

impl Revision {
    /// The newest revision with sessions, which servers offer when asked for one they do not know.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;
    /// The newest revision.
    pub const LATEST: Self = Self::V2026_07_28;

    /// Reads a published name, such as `2025-11-25`.
    ///
    /// # Errors
    /// [`UnknownRevision`] for anything else.
    pub fn parse(name: &str) -> Result<Self, UnknownRevision> {
        REVISIONS
            .iter()
            .find(|rules| rules.name == name)
            .map(|rules| rules.revision)
            .ok_or_else(|| UnknownRevision { name: name.chars().take(32).collect() })
    }

    /// The published name.
    pub const fn as_str(self) -> &'static str {
        self.rules().name
    }

    /// The era it belongs to.
    pub const fn era(self) -> Era {
        self.rules().era
    }

    /// What it allows.
    pub const fn rules(self) -> &'static Rules {
        let [first, second, third, fourth, fifth] = &REVISIONS;
        match self {
            Self::V2024_11_05 => first,
            Self::V2025_03_26 => second,
            Self::V2025_06_18 => third,
            Self::V2025_11_25 => fourth,
            Self::V2026_07_28 => fifth,
        }
    }
}

impl Era {
    /// The JSON-RPC error code for a resource that does not exist.
    pub const fn resource_not_found(self) -> i64 {
        match self {
            Self::Legacy => -32002,
            Self::Modern => -32602,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Revision {
    type Err = UnknownRevision;

    fn from_str(name: &str) -> Result<Self, UnknownRevision> {
        Self::parse(name)
    }
}

/// A protocol version nobody published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown MCP protocol version {name:?}")]
pub struct UnknownRevision {
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_round_trips() {
        assert!(REVISIONS.is_sorted_by(|a, b| a.revision < b.revision && a.name < b.name));
        for rules in &REVISIONS {
            assert_eq!(Revision::parse(rules.name), Ok(rules.revision));
            assert_eq!(rules.name.parse(), Ok(rules.revision));
            assert_eq!(rules.revision.rules(), rules);
            assert_eq!(rules.revision.to_string(), rules.name);
        }
    }

    #[test]
    fn eras_differ_where_the_specification_does() {
        assert_eq!(Revision::LATEST_LEGACY.era(), Era::Legacy);
        assert_eq!(Revision::LATEST.era(), Era::Modern);
        let batching: Vec<_> = REVISIONS.iter().filter(|r| r.batches == Batches::Mandatory).collect();
        assert_eq!(batching.len(), 1);
        assert_eq!(batching[0].revision, Revision::V2025_03_26);
        assert_eq!(Revision::V2025_11_25.rules().resource_not_found, -32002);
        assert_eq!(Revision::V2026_07_28.rules().resource_not_found, -32602);
    }

    #[test]
    fn unknown_names_are_refused() {
        for name in ["", "2025-11-24", "1999-01-01", " 2025-11-25", "2025-11-25 ", "draft"] {
            assert!(Revision::parse(name).is_err(), "{name:?}");
        }
        assert_eq!(Revision::parse(&"x".repeat(99)).unwrap_err().name.len(), 32);
    }
}
