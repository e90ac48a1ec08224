//! From the bytes of a `.wasm` file to the bytes of a component.

use std::borrow::Cow;

use wasmparser::{Parser, Payload};

use crate::census::Census;
use crate::class::SizeClass;
use crate::error::LoadError;
use crate::sandbox::Sandbox;

/// Turns a core module that carries a `component-type` section (what `cargo build` gives for a guest)
/// into a component; leaves a component as it is.
///
/// Everything in the file is parsed and counted here, before anything else touches it; from the count follows
/// the size class.
pub(crate) fn component<'b>(
    bytes: &'b [u8],
    sandbox: &Sandbox,
) -> Result<(Cow<'b, [u8]>, SizeClass), LoadError> {
    let limit = sandbox.limits(SizeClass::Large).component;
    if bytes.len() > limit {
        return Err(LoadError::TooLarge { size: bytes.len(), limit });
    }
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(LoadError::Precompiled);
    }
    let is_component = Parser::is_component(bytes);
    if !is_component && !Parser::is_core_wasm(bytes) {
        return Err(LoadError::NotWasm);
    }
    let class = SizeClass::of(&Census::take(bytes)?);
    if is_component {
        return Ok((Cow::Borrowed(bytes), class));
    }
    if !has_component_type(bytes)? {
        return Err(LoadError::NotPolicy);
    }
    encode(bytes)
        .map(|component| (Cow::Owned(component), class))
        .map_err(|error| LoadError::Encode(format!("{error:#}")))
}

fn has_component_type(bytes: &[u8]) -> Result<bool, LoadError> {
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| LoadError::Compile(error.to_string()))? {
            Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                return Ok(true);
            }
            _ => {}
        }
    }
    Ok(false)
}

fn encode(module: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    Ok(wit_component::ComponentEncoder::default().validate(true).module(module)?.encode()?)
}
