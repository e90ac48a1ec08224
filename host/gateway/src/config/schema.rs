//! The JSON Schema of the configuration, for editors.
//!
//! The types here mirror the configuration only to describe it; it is read by [`super::Config`], which knows
//! where things stand. Tests hold the two together.
#![allow(dead_code, reason = "the types describe documents and are never made")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::limits;

/// Where the schema is published.
pub const ID: &str = "https://github.com/bartizan/bartizan/raw/main/docs/schema/config.json";

/// The schema of a configuration: draft 2020-12, with that of policies in it.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Configuration>().to_value();
    strict(&mut schema);
    // What is described by hand is taken for required.
    for (place, required) in [("", json!(["mcpServers"])), ("/$defs/Server", json!([]))] {
        if let Some(object) = schema.pointer_mut(place).and_then(Value::as_object_mut) {
            object.insert("required".into(), required);
        }
    }
    let definitions = [("Limits", limits::schema()), ("Policy", bartizan_policy::schema::schema())];
    if let Some(root) = schema.as_object_mut() {
        root.insert("$id".into(), ID.into());
        if let Some(known) = root.entry("$defs").or_insert_with(|| json!({})).as_object_mut() {
            known.extend(definitions.map(|(name, definition)| (name.to_owned(), definition)));
        }
    }
    schema
}

/// The text of the published file: indented, keys sorted, a line break at the end.
pub fn text() -> String {
    format!("{:#}\n", sorted(schema()))
}

/// What is absent is left out; it is never null.
fn strict(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
            }
            members.values_mut().for_each(strict);
        }
        Value::Array(items) => items.iter_mut().for_each(strict),
        _ => {}
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<String, Value> =
                members.into_iter().map(|(key, member)| (key, sorted(member))).collect();
            Value::Object(members.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// What `bartizan serve` serves, and how.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Configuration", title = "Bartizan configuration")]
struct Configuration {
    /// For editors: where this schema is. Ignored.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// The IP address and port to listen on; port 0 chooses a free one.
    #[schemars(extend("default" = "127.0.0.1:8750"))]
    listen: Option<String>,
    /// A certificate, so that clients use https.
    tls: Option<Tls>,
    /// How much Bartizan takes, and how long it waits.
    #[schemars(schema_with = "limits_reference")]
    limits: Option<Value>,
    /// Further names that a request's `Host` may have.
    allowed_hosts: Option<Vec<String>>,
    /// Further web origins that a browser may call from.
    allowed_origins: Option<Vec<String>>,
    /// Where plugins are.
    plugins: Option<Plugins>,
    /// What outlives the gateway.
    state: Option<State>,
    /// The audit log.
    audit: Option<Audit>,
    /// How people are asked for approval.
    approvals: Option<Approvals>,
    /// The admin API of `serve`.
    admin: Option<Admin>,
    /// The servers, by name, as MCP clients configure them.
    #[schemars(rename = "mcpServers", extend("minProperties" = 1, "propertyNames" = {"pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"}))]
    servers: BTreeMap<String, Server>,
}

fn limits_reference(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "$ref": "#/$defs/Limits" })
}

fn policy(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/Policy" }] })
}

/// A certificate.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Tls {
    /// The path of the certificate and those of its issuers, in PEM.
    certificate: String,
    /// The path of its private key, in PEM.
    key: String,
}

/// Where plugins are.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Plugins {
    /// The plugins folder.
    dir: String,
    /// Whether plugins of the folder run that no policy names.
    #[schemars(extend("default" = true))]
    autoload: Option<bool>,
    /// The lock file, which `--locked` holds plugins to: the path from the folder of this file.
    #[schemars(extend("default" = "plugins.lock"))]
    lock: Option<String>,
    /// Public keys of minisign, or the paths of their files. If there are any, each plugin must be signed with one
    /// of them.
    #[schemars(length(min = 1))]
    trusted_keys: Option<Vec<String>>,
}

/// What outlives the gateway.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct State {
    /// The state directory: counters, approvals and the audit log.
    dir: String,
}

