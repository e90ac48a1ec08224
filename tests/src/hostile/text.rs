//! From the text of a plugin to its bytes.
//!
//! | in a text | is replaced by |
//! |---|---|
//! | a line `;;+ NAME NAME …` | the files of these names in `tests/hostile/parts` |
//! | `{name}` | the plugin's name |
//! | `{name length}` | the number of its bytes |
//!
//! Which interfaces of the contract a module claims to use is read off its imports and exports. A plugin of
//! another version of the contract says so in their names, or in a line `;;= VERSION` for all of them; the
//! contract is the one in `wit/` under that number then, with the functions that the text adds to it
//! (`;;^ INTERFACE: FUNCTION`).

use std::fmt::Write as _;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::environment;

/// The released version of the contract.
const RELEASED: &str = "0.1.0";
const PACKAGE: &str = "bartizan:policy/";
const IMPORTED: [&str; 6] = ["call", "reply", "fault", "log", "memory", "http"];
const EXPORTED: [&str; 4] = ["plugin", "calls", "listings", "replies"];

/// Makes a plugin's bytes of its text.
pub fn assemble(name: &str, text: &str) -> Vec<u8> {
    let mut text = complete(text).replace("{name length}", &name.len().to_string()).replace("{name}", name);
    if let Some(version) = text.lines().find_map(|line| line.trim_start().strip_prefix(";;=")) {
        text = text.replace(&format!("@{RELEASED}"), &format!("@{}", version.trim()));
    }
    let mut bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let is_component = text.lines().any(|line| line.starts_with("(component"));
    if !is_component && let Some(version) = version(&text) {
        let contract = contract(&text, &version);
        let world = world(&text, &version);
        if let Err(error) = declare(&mut bytes, &contract, &world) {
            panic!("{name}: {error:#}\n{world}");
        }
    }
    bytes
}

/// Makes a component of a module that says which contract it meets, as the host does when it loads one.
pub fn encode(name: &str, module: &[u8]) -> Vec<u8> {
    let mut encoder = ComponentEncoder::default();
    let component = encoder.validate(true).module(module).and_then(ComponentEncoder::encode);
    match component {
        Ok(component) => component,
        Err(error) => panic!("{name}: {error:#}"),
    }
}

/// Puts the parts where the text wants them.
fn complete(text: &str) -> String {
    let mut complete = String::new();
    for line in text.lines() {
        match line.trim_start().strip_prefix(";;+") {
            Some(names) => {
                for name in names.split_whitespace() {
                    let path = format!("tests/hostile/parts/{name}.wat");
                    let part = std::fs::read_to_string(environment::repository(&path))
                        .unwrap_or_else(|error| panic!("{path}: {error}"));
                    complete.push_str(&self::complete(&part));
                }
            }
            None => complete.push_str(line),
        }
        complete.push('\n');
    }
    complete
}

/// The version of the contract that a text names, if it names one.
fn version(text: &str) -> Option<String> {
    let (_, named) = text.split_once(PACKAGE)?;
    let (_, version) = named.split_once('@')?;
    Some(version.chars().take_while(|character| matches!(character, '0'..='9' | '.')).collect())
}

fn contract(text: &str, version: &str) -> String {
    let path = environment::repository(&format!("wit/{RELEASED}/policy.wit"));
    let contract = std::fs::read_to_string(path).expect("the contract can be read");
    let contract = contract.replace(
        &format!("package bartizan:policy@{RELEASED};"),
        &format!("package bartizan:policy@{version};"),
    );
    let additions = text.lines().filter_map(|line| line.trim_start().strip_prefix(";;^"));
    additions.fold(contract, |contract, addition| {
        let (interface, function) = addition.split_once(':').expect("an addition names its interface");
        let begin = format!("interface {} {{", interface.trim());
        assert!(contract.contains(&begin), "the contract has no `{begin}`");
        contract.replacen(&begin, &format!("{begin}\n{function}"), 1)
    })
}

/// The world that a text claims to live in.
fn world(text: &str, version: &str) -> String {
    let mut world = String::from("package bartizan:fixture;\nworld fixture {\n");
    for (kind, interfaces, end) in [("import", &IMPORTED[..], "\""), ("export", &EXPORTED[..], "#")] {
        for interface in interfaces {
            let interface = format!("{PACKAGE}{interface}@{version}");
            if text.contains(&format!("{interface}{end}")) {
                writeln!(world, "  {kind} {interface};").expect("a text can be written to");
            }
        }
    }
    world + "}\n"
}

fn declare(module: &mut Vec<u8>, contract: &str, world: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut resolve = Resolve::default();
    resolve.push_source("policy.wit", contract)?;
    let package = resolve.push_source("fixture.wit", world)?;
    let world = resolve.select_world(&[package], None)?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8, false)?;
    Ok(())
}

/// A module that claims to live in a world with these types, and a function that takes the one named `last`.
pub(super) fn contract_of_types(types: &str, last: &str) -> Vec<u8> {
    let world = format!(
        "package bartizan:fixture;\ninterface types {{\n{types}\n  take: func(value: {last});\n}}\nworld fixture {{ import types; }}\n"
    );
    let mut module = wat::parse_str("(module)").expect("an empty module is one");
    if let Err(error) = declare(&mut module, "package bartizan:policy@0.1.0;", &world) {
        panic!("{error:#}");
    }
    module
}
