//! From a core module to a component.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::Hook;

/// The contract.
const CONTRACT: &str = include_str!("../../../../wit/0.1.0/policy.wit");

/// What a guest can import. What it does not is dropped.
const IMPORTS: [&str; 6] = ["call", "reply", "fault", "log", "memory", "http"];

/// What the encoder fails with.
type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// A module that stands in for an interface of WASI: its name there, and its bytes.
pub(super) type Adapter = (&'static str, &'static [u8]);

/// Makes a component of a core module that does not say yet which hooks it has.
pub(super) fn with_type(module: &[u8], hooks: &[Hook], adapter: Option<Adapter>) -> Result<Vec<u8>, String> {
    let embed = || -> Result<Vec<u8>, AnyError> {
        let mut resolve = Resolve::default();
        resolve.push_str("policy.wit", CONTRACT)?;
        let guest = resolve.push_str("guest.wit", &world(hooks))?;
        let world = resolve.select_world(&[guest], Some("plugin"))?;
        let mut module = module.to_vec();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
        Ok(module)
    };
    let module = embed().map_err(|error| chain(&*error))?;
    encode(&module, adapter)
}

/// Makes a component of a core module with a `component-type` section.
pub(super) fn encode(module: &[u8], adapter: Option<Adapter>) -> Result<Vec<u8>, String> {
    let component = || -> Result<Vec<u8>, AnyError> {
        let mut encoder = ComponentEncoder::default();
        encoder.validate(true).module(module)?;
        if let Some((name, bytes)) = adapter {
            encoder.adapter(name, bytes)?;
        }
        Ok(encoder.encode()?)
    };
    component().map_err(|error| chain(&*error))
}

/// An error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn world(hooks: &[Hook]) -> String {
    let imports = IMPORTS.iter().map(|name| format!("import bartizan:policy/{name}@0.1.0; "));
    let exports = ["plugin"].into_iter().chain(hooks.iter().map(|hook| hook.name()));
    let exports = exports.map(|name| format!("export bartizan:policy/{name}@0.1.0; "));
    let items: String = imports.chain(exports).collect();
    format!("package bartizan:guest; world plugin {{ {items}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_the_functions_of_its_hooks_is_told_so() {
        let empty = b"\0asm\x01\0\0\0";
        let problem = with_type(empty, &[Hook::Replies], None).unwrap_err();
        assert!(problem.contains("bartizan:policy/"), "{problem}");
    }
}
