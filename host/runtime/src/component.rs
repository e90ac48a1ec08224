//! A plugin's code: compiled, checked against the contract, and described. Not configured yet.

use std::sync::Arc;

use bartizan_pattern::Pattern;
use sha2::{Digest, Sha256};
use wasmtime::component::InstancePre;

use crate::cache::Cache;
use crate::class::SizeClass;
use crate::contract::{self, Exports, HostState};
use crate::encode;
use crate::engine::Engine;
use crate::error::{EvaluationError, LoadError};
use crate::evaluate;
use crate::interfaces::Interfaces;
use crate::limits::Limits;
use crate::sandbox::Sandbox;
use crate::wasi;

/// Which of the optional hooks a plugin exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// Judges calls.
    pub calls: bool,
    /// Filters lists.
    pub listings: bool,
    /// Judges results.
    pub replies: bool,
}

/// Messages that a plugin wants to judge: globs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Methods. Empty: all.
    pub methods: Vec<String>,
    /// Targets. Empty: all, and messages without one.
    pub targets: Vec<String>,
}

/// What a plugin says of itself, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Lower case, digits and hyphens.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// A JSON Schema: JSON text.
    pub settings_schema: String,
    /// What it wants to judge. Empty: everything.
    pub interests: Vec<Interest>,
    /// The capabilities it needs, by name.
    pub asks: Vec<String>,
    /// Anything else: JSON text.
    pub metadata: String,
}

/// Something that a plugin can do only if it asks for it and the operator grants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Replace a call's arguments.
    RewriteArguments,
    /// Replace a result.
    RewriteResults,
    /// Write to the gateway's log: the interface `log`.
    Log,
    /// Remember something of the session: the interface `memory`.
    Memory,
    /// Send requests to hosts that the operator lists: the interface `http`.
    Http,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 5] =
        [Self::RewriteArguments, Self::RewriteResults, Self::Log, Self::Memory, Self::Http];

    /// The name in `describe` and in `grants`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RewriteArguments => "rewrite-arguments",
            Self::RewriteResults => "rewrite-results",
            Self::Log => "log",
            Self::Memory => "memory",
            Self::Http => "http",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.as_str() == name)
    }
}

/// A loaded plugin, to be configured with settings: [`Component::configure`].
pub struct Component {
    pub(crate) engine: Engine,
    /// The component's bytes, to snapshot.
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) pre: InstancePre<HostState>,
    pub(crate) exports: Arc<Exports>,
    pub(crate) limits: Limits,
    pub(crate) cache: Option<Cache>,
    pub(crate) sandbox: Sandbox,
    pub(crate) measured: SizeClass,
    /// Whether it imports WASI, of which it gets the locked profile.
    pub(crate) uses_wasi: bool,
    digest: Arc<str>,
    description: Arc<Description>,
    asks: Vec<Capability>,
    /// The capabilities whose interfaces it imports; it asks for all of them.
    pub(crate) imports: Vec<Capability>,
}

impl Component {
    /// Loads a component, or a core module with a `component-type` section: checks what it imports and
    /// exports, compiles it (or takes the compiled code from the cache) and lets it describe itself.
    ///
    /// Its limits are those of its size class, and what `sandbox` says instead. Takes tens of milliseconds of
    /// CPU per 100 kB when the cache does not have it.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] says what makes the file unusable.
    pub fn load(
        engine: &Engine,
        bytes: &[u8],
        sandbox: &Sandbox,
        cache: Option<&Cache>,
    ) -> Result<Self, LoadError> {
        let (component, measured) = encode::component(bytes, sandbox)?;
        let digest = hex(&Sha256::digest(bytes));
        Self::load_encoded(engine, component.into(), digest.into(), (sandbox, measured), cache)
    }

