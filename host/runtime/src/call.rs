//! What a plugin judges: the host's view of a message.

use std::sync::Arc;

/// Which way a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// From the MCP client to the MCP server.
    ClientToServer,
    /// From the MCP server to the MCP client.
    ServerToClient,
}

/// The server's own definition of a tool, prompt, resource or resource template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The tool's or prompt's name, the resource's URI, the template's URI template.
    pub name: String,
    /// SHA-256 of `definition`, lower-case hex.
    pub digest: String,
    /// The definition: compact JSON text of an object.
    pub definition: String,
}

/// The message being judged.
///
/// All JSON is compact text that was parsed strictly before; this crate does not check it again.
#[derive(Clone, Debug)]
pub struct Call {
    /// The MCP method, such as `tools/call`.
    pub method: Arc<str>,
    /// Which way the message travels.
    pub direction: Flow,
    /// The upstream server's configured name.
    pub server: Arc<str>,
    /// The tool or prompt name or the resource URI, where the method has one.
    pub target: Option<Arc<str>>,
    /// The arguments or params: JSON text.
    pub arguments: Option<Arc<str>>,
    /// The server's definition of the target.
    pub entry: Option<Arc<Entry>>,
    /// The gateway's identifier of the session.
    pub session: Arc<str>,
    /// The authenticated caller.
    pub principal: Option<Arc<str>>,
    /// The caller's claims: JSON text of an object.
    pub claims: Option<Arc<str>>,
    /// Milliseconds since the Unix epoch.
    pub time: u64,
}

/// The result being judged.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Whether the server reports a failure: `isError` of a tool result, or a JSON-RPC error.
    pub is_error: bool,
    /// The result, or the JSON-RPC error object: JSON text.
    pub value: Arc<str>,
}