/// The audit log.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Audit {
    /// What is kept of calls: the names of the arguments, the arguments as well (redacted), or nothing.
    #[schemars(extend("default" = "keys"))]
    record: Option<Record>,
    /// Bytes after which another file is begun.
    #[schemars(range(min = 65_536, max = 1_000_000_000), extend("default" = 67_108_864))]
    max_size: Option<u32>,
    /// How many files are kept. All, if it is not given.
    #[schemars(range(min = 1, max = 100_000))]
    keep: Option<u32>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum Record {
    Off,
    Keys,
    Full,
}

/// How people are asked for approval.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Approvals {
    /// Who is told of each request.
    webhook: Option<Webhook>,
}

/// Who is told of requests for approval.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Webhook {
    /// The URL that gets a POST.
    #[schemars(regex(pattern = "^https?://"))]
    url: String,
    /// What signs it: at least 16 bytes, best `${env:NAME}`.
    secret: String,
}

/// The admin API.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Admin {
    /// A loopback address and a port.
    listen: String,
}

/// One server: a command or a URL.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Server {
    /// How it is spoken to.
    #[schemars(rename = "type")]
    kind: Option<Transport>,
    /// As `type`.
    transport: Option<Transport>,
    /// The program.
    command: Option<String>,
    /// Its arguments.
    args: Option<Vec<String>>,
    /// Variables added to its environment; `${env:NAME}` stands for a variable of Bartizan's.
    env: Option<BTreeMap<String, String>>,
    /// Its working directory.
    cwd: Option<String>,
    /// The URL of a remote server.
    #[schemars(regex(pattern = "^https?://"))]
    url: Option<String>,
    /// Headers of every request to it; `${env:NAME}` stands for a variable of Bartizan's.
    headers: Option<BTreeMap<String, String>>,
    /// The path of a policy, or a policy. Without one everything is refused.
    #[schemars(schema_with = "policy")]
    policy: Option<Value>,
    /// Not served.
    disabled: Option<bool>,
    /// A setting of MCP clients: ignored.
    #[schemars(rename = "autoApprove")]
    auto_approve: Option<Value>,
    /// A setting of MCP clients: ignored.
    #[schemars(rename = "alwaysAllow")]
    always_allow: Option<Value>,
    /// A setting of MCP clients: ignored.
    timeout: Option<Value>,
    /// A setting of MCP clients: ignored.
    description: Option<Value>,
    /// A setting of MCP clients: ignored.
    icon: Option<Value>,
    /// A setting of MCP clients: ignored.
    trust: Option<Value>,
    /// A setting of MCP clients: ignored.
    #[schemars(rename = "envFile")]
    env_file: Option<Value>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
enum Transport {
    #[schemars(rename = "stdio")]
    Stdio,
    #[schemars(rename = "http")]
    Http,
    #[schemars(rename = "streamable-http")]
    StreamableHttp,
    #[schemars(rename = "sse")]
    Sse,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn validator() -> jsonschema::Validator {
        jsonschema::validator_for(&schema()).unwrap()
    }

