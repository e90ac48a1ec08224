//! The bindings for C, which Zig uses as well.
//!
//! A plugin defines the functions of the hooks that it has, and no others. So the part of the generated code
//! that calls the function of a hook is there only if `BARTIZAN_CALLS`, `BARTIZAN_LISTINGS` or
//! `BARTIZAN_REPLIES` is defined.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::{Contract, Tree};

/// The interfaces that a plugin may leave out.
const HOOKS: [&str; 3] = ["calls", "listings", "replies"];

/// What makes the object with the component's type be linked. `bartizan plugin build` adds the type of just
/// the hooks that there are, so there is no such object.
const FORCED: &str = "// Ensure that the *_component_type.o object is linked in";

pub(super) fn generate(contract: &Contract) -> Result<Tree> {
    let options = wit_bindgen_c::Opts { no_object_file: true, ..Default::default() };
    let mut tree = contract.generate(options.build())?;
    let source = tree.get_mut(Path::new("policy.c")).context("wit-bindgen wrote no policy.c")?;
    *source = by_hook(source.split(FORCED).next().unwrap_or_default())?;
    Ok(tree)
}

/// Puts what belongs to a hook between `#ifdef` and `#endif`.
fn by_hook(source: &str) -> Result<String> {
    let mut text = String::with_capacity(source.len() + 1024);
    let mut inside = false;
    let mut found = 0;
    for line in source.lines() {
        if let Some(hook) = HOOKS.iter().find(|hook| exports(line, hook)) {
            text.push_str(&format!("#ifdef BARTIZAN_{}\n", hook.to_uppercase()));
            inside = true;
            found += 1;
        }
        text.push_str(line);
        text.push('\n');
        if inside && line == "}" {
            text.push_str("#endif\n");
            inside = false;
        }
    }
    // Each hook has a function, and one that frees what it answered.
    ensure!(found == 2 * HOOKS.len(), "policy.c is not made as it was: {found} functions belong to hooks");
    Ok(text.trim_end().to_owned() + "\n")
}

fn exports(line: &str, hook: &str) -> bool {
    line.contains("__export_name__(") && line.contains(&format!("bartizan:policy/{hook}@"))
}