    /// The same with other limits, where those need another engine.
    pub(crate) fn with_sandbox(&self, sandbox: &Sandbox) -> Result<Self, LoadError> {
        let (bytes, digest) = (Arc::clone(&self.bytes), Arc::clone(&self.digest));
        Self::load_encoded(&self.engine, bytes, digest, (sandbox, self.measured), self.cache.as_ref())
    }

    fn load_encoded(
        engine: &Engine,
        bytes: Arc<[u8]>,
        digest: Arc<str>,
        (sandbox, measured): (&Sandbox, SizeClass),
        cache: Option<&Cache>,
    ) -> Result<Self, LoadError> {
        let engine = engine.of_class(sandbox.class.unwrap_or(measured))?;
        let limits = sandbox.limits(measured);
        limits.fit(&engine)?;
        let compiled = Cache::compile(cache, &engine, &digest, || Ok::<_, LoadError>(bytes.to_vec()))?;
        let Imports { needed, uses_wasi } = check_imports(&compiled, &engine)?;
        let pre = engine
            .linker(uses_wasi)
            .and_then(|linker| linker.instantiate_pre(&compiled))
            .map_err(|error| LoadError::Contract(format!("{error:#}")))?;
        let exports = Exports::resolve(&pre).map_err(|error| LoadError::Contract(format!("{error:#}")))?;
        let hooks = exports.hooks();
        if !(hooks.calls || hooks.listings || hooks.replies) {
            return Err(LoadError::NoHooks);
        }
        let (description, asks) = describe(&engine, &pre, &exports, &limits)?;
        if let Some((import, capability)) = needed.iter().find(|(_, capability)| !asks.contains(capability)) {
            return Err(LoadError::NotAsked { import: import.clone(), ask: capability.as_str() });
        }
        check_interests(&description.interests, hooks)?;
        Ok(Self {
            engine,
            bytes,
            pre,
            exports: Arc::new(exports),
            limits,
            cache: cache.cloned(),
            sandbox: sandbox.clone(),
            measured,
            uses_wasi,
            digest,
            description: Arc::new(description),
            asks,
            imports: needed.into_iter().map(|(_, capability)| capability).collect(),
        })
    }

    /// The size class that its limits come from: the operator's choice, or by its size.
    pub fn class(&self) -> SizeClass {
        self.engine.class()
    }

    /// What it may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// SHA-256 of the file, lower-case hex.
    pub fn digest(&self) -> &Arc<str> {
        &self.digest
    }

    /// What the plugin says of itself.
    pub fn description(&self) -> &Arc<Description> {
        &self.description
    }

    /// Which hooks it exports.
    pub fn hooks(&self) -> Hooks {
        self.exports.hooks()
    }

