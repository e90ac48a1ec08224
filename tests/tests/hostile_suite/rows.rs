//! The table: each plugin of `tests/hostile` and what must hold of it.

use Answer::{Denies, Fails, Passes};
use Holds::{Ends, Serves, ServesGranted, Unconfigurable, Unloadable};

/// What must hold of a plugin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holds {
    /// It is not loaded, for a reason with these words.
    Unloadable(&'static str),
    /// It is loaded and does not take its settings, for a reason with these words.
    Unconfigurable(&'static str),
    /// It is loaded and configured, and a call of the tool `echo` that it judges comes to this.
    Serves(Answer),
    /// The same where it is granted this capability. A host that does not know the capability names it.
    ServesGranted(&'static str, Answer),
    /// Whether it is loaded is not said, but that this is known within 30 s, and takes bounded memory.
    Ends,
}

/// What comes of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// It reaches the server, whose answer comes back.
    Passes,
    /// It is refused, with these words.
    Denies(&'static str),
    /// The plugin fails with this code, so the call is refused.
    Fails(&'static str),
}

/// A plugin and what must hold of it.
pub(crate) type Row = (&'static str, Holds);

pub(crate) const ROWS: &[Row] = &[
    // What is no plugin.
    ("file-empty", Unloadable("is not WebAssembly")),
    ("file-text", Unloadable("is not WebAssembly")),
    ("file-program", Unloadable("is not WebAssembly")),
    ("file-garbage", Unloadable("")),
    ("file-truncated", Unloadable("")),
    ("file-native", Unloadable("precompiled native code")),
    ("file-of-100-mb", Unloadable("more than the limit of 67108864")),
    ("module-without-a-contract", Unloadable("without a `component-type` section")),
    ("exports-nothing", Unloadable("does not fit the contract")),
    ("exports-no-hook", Unloadable("exports none of the hooks")),
    ("exports-no-configure", Unloadable("does not fit the interface it declares")),
    ("exports-wrong-types", Unloadable("does not fit the contract")),
    ("exports-another-version", Unloadable("`bartizan:policy/types@0.2.0`")),
    // What wants more than there is.
    ("imports-a-core-function", Unloadable("does not fit the interface it declares")),
    ("imports-a-later-function", Unloadable("weather")),
    ("imports-a-secret", Unloadable("`bartizan:policy/secrets@0.1.0`")),
    ("imports-another-version", Unloadable("`bartizan:policy/call@0.2.0`")),
    ("imports-files-and-clocks", Unloadable("wasi:")),
    ("imports-long-names", Unloadable("wasi:n0/aaa")),
    ("imports-sockets-and-http", Unloadable("`wasi:sockets/tcp@0.2.0`")),
    ("imports-the-rest-of-wasi", Unloadable("`wasi:keyvalue/store@0.2.0`")),
    ("imports-what-was-not-granted", Unloadable("bartizan:policy/log@0.1.0")),
    ("asks-for-everything", Unloadable("asks for `root`")),
    ("declares-64-bit-memory", Unloadable("does not compile")),
    ("declares-a-table", Unloadable("table")),
    ("declares-exceptions", Unloadable("does not compile")),
    ("declares-many-memories", Unloadable("memory")),
    ("declares-many-small-tables", Unloadable("table")),
    ("declares-memory", Unloadable("memory")),
    ("declares-shared-memory", Unloadable("does not compile")),
    ("declares-structs", Unloadable("does not compile")),
    ("nested-many-instances", Unloadable("")),
    // What does not get as far as to describe itself.
    ("start-loop", Unloadable("not done within 2000 ms")),
    ("start-trap", Unloadable("it trapped")),
    ("describe-loop", Unloadable("not done within 2000 ms")),
    ("describe-trap", Unloadable("it trapped")),
    ("describe-recursion", Unloadable("it exhausted its stack")),
    ("describe-hoards", Unloadable("memory limit of 67108864 reached")),
    ("describe-grows-a-table", Unloadable("table limit of 20000 reached")),
    ("describe-reads-the-call", Unloadable("`call` was read outside of its hooks")),
    ("post-return-loop", Unloadable("not done within 2000 ms")),
    // What describes itself as nothing may.
    ("describe-bad-name", Unloadable("`name` must be 1 to 64 lower-case letters")),
    ("describe-endless-lists", Unloadable("its answer is unusable")),
    ("describe-far-pointer", Unloadable("its answer is unusable")),
    ("describe-giant-summary", Unloadable("its answer is unusable")),
    ("describe-invalid-utf8", Unloadable("its answer is unusable")),
    ("describe-long-name", Unloadable("`name` must be 1 to 64 lower-case letters")),
    ("describe-long-summary", Unloadable("`summary` is longer than 64 KiB")),
    ("describe-many-interests", Unloadable("`interests` has more than 64 entries")),
    ("describe-no-schema", Unloadable("`settings-schema` must be a JSON object")),
    ("describe-odd-pointer", Unloadable("its answer is unusable")),
    // What does not take its settings.
    ("configure-bad-answer", Unconfigurable("its answer is unusable")),
    ("configure-giant-error", Unconfigurable("its answer is unusable")),
    ("configure-hoards", Unconfigurable("memory limit of 67108864 reached")),
    ("configure-long-error", Unconfigurable("refuses its settings")),
    ("configure-loop", Unconfigurable("not done within 2000 ms")),
    ("configure-reads-the-call", Unconfigurable("`call` was read outside of its hooks")),
    ("configure-terminal-error", Unconfigurable("refuses its settings")),
    ("configure-trap", Unconfigurable("it trapped")),
    ("realloc-far", Unconfigurable("")),
    ("realloc-loop", Unconfigurable("not done within 2000 ms")),
    ("realloc-reenters", Unconfigurable("cannot leave component instance")),
    ("realloc-trap", Unconfigurable("it trapped")),
    ("realloc-wraps", Unconfigurable("")),
    // What misbehaves when it judges a call.
    ("check-answer-at-the-edge", Serves(Fails("answer"))),
    ("check-counts-calls", Serves(Passes)),
    ("check-division", Serves(Fails("trap"))),
    ("check-endless-charges", Serves(Fails("answer"))),
    ("check-endless-notes", Serves(Fails("answer"))),
    ("check-endless-window", Serves(Fails("answer"))),
    ("check-every-second-traps", Serves(Fails("trap"))),
    ("check-fails-at-length", Serves(Fails("failed"))),
    ("check-fails-from-afar", Serves(Fails("answer"))),
    ("check-far-answer", Serves(Fails("answer"))),
    ("check-fills-memory-forever", Serves(Fails("timeout"))),
    ("check-giant-pointer", Serves(Fails("answer"))),
    ("check-grows-a-table", Serves(Fails("memory"))),
    ("check-hoards", Serves(Fails("memory"))),
    ("check-host-writes-afar", Serves(Fails("answer"))),
    ("check-invalid-utf8", Serves(Fails("answer"))),
    ("check-long-charge", Serves(Fails("answer"))),
    ("check-long-message", Serves(Fails("answer"))),
    ("check-long-note", Serves(Fails("answer"))),
    ("check-long-pointers", Serves(Fails("timeout"))),
    ("check-long-rule", Serves(Fails("answer"))),
    ("check-loop", Serves(Fails("timeout"))),
    ("check-many-charges", Serves(Fails("answer"))),
    ("check-nan-bits", Serves(Passes)),
    ("check-odd-answer", Serves(Fails("answer"))),
    ("check-overlapping-notes", Serves(Fails("answer"))),
    ("check-post-return-loop", Serves(Fails("timeout"))),
    ("check-post-return-trap", Serves(Fails("trap"))),
    ("check-reads-forever", Serves(Fails("timeout"))),
    ("check-reads-the-reply", Serves(Fails("contract"))),
    ("check-reads-the-tool-forever", Serves(Fails("timeout"))),
    ("check-recursion", Serves(Fails("stack"))),
    ("check-rewrites", Serves(Denies("has no grant (`rewrite-arguments`)"))),
    ("check-slow", Serves(Passes)),
    ("check-slow-at-times", Serves(Passes)),
    ("check-surrogates", Serves(Fails("answer"))),
    ("check-terminal-message", Serves(Denies("all is well"))),
    ("check-trap", Serves(Fails("trap"))),
    ("check-unknown-option", Serves(Fails("answer"))),
    ("check-unknown-scope", Serves(Fails("answer"))),
    ("check-unknown-verdict", Serves(Fails("answer"))),
    ("check-uses-what-it-may", Serves(Passes)),
    ("check-wants-everything", Serves(Fails("memory"))),
    ("check-wrapping-words", Serves(Fails("answer"))),
    ("configure-fills-memory", Serves(Passes)),
    ("visible-endless", Serves(Fails("answer"))),
    ("visible-loop", Serves(Fails("timeout"))),
    ("visible-none-of-them", Serves(Fails("answer"))),
    ("visible-too-many", Serves(Fails("answer"))),
    ("reply-loop", Serves(Fails("timeout"))),
    ("reply-reads-forever", Serves(Fails("timeout"))),
    ("reply-rewrites", Serves(Denies("has no grant (`rewrite-results`)"))),
    // What uses too much of what it was granted.
    ("log-flood", ServesGranted("log", Passes)),
    ("log-forever", ServesGranted("log", Fails("timeout"))),
    ("log-unknown-level", ServesGranted("log", Fails("answer"))),
    ("memory-flood", ServesGranted("memory", Fails("contract"))),
    ("memory-giant-value", ServesGranted("memory", Fails("contract"))),
    // What is more work to compile than it is worth.
    ("compile-branch-table", Unloadable("does not compile")),
    ("compile-branch-tables", Ends),
    ("compile-deep-blocks", Ends),
    ("compile-loops-and-locals", Ends),
    ("compile-many-functions", Ends),
    ("compile-one-function", Ends),
    ("declares-deep-types", Ends),
    ("declares-deep-types-in-a-section", Ends),
    ("declares-many-globals", Ends),
    ("declares-many-segments", Ends),
    ("nested-components-deep", Ends),
    ("nested-components-doubling", Ends),
];

/// The rows of which this holds.
pub(crate) fn those(holds: impl Fn(Holds) -> bool) -> impl Iterator<Item = Row> {
    ROWS.iter().copied().filter(move |(_, held)| holds(*held))
}
