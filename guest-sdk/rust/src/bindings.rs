//! The generated bindings: one world of what is imported, and one for each interface that can be
//! exported, so that a plugin exports just the hooks it has.
#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, reason = "generated from the WIT")]

mod imports {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        inline: "package bartizan:guest-imports;
            world imports {
                import bartizan:policy/types@0.1.0;
                import bartizan:policy/call@0.1.0;
                import bartizan:policy/reply@0.1.0;
                import bartizan:policy/fault@0.1.0;
                import bartizan:policy/log@0.1.0;
                import bartizan:policy/memory@0.1.0;
                import bartizan:policy/http@0.1.0;
            }",
        generate_all,
    });
}

pub use imports::bartizan::policy::{call, fault, http, log, memory, reply, types};

/// One world that exports one interface, with an `export!` macro of its own. The macro carries the
/// world's type, so that only what a plugin exports ends up in its component type.
macro_rules! hook {
    ($interface:ident, $world:literal) => {
        pub mod $interface {
            wit_bindgen::generate!({
                path: "../../wit/0.1.0",
                inline: $world,
                with: { "bartizan:policy/types@0.1.0": crate::bindings::types },
                pub_export_macro: true,
                export_macro_name: "export",
                default_bindings_module: "bartizan_guest::__private",
            });
            pub use exports::bartizan::policy::$interface::Guest;
        }
    };
}

hook!(plugin, "package bartizan:guest-plugin; world plugin-hook { export bartizan:policy/plugin@0.1.0; }");
hook!(calls, "package bartizan:guest-calls; world calls-hook { export bartizan:policy/calls@0.1.0; }");
hook!(
    listings,
    "package bartizan:guest-listings; world listings-hook { export bartizan:policy/listings@0.1.0; }"
);
hook!(
    replies,
    "package bartizan:guest-replies; world replies-hook { export bartizan:policy/replies@0.1.0; }"
);