    /// The capabilities it asks for.
    pub fn asks(&self) -> &[Capability] {
        &self.asks
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("description", &self.description)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// What a component imports, all of which the host has.
struct Imports {
    /// The imports for which it must ask, by name.
    needed: Vec<(String, Capability)>,
    /// Whether WASI is among them.
    uses_wasi: bool,
}

/// Refuses what the host does not have.
fn check_imports(compiled: &wasmtime::component::Component, engine: &Engine) -> Result<Imports, LoadError> {
    let mut unknown = Vec::new();
    let mut imports = Imports { needed: Vec::new(), uses_wasi: false };
    for (name, _) in compiled.component_type().imports(engine.wasmtime()) {
        match contract::provides(name) {
            Some(provided) => {
                imports.needed.extend(provided.needs.map(|capability| (name.to_owned(), capability)));
            }
            None if wasi::provides(name) => imports.uses_wasi = true,
            None => unknown.push(name.to_owned()),
        }
    }
    if unknown.is_empty() { Ok(imports) } else { Err(LoadError::Imports { imports: unknown }) }
}

fn describe(
    engine: &Engine,
    pre: &InstancePre<HostState>,
    exports: &Exports,
    limits: &Limits,
) -> Result<(Description, Vec<Capability>), LoadError> {
    let _slot = engine
        .slot(limits.load_deadline)
        .ok_or(LoadError::Describe(EvaluationError::Busy { deadline: limits.load_deadline }))?;
    let _ticking = engine.ticking();
    let mut store = evaluate::store(engine, limits, limits.load_deadline, Interfaces::describing(limits));
    let failed = |error: wasmtime::Error| LoadError::Describe(limits.classify_load(&error));
    let instance = pre.instantiate(&mut store).map_err(failed)?;
    exports.check_types(&mut store, &instance).map_err(|error| LoadError::Contract(format!("{error:#}")))?;
    let description = exports.describe(&mut store, &instance).map_err(failed)?;
    let asks = check_description(&description)?;
    if asks.contains(&Capability::Log) {
        store.data_mut().interfaces.log.name(&description.name);
    }
    Ok((description, asks))
}

/// The longest text in a description, in bytes.
const DESCRIPTION_BYTES: usize = 64 * 1024;

fn check_description(description: &Description) -> Result<Vec<Capability>, LoadError> {
    let wrong = |field, problem: &str| LoadError::Description { field, problem: problem.to_owned() };
    let name_is_plain = (1..=64).contains(&description.name.len())
        && description
            .name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !name_is_plain {
        return Err(wrong("name", "must be 1 to 64 lower-case letters, digits and hyphens"));
    }
    for (field, text) in [
        ("version", &description.version),
        ("summary", &description.summary),
        ("settings-schema", &description.settings_schema),
        ("metadata", &description.metadata),
    ] {
        if text.len() > DESCRIPTION_BYTES {
            return Err(wrong(field, "is longer than 64 KiB"));
        }
    }
    for (field, text) in
        [("settings-schema", &description.settings_schema), ("metadata", &description.metadata)]
    {
        if let Err(error) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
            return Err(wrong(field, &format!("must be a JSON object: {error}")));
        }
    }
    description
        .asks
        .iter()
        .map(|ask| {
            Capability::parse(ask).ok_or_else(|| LoadError::UnknownAsk {
                ask: ask.clone(),
                known: Capability::ALL.map(|capability| format!("`{}`", capability.as_str())).join(", "),
            })
        })
        .collect()
}

/// The most interests, and patterns in one of them.
const PATTERNS: usize = 64;
/// The longest pattern, in bytes.
const PATTERN_BYTES: usize = 256;

/// Holds interests to their bounds, and to the hooks: a plugin that filters lists and is not interested in
/// any would filter nothing, silently.
fn check_interests(interests: &[Interest], hooks: Hooks) -> Result<(), LoadError> {
    let wrong = |problem: String| Err(LoadError::Description { field: "interests", problem });
    let mut patterns = interests.iter().flat_map(|interest| interest.methods.iter().chain(&interest.targets));
    if interests.len() > PATTERNS
        || interests.iter().any(|interest| interest.methods.len().max(interest.targets.len()) > PATTERNS)
        || patterns.any(|pattern| pattern.len() > PATTERN_BYTES)
    {
        return wrong(format!("has more than {PATTERNS} entries, or one longer than {PATTERN_BYTES} bytes"));
    }
    let is_list = |pattern: &Pattern| {
        ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]
            .iter()
            .any(|list| pattern.matches(list))
    };
    let filters = interests.is_empty()
        || interests.iter().any(|interest| {
            interest.methods.is_empty() || interest.methods.iter().map(Pattern::new).any(|p| is_list(&p))
        });
    if hooks.listings && !filters {
        return wrong(
            "names no list method such as `tools/list`, but the plugin exports `listings`".to_owned(),
        );
    }
    Ok(())
}

impl Description {
    /// Compiles the interests for matching.
    pub(crate) fn interests(&self) -> Vec<(Vec<Pattern>, Vec<Pattern>)> {
        let patterns = |globs: &[String]| globs.iter().map(Pattern::new).collect();
        self.interests
            .iter()
            .map(|interest| (patterns(&interest.methods), patterns(&interest.targets)))
            .collect()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)));
    text
}
