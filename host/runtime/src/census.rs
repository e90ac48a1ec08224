//! What is in a component, counted before anything compiles it, and how much of it is too much.
//!
//! Compiling takes time and memory that grow with what is compiled, for some shapes faster than the file. The
//! bounds leave room for the largest runtimes of real languages: more than twice what Python is known to have.

use wasmparser::{Parser, Payload};

use crate::error::LoadError;

/// What a component, or a module, is made of; nested ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// The size of the file.
    pub(crate) bytes: usize,
    /// Core modules.
    pub(crate) modules: usize,
    /// Components within.
    pub(crate) components: usize,
    /// How deep components and modules are nested.
    pub(crate) depth: usize,
    /// Instances of core modules, those that aliases are bundled in included.
    pub(crate) core_instances: usize,
    /// Functions of all modules.
    pub(crate) functions: usize,
    /// The largest function's body, in bytes.
    pub(crate) largest_function: usize,
    /// Types that are declared.
    pub(crate) types: usize,
    /// Imports and exports.
    pub(crate) externs: usize,
    /// Data and element segments.
    pub(crate) segments: usize,
    /// Globals.
    pub(crate) globals: usize,
}

/// A bound on what is compiled.
struct Bound {
    what: &'static str,
    most: usize,
    count: fn(&Census) -> usize,
}

/// The most of each.
const BOUNDS: &[Bound] = &[
    Bound { what: "core modules", most: 128, count: |census| census.modules },
    Bound { what: "nested components", most: 128, count: |census| census.components },
    Bound { what: "levels of nesting", most: 8, count: |census| census.depth },
    Bound { what: "core instances", most: 1_000, count: |census| census.core_instances },
    Bound { what: "functions", most: 100_000, count: |census| census.functions },
    Bound { what: "bytes in one function", most: 1 << 20, count: |census| census.largest_function },
    Bound { what: "types", most: 50_000, count: |census| census.types },
    Bound { what: "imports and exports", most: 50_000, count: |census| census.externs },
    Bound { what: "data and element segments", most: 50_000, count: |census| census.segments },
    Bound { what: "globals", most: 50_000, count: |census| census.globals },
];

impl Census {
    /// Counts, and holds what it counts to the bounds.
    pub(crate) fn take(bytes: &[u8]) -> Result<Self, LoadError> {
        let census = Self::count(bytes).map_err(|error| LoadError::Compile(error.to_string()))?;
        match BOUNDS.iter().find(|bound| (bound.count)(&census) > bound.most) {
            None => Ok(census),
            Some(bound) => Err(LoadError::Oversized {
                what: bound.what,
                count: (bound.count)(&census),
                limit: bound.most,
            }),
        }
    }

    fn count(bytes: &[u8]) -> wasmparser::Result<Self> {
        let mut census = Self { bytes: bytes.len(), ..Self::default() };
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            let few = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
            match payload? {
                Payload::ModuleSection { .. } => {
                    census.modules += 1;
                    depth += 1;
                }
                Payload::ComponentSection { .. } => {
                    census.components += 1;
                    depth += 1;
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::InstanceSection(section) => census.core_instances += few(section.count()),
                Payload::CodeSectionStart { count, .. } => census.functions += few(count),
                Payload::CodeSectionEntry(body) => {
                    let std::ops::Range { start, end } = body.range();
                    let size = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
                    census.largest_function = census.largest_function.max(size);
                }
                Payload::TypeSection(section) => census.types += few(section.count()),
                Payload::ComponentTypeSection(section) => census.types += few(section.count()),
                Payload::CoreTypeSection(section) => census.types += few(section.count()),
                Payload::ImportSection(section) => census.externs += few(section.count()),
                Payload::ExportSection(section) => census.externs += few(section.count()),
                Payload::ComponentImportSection(section) => census.externs += few(section.count()),
                Payload::ComponentExportSection(section) => census.externs += few(section.count()),
                Payload::DataSection(section) => census.segments += few(section.count()),
                Payload::ElementSection(section) => census.segments += few(section.count()),
                Payload::GlobalSection(section) => census.globals += few(section.count()),
                _ => {}
            }
            census.depth = census.depth.max(depth);
        }
        Ok(census)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(text: &str) -> Result<Census, LoadError> {
        Census::take(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn nested_parts_are_counted() {
        let counted = census(
            r"(component
                (core module $m (func) (func) (global i32 (i32.const 0)))
                (core instance (instantiate $m))
                (core instance (instantiate $m))
                (component (core module (func))))",
        )
        .unwrap();
        let expected = Census {
            bytes: counted.bytes,
            modules: 2,
            components: 1,
            depth: 2,
            core_instances: 2,
            functions: 3,
            largest_function: counted.largest_function,
            types: 2,
            globals: 1,
            ..Census::default()
        };
        assert_eq!(counted, expected);
        assert!(counted.bytes > 40 && counted.largest_function > 0);
    }

    #[test]
    fn what_would_be_too_much_to_compile_is_refused_by_name() {
        let nested = |levels: usize| format!("{}{}", "(component ".repeat(levels), ")".repeat(levels));
        let many = |part: &str, count: usize| format!("(module {})", part.repeat(count));
        let long = format!("(module (func {}))", "nop ".repeat(1 << 20));
        for (case, text, what) in [
            ("nesting", nested(10), "levels of nesting"),
            ("functions", many("(func)", 100_001), "functions"),
            ("one long function", long, "bytes in one function"),
            ("globals", many("(global i32 (i32.const 0))", 50_001), "globals"),
            ("modules", format!("(component {})", "(core module)".repeat(129)), "core modules"),
        ] {
            match census(&text) {
                Err(LoadError::Oversized { what: found, count, limit }) => {
                    assert_eq!(found, what, "{case}");
                    assert!(count > limit, "{case}");
                }
                other => panic!("{case}: {other:?}"),
            }
        }
        assert!(census(&nested(9)).is_ok());
    }
}
