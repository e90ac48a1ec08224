//! Plugins that a policy names.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::{Anything, transform};

/// A plugin from the plugins folder.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = transform::plugin)]
pub(super) struct Plugin {
    /// The file's name without `.wasm`: lower-case letters and digits with hyphens between them. Names of built-in
    /// plugins are not for use here.
    #[schemars(rename = "use", length(max = 64), regex(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    name: String,
    /// For the plugin; which keys it takes is the plugin's affair.
    #[schemars(extend("default" = {}))]
    settings: Option<BTreeMap<String, Anything>>,
    /// Names and globs of targets. By itself: the plugin is asked for `tools/call` and `tools/list` of these tools only.
    /// With `methods`: for those methods' targets. Without it: for all that the plugin declares.
    #[schemars(length(min = 1), extend("uniqueItems" = true), inner(regex(pattern = r"^[^\s\x00-\x1f\x7f]+$")))]
    tools: Option<Vec<String>>,
    /// Names and globs of MCP methods for which the plugin is asked. Without it: all that the plugin declares.
    #[schemars(length(min = 1), extend("uniqueItems" = true), inner(regex(pattern = r"^[^\s\x00-\x1f\x7f]+$")))]
    methods: Option<Vec<String>>,
    /// Whether its decisions count.
    #[schemars(extend("default" = "enforce"))]
    mode: Option<Mode>,
    /// What becomes of a call when the plugin fails.
    #[schemars(extend("default" = "deny"))]
    on_error: Option<OnError>,
    /// What the plugin may do if it asks for it.
    #[schemars(extend("default" = []))]
    grants: Option<Vec<Grant>>,
    /// Where the plugin may send requests. With the grant `"http"`, and only then.
    http: Option<HttpAccess>,
    /// What the plugin may use. What is not said follows from its size.
    sandbox: Option<Sandbox>,
}

/// Where a plugin may send requests.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct HttpAccess {
    /// Origins: a scheme, a host and perhaps a port, such as `https://pdp.example.com` or `http://127.0.0.1:8181`.
    #[schemars(length(min = 1), extend("uniqueItems" = true), inner(regex(pattern = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\s]+$")))]
    origins: Vec<String>,
    /// Milliseconds until a request is given up, for the whole response.
    #[schemars(range(min = 1, max = 10_000), extend("default" = 2_000))]
    timeout_ms: Option<u32>,
}

/// The limits of one plugin.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = transform::sandbox)]
pub(super) struct Sandbox {
    /// The size class whose limits it has. Without it: by the size of its file.
    class: Option<Class>,
    /// Milliseconds for one evaluation: 100 for a small plugin, 250 for a large one.
    deadline_ms: Option<u32>,
    /// Milliseconds for `configure`: 2,000 and 20,000.
    load_deadline_ms: Option<u32>,
    /// MiB of memory: 64 and 256. A small plugin cannot have more than 256.
    memory_mib: Option<u32>,
    /// KiB that it may hand to the host at once: 2,048.
    output_kib: Option<u32>,
    /// Lines of one evaluation that are kept in the log: 16.
    log_lines: Option<u32>,
    /// What one instance of it serves for.
    #[schemars(extend("default" = "pristine"))]
    isolation: Option<Isolation>,
    /// With `"isolation": "reuse"`: evaluations until an instance is dropped. Without it: 1,000.
    invocations: Option<u32>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum Class {
    /// A rule without a large runtime: Rust, C, Zig, QuickJS.
    Small,
    /// A rule that brings one: Go, SpiderMonkey, Python.
    Large,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum Isolation {
    /// One evaluation, which starts from the memory that `configure` left.
    Pristine,
    /// One evaluation, before which it is configured.
    Fresh,
    /// Several evaluations: each can see what earlier ones left in memory.
    Reuse,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum Mode {
    /// They are carried out.
    Enforce,
    /// They are in the log and change nothing.
    Monitor,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum OnError {
    /// It is refused.
    Deny,
    /// It goes on.
    Allow,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "kebab-case")]
enum Grant {
    /// Replace the arguments of a call.
    RewriteArguments,
    /// Replace a result.
    RewriteResults,
    /// Write to the gateway's log.
    Log,
    /// Remember something of the session.
    Memory,
    /// Send requests to the origins under `http`.
    Http,
}
