//! The declarations for JavaScript and TypeScript, in the types that QuickJS components use
//! (componentize-qjs): names in camel case, `null` for what is absent, variants as `{ tag, val }`.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use wit_bindgen_core::wit_parser::{
    Docs, Function, InterfaceId, Record, Resolve, Type, TypeDefKind, TypeId, TypeOwner, Variant, WorldItem,
};

use super::{Contract, Tree};

const HEADER: &str = "// Generated from wit/ by `cargo xtask bindings`. Do not edit.\n";

pub(super) fn generate(contract: &Contract) -> Result<Tree> {
    let Contract { resolve, world } = contract;
    let world = resolve.worlds.get(*world).context("the world is known")?;
    let mut text = HEADER.to_owned();
    let imported = world.imports.values();
    for (items, exported) in [(imported, false), (world.exports.values(), true)] {
        for item in items {
            if let WorldItem::Interface { id, .. } = item {
                interface(resolve, *id, exported, &mut text)?;
            }
        }
    }
    Ok(Tree::from([("policy.d.ts".into(), text)]))
}

/// An imported interface is a module with functions; one that a plugin exports is the type of an object.
fn interface(resolve: &Resolve, id: InterfaceId, exported: bool, text: &mut String) -> Result<()> {
    let interface = resolve.interfaces.get(id).context("an interface is known")?;
    let specifier = resolve.id_of(id).context("an interface has a name")?;
    text.push('\n');
    docs(&interface.docs, "", text);
    writeln!(text, "declare module \"{specifier}\" {{")?;
    for (name, id) in &interface.types {
        type_definition(resolve, name, *id, text)?;
    }
    let (indent, keyword) = if exported { ("    ", "") } else { ("  ", "export function ") };
    if exported {
        writeln!(text, "  export interface {} {{", pascal(interface.name.as_deref().unwrap_or_default()))?;
    }
    for function in interface.functions.values() {
        docs(&function.docs, indent, text);
        writeln!(text, "{indent}{keyword}{}{};", camel(&function.name), signature(resolve, function)?)?;
    }
    if exported {
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    Ok(())
}

fn type_definition(resolve: &Resolve, name: &str, id: TypeId, text: &mut String) -> Result<()> {
    let definition = resolve.types.get(id).context("a type is known")?;
    let name = pascal(name);
    if let TypeDefKind::Type(Type::Id(other)) = definition.kind {
        let original = resolve.types.get(other).context("a type is known")?;
        if let (Some(original_name), TypeOwner::Interface(owner)) = (&original.name, original.owner)
            && original.owner != definition.owner
        {
            let module = resolve.id_of(owner).context("an interface has a name")?;
            writeln!(text, "  export type {name} = import(\"{module}\").{};", pascal(original_name))?;
            return Ok(());
        }
    }
    docs(&definition.docs, "  ", text);
    match &definition.kind {
        TypeDefKind::Record(Record { fields }) => {
            writeln!(text, "  export interface {name} {{")?;
            for field in fields {
                docs(&field.docs, "    ", text);
                let optional = if is_option(resolve, &field.ty) { "?" } else { "" };
                writeln!(text, "    {}{optional}: {};", camel(&field.name), named(resolve, &field.ty)?)?;
            }
            text.push_str("  }\n");
        }
        TypeDefKind::Enum(cases) => {
            writeln!(text, "  export type {name} =")?;
            let mut cases = cases.cases.iter().peekable();
            while let Some(case) = cases.next() {
                docs(&case.docs, "    ", text);
                let end = if cases.peek().is_none() { ";" } else { "" };
                writeln!(text, "    | \"{}\"{end}", case.name)?;
            }
        }
        TypeDefKind::Variant(Variant { cases }) => {
            writeln!(text, "  export type {name} =")?;
            let mut cases = cases.iter().peekable();
            while let Some(case) = cases.next() {
                docs(&case.docs, "    ", text);
                let end = if cases.peek().is_none() { ";" } else { "" };
                match &case.ty {
                    Some(payload) => writeln!(
                        text,
                        "    | {{ tag: \"{}\"; val: {} }}{end}",
                        case.name,
                        named(resolve, payload)?
                    )?,
                    None => writeln!(text, "    | {{ tag: \"{}\" }}{end}", case.name)?,
                }
            }
        }
        TypeDefKind::Type(other) => {
            writeln!(text, "  export type {name} = {};", named(resolve, other)?)?;
        }
        other => bail!("no TypeScript is known for a {}", other.as_str()),
    }
    Ok(())
}

/// Parameters and result. The error of a `result` is thrown.
fn signature(resolve: &Resolve, function: &Function) -> Result<String> {
    let mut parameters = Vec::new();
    for parameter in &function.params {
        parameters.push(format!("{}: {}", camel(&parameter.name), named(resolve, &parameter.ty)?));
    }
    let result = match &function.result {
        None => "void".to_owned(),
        Some(result) => named(resolve, result)?,
    };
    Ok(format!("({}): {result}", parameters.join(", ")))
}

fn named(resolve: &Resolve, of: &Type) -> Result<String> {
    Ok(match of {
        Type::Bool => "boolean".to_owned(),
        Type::U8 | Type::U16 | Type::U32 | Type::S8 | Type::S16 | Type::S32 | Type::F32 | Type::F64 => {
            "number".to_owned()
        }
        Type::String | Type::Char => "string".to_owned(),
        Type::Id(id) => {
            let definition = resolve.types.get(*id).context("a type is known")?;
            if let Some(name) = &definition.name {
                return Ok(pascal(name));
            }
            match &definition.kind {
                TypeDefKind::Option(some) => format!("{} | null | undefined", named(resolve, some)?),
                TypeDefKind::List(Type::U8) => "Uint8Array".to_owned(),
                TypeDefKind::List(item) => format!("{}[]", named(resolve, item)?),
                TypeDefKind::Result(result) => {
                    result.ok.map_or_else(|| Ok("void".to_owned()), |ok| named(resolve, &ok))?
                }
                other => bail!("no TypeScript is known for a {}", other.as_str()),
            }
        }
        other => bail!("no number of JavaScript holds every {other:?}"),
    })
}

fn is_option(resolve: &Resolve, of: &Type) -> bool {
    let Type::Id(id) = of else { return false };
    resolve.types.get(*id).is_some_and(|definition| matches!(definition.kind, TypeDefKind::Option(_)))
}

fn docs(docs: &Docs, indent: &str, text: &mut String) {
    let Some(contents) = &docs.contents else { return };
    text.push_str(&format!("{indent}/**\n"));
    for line in contents.trim_end().lines() {
        text.push_str(format!("{indent} * {line}").trim_end());
        text.push('\n');
    }
    text.push_str(&format!("{indent} */\n"));
}

fn pascal(name: &str) -> String {
    name.split('-').map(capitalized).collect()
}

fn camel(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.map(capitalized).fold(first, |name, word| name + &word)
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