    #[test]
    fn the_published_file_is_this_schema() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/config.json");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, text()).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap();
        assert_eq!(published, text(), "run this test with BLESS=1");
    }

    #[test]
    fn takes_what_is_taken_and_refuses_what_is_refused() {
        let validator = validator();
        for (text, expected) in [
            (r#"{"mcpServers": {"a": {"command": "x"}}}"#, true),
            (
                r#"{"listen": "127.0.0.1:0", "mcpServers": {"a": {"url": "https://e/", "type": "sse", "timeout": 5}}}"#,
                true,
            ),
            (
                r#"{"limits": {"body": 4096, "shutdown": "25s"}, "mcpServers": {"a": {"command": "x", "args": ["1"], "policy": "p.json"}}}"#,
                true,
            ),
            (
                r#"{"mcpServers": {"a": {"command": "x", "policy": {"version": "1", "default": "deny", "hide": ["y"]}}}}"#,
                true,
            ),
            (
                r#"{"audit": {"record": "full"}, "state": {"dir": "s"}, "admin": {"listen": "127.0.0.1:1"}, "mcpServers": {"a": {"command": "x"}}}"#,
                true,
            ),
            (r#"{}"#, false),
            (r#"{"mcpServers": {}}"#, false),
            (r#"{"mcpServer": {"a": {"command": "x"}}}"#, false),
            (r#"{"mcpServers": {"a b": {"command": "x"}}}"#, false),
            (r#"{"mcpServers": {"a": {"comand": "x"}}}"#, false),
            (r#"{"mcpServers": {"a": {"command": 5}}}"#, false),
            (r#"{"mcpServers": {"a": {"command": "x", "policy": {"version": "1"}}}}"#, false),
            (r#"{"limits": {"body": 1}, "mcpServers": {"a": {"command": "x"}}}"#, false),
            (r#"{"limits": {"shutdown": 25}, "mcpServers": {"a": {"command": "x"}}}"#, false),
            (
                r#"{"plugins": {"dir": "p", "autoload": false, "lock": "l"}, "mcpServers": {"a": {"command": "x"}}}"#,
                true,
            ),
            (
                r#"{"plugins": {"dir": "p", "trusted_keys": ["RWRwY1V+U93nrQZsaFindDN1uEuvdQHkui1+K4HPyt/MLqC0f4h+RcQf"]}, "mcpServers": {"a": {"command": "x"}}}"#,
                true,
            ),
            (
                r#"{"plugins": {"dir": "p", "trusted_keys": []}, "mcpServers": {"a": {"command": "x"}}}"#,
                false,
            ),
            (r#"{"plugins": {"dir": "p", "autoload": "no"}, "mcpServers": {"a": {"command": "x"}}}"#, false),
            (r#"{"plugins": {"autoload": false}, "mcpServers": {"a": {"command": "x"}}}"#, false),
            (r#"{"audit": {"record": "all"}, "mcpServers": {"a": {"command": "x"}}}"#, false),
        ] {
            let instance: Value = serde_json::from_str(text).unwrap();
            assert_eq!(validator.is_valid(&instance), expected, "{text}");
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("p.json"), r#"{"version":"1","default":"allow"}"#).unwrap();
            let path = directory.path().join("bartizan.json");
            std::fs::write(&path, text).unwrap();
            assert_eq!(Config::load(&path).is_ok(), expected, "{text}");
        }
    }

    /// What a wrong key is told are the keys.
    #[test]
    fn has_the_keys_that_are_read() {
        let schema = schema();
        for (pointer, text) in [
            ("/properties", r#"{"zzzzzzzzz": 1, "mcpServers": {"a": {"command": "x"}}}"#),
            ("/$defs/Server/properties", r#"{"mcpServers": {"a": {"command": "x", "zzzzzzzzz": 1}}}"#),
            ("/$defs/Tls/properties", r#"{"tls": {"zzzzzzzzz": 1}, "mcpServers": {"a": {"command": "x"}}}"#),
            (
                "/$defs/Audit/properties",
                r#"{"audit": {"zzzzzzzzz": 1}, "mcpServers": {"a": {"command": "x"}}}"#,
            ),
            (
                "/$defs/Plugins/properties",
                r#"{"plugins": {"zzzzzzzzz": 1}, "mcpServers": {"a": {"command": "x"}}}"#,
            ),
            (
                "/$defs/Limits/properties",
                r#"{"limits": {"zzzzzzzzz": 1}, "mcpServers": {"a": {"command": "x"}}}"#,
            ),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("bartizan.json");
            std::fs::write(&path, text).unwrap();
            let errors = Config::load(&path).unwrap_err();
            let help =
                errors.iter().find(|error| error.code() == "unknown-key").and_then(|error| error.help());
            let mut read: Vec<&str> = help.unwrap().split('`').skip(1).step_by(2).collect();
            read.sort_unstable();
            let described = schema.pointer(pointer).and_then(Value::as_object).unwrap();
            let mut described: Vec<&str> = described.keys().map(String::as_str).collect();
            described.sort_unstable();
            assert_eq!(described, read, "{pointer}");
        }
    }
}
