//! The reference of the contract for people: `docs/contract.md`.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use wit_bindgen_core::wit_parser::{Docs, Function, Interface, Resolve, Type, TypeDefKind, TypeId};

use super::{Contract, Tree};

const HEADER: &str = "# The contract\n\n\
<!-- Generated from wit/ by `cargo xtask bindings`. Do not edit. -->\n\n\
The interface between Bartizan and its plugins, `bartizan:policy@0.1.0`, as [`wit/0.1.0/policy.wit`](../wit/0.1.0/policy.wit)\n\
has it. How to use it from a language is in [First policy](plugins/first-policy.md), and what it is like to write a\n\
plugin in [Writing a plugin](writing-a-plugin.md).\n";

/// The interfaces in the order in which they are explained, with what they are to a plugin.
const INTERFACES: [(&str, &str); 11] = [
    ("plugin", "exported, required"),
    ("calls", "exported, optional: a hook"),
    ("listings", "exported, optional: a hook"),
    ("replies", "exported, optional: a hook"),
    ("call", "imported"),
    ("reply", "imported"),
    ("fault", "imported"),
    ("log", "imported, with the grant `log`"),
    ("memory", "imported, with the grant `memory`"),
    ("http", "imported, with the grant `http`"),
    ("types", "what both sides share"),
];

pub(super) fn generate(contract: &Contract) -> Result<Tree> {
    let resolve = &contract.resolve;
    let (_, package) = resolve
        .packages
        .iter()
        .find(|(_, package)| package.name.name == "policy")
        .context("the contract is a package")?;
    let mut text = HEADER.to_owned();
    paragraphs(&package.docs, &mut text);
    for name in package.interfaces.keys() {
        if !INTERFACES.iter().any(|(known, _)| known == name) {
            bail!("the interface {name} has no place in docs/contract.md: add it to INTERFACES");
        }
    }
    for (name, role) in INTERFACES {
        let id = package.interfaces.get(name).with_context(|| format!("there is no interface {name}"))?;
        let interface = resolve.interfaces.get(*id).context("an interface is known")?;
        writeln!(text, "\n## `{name}`\n\n*{role}*")?;
        interface_content(resolve, interface, &mut text)?;
    }
    Ok(Tree::from([("contract.md".into(), text)]))
}

fn interface_content(resolve: &Resolve, interface: &Interface, text: &mut String) -> Result<()> {
    paragraphs(&interface.docs, text);
    for function in interface.functions.values() {
        writeln!(text, "\n### `{}`\n\n```wit\n{}\n```", function.name, signature(resolve, function)?)?;
        paragraphs(&function.docs, text);
    }
    for (name, id) in &interface.types {
        let definition = resolve.types.get(*id).context("a type is known")?;
        // What is used from another interface is explained there.
        if matches!(definition.kind, TypeDefKind::Type(Type::Id(_))) {
            continue;
        }
        writeln!(text, "\n### `{name}`")?;
        paragraphs(&definition.docs, text);
        members(resolve, &definition.kind, text)?;
    }
    Ok(())
}

/// What a type is made of: a table.
fn members(resolve: &Resolve, kind: &TypeDefKind, text: &mut String) -> Result<()> {
    let row = |text: &mut String, name: &str, of: &str, docs: &Docs| {
        let docs = docs.contents.as_deref().unwrap_or_default().trim().replace('\n', " ");
        writeln!(text, "| `{name}` | {of} | {docs} |")
    };
    match kind {
        TypeDefKind::Record(record) => {
            writeln!(text, "\n| field | type | |\n|---|---|---|")?;
            for field in &record.fields {
                let of = format!("`{}`", type_name(resolve, &field.ty)?);
                row(text, &field.name, &of, &field.docs)?;
            }
        }
        TypeDefKind::Variant(variant) => {
            writeln!(text, "\n| case | with | |\n|---|---|---|")?;
            for case in &variant.cases {
                let of = match &case.ty {
                    Some(of) => format!("`{}`", type_name(resolve, of)?),
                    None => String::new(),
                };
                row(text, &case.name, &of, &case.docs)?;
            }
        }
        TypeDefKind::Enum(cases) => {
            writeln!(text, "\n| case | | |\n|---|---|---|")?;
            for case in &cases.cases {
                row(text, &case.name, "", &case.docs)?;
            }
        }
        TypeDefKind::Type(of) => writeln!(text, "\nA `{}`.", type_name(resolve, of)?)?,
        kind => bail!("docs/contract.md has no words for a {} yet", kind.as_str()),
    }
    Ok(())
}

fn signature(resolve: &Resolve, function: &Function) -> Result<String> {
    let mut parameters = Vec::new();
    for parameter in &function.params {
        parameters.push(format!("{}: {}", parameter.name, type_name(resolve, &parameter.ty)?));
    }
    let result = match &function.result {
        Some(result) => format!(" -> {}", type_name(resolve, result)?),
        None => String::new(),
    };
    Ok(format!("{}: func({}){result}", function.name, parameters.join(", ")))
}

fn type_name(resolve: &Resolve, of: &Type) -> Result<String> {
    Ok(match of {
        Type::Bool => "bool".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::U16 => "u16".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::F64 => "f64".to_owned(),
        Type::String => "string".to_owned(),
        Type::Id(id) => named_type(resolve, *id)?,
        other => bail!("docs/contract.md has no words for {other:?} yet"),
    })
}

fn named_type(resolve: &Resolve, id: TypeId) -> Result<String> {
    let definition = resolve.types.get(id).context("a type is known")?;
    if let Some(name) = &definition.name {
        return Ok(name.clone());
    }
    Ok(match &definition.kind {
        TypeDefKind::Option(of) => format!("option<{}>", type_name(resolve, of)?),
        TypeDefKind::List(of) => format!("list<{}>", type_name(resolve, of)?),
        TypeDefKind::Result(result) => {
            let part = |of: &Option<Type>| match of {
                Some(of) => type_name(resolve, of),
                None => Ok("_".to_owned()),
            };
            format!("result<{}, {}>", part(&result.ok)?, part(&result.err)?)
        }
        kind => bail!("docs/contract.md has no words for a {} yet", kind.as_str()),
    })
}

fn paragraphs(docs: &Docs, text: &mut String) {
    if let Some(contents) = &docs.contents {
        text.push('\n');
        text.push_str(contents.trim());
        text.push('\n');
    }
}
