//! The attribute macro of `bartizan-guest`; use it from there.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;

/// Makes a type usable in a policy's settings: it deserializes, has a JSON Schema, and refuses unknown
/// keys, so that a misspelt setting is an error instead of a rule that does not hold.
///
/// Works on structs and enums; more `#[serde(…)]` attributes may follow. The crate needs no dependency
/// on serde or schemars.
#[proc_macro_attribute]
pub fn settings(arguments: TokenStream, item: TokenStream) -> TokenStream {
    if !arguments.is_empty() {
        return error("`#[settings]` takes no arguments");
    }
    let attributes = r#"
        #[derive(::bartizan_guest::serde::Deserialize, ::bartizan_guest::schemars::JsonSchema)]
        #[serde(crate = "::bartizan_guest::serde", deny_unknown_fields)]
        #[schemars(crate = "::bartizan_guest::schemars")]
    "#;
    match attributes.parse::<TokenStream>() {
        Ok(attributes) => attributes.into_iter().chain(item).collect(),
        Err(_unparsable) => error("`#[settings]` could not be expanded"),
    }
}

fn error(message: &str) -> TokenStream {
    format!("::core::compile_error!({message:?});").parse().unwrap_or_default()
}
