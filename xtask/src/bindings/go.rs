//! The bindings for Go.
//!
//! The packages that the exports call are written by hand: `guest-sdk/go/sdk/hooks`. The support package
//! of the generator is copied into the SDK, so that nothing is asked of the Go module proxy.

use anyhow::Result;
use wit_bindgen_go::Format;

use super::{Contract, Tree};

/// The module of the SDK, and the package in it that holds the bindings.
const PACKAGE: &str = "bartizan/bindings";

/// What is found elsewhere in the SDK than the generator says.
const MOVED: [(&str, &str); 2] = [
    ("go.bytecodealliance.org/pkg/wit/", "bartizan/wit/"),
    ("bartizan/bindings/exports/export_bartizan_policy_", "bartizan/hooks/export_bartizan_policy_"),
];

pub(super) fn generate(contract: &Contract) -> Result<Tree> {
    let options = wit_bindgen_go::Opts {
        // Else the output would depend on whether there is a gofmt.
        format: Format::False,
        pkg_name: Some(PACKAGE.to_owned()),
        quiet: true,
        ..Default::default()
    };
    let mut tree = contract.generate(options.build())?;
    for text in tree.values_mut() {
        for (from, to) in MOVED {
            *text = text.replace(from, to);
        }
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_copied_support_package_is_that_of_the_generator() {
        // guest-sdk/go/sdk/wit was copied from wit-bindgen-go 0.63.0.
        assert_eq!(wit_bindgen_go::remote_pkg_version(), "go.bytecodealliance.org/pkg v0.4.0");
    }
}
