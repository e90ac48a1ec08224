//! From a policy type to the exports of a component.
//!
//! Natively there are no exports: a policy is tested through `testing`, and `export!` only checks that
//! the type has the hooks it names.

/// Exports a policy as a plugin, with the hooks it has: any of `calls`, `listings`, `replies`.
///
/// The plugin's version is the crate's. Once for each crate, at the top level:
/// `bartizan_guest::export!(MyPolicy: calls, listings);`
#[macro_export]
macro_rules! export {
    ($policy:ty : $($hook:ident),+ $(,)?) => {
        const _: () = {
            #[cfg(target_family = "wasm")]
            struct Plugin;

            #[cfg(target_family = "wasm")]
            ::std::thread_local! {
                static POLICY: $crate::__private::Slot<$policy> = const { $crate::__private::Slot::new() };
            }

            #[cfg(target_family = "wasm")]
            impl $crate::__private::plugin::Guest for Plugin {
                fn describe() -> $crate::__private::types::Description {
                    $crate::__private::describe::<$policy>(env!("CARGO_PKG_VERSION"))
                }

                fn configure(
                    settings: ::std::string::String,
                ) -> ::std::result::Result<(), ::std::string::String> {
                    POLICY.with(|slot| $crate::__private::configure(slot, &settings))
                }
            }
            #[cfg(target_family = "wasm")]
            $crate::__private::plugin::export!(Plugin with_types_in $crate::__private::plugin);

            $( $crate::__export_hook!($hook, $policy, Plugin, POLICY); )+
        };
    };
}

/// One hook of [`export!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __export_hook {
    (calls, $policy:ty, $plugin:ident, $slot:ident) => {
        const _: fn() = || {
            fn has_hook<P: $crate::CallPolicy>() {}
            has_hook::<$policy>()
        };
        #[cfg(target_family = "wasm")]
        impl $crate::__private::calls::Guest for $plugin {
            fn check() -> $crate::__private::types::Decision {
                $slot.with(|slot| $crate::__private::check_call::<$policy>(slot))
            }
        }
        #[cfg(target_family = "wasm")]
        $crate::__private::calls::export!($plugin with_types_in $crate::__private::calls);
    };
    (listings, $policy:ty, $plugin:ident, $slot:ident) => {
        const _: fn() = || {
            fn has_hook<P: $crate::ListingPolicy>() {}
            has_hook::<$policy>()
        };
        #[cfg(target_family = "wasm")]
        impl $crate::__private::listings::Guest for $plugin {
            fn visible(
                entries: ::std::vec::Vec<$crate::__private::types::Entry>,
            ) -> ::std::vec::Vec<bool> {
                $slot.with(|slot| $crate::__private::visible::<$policy>(slot, entries))
            }
        }
        #[cfg(target_family = "wasm")]
        $crate::__private::listings::export!($plugin with_types_in $crate::__private::listings);
    };
    (replies, $policy:ty, $plugin:ident, $slot:ident) => {
        const _: fn() = || {
            fn has_hook<P: $crate::ReplyPolicy>() {}
            has_hook::<$policy>()
        };
        #[cfg(target_family = "wasm")]
        impl $crate::__private::replies::Guest for $plugin {
            fn check() -> $crate::__private::types::Decision {
                $slot.with(|slot| $crate::__private::check_reply::<$policy>(slot))
            }
        }
        #[cfg(target_family = "wasm")]
        $crate::__private::replies::export!($plugin with_types_in $crate::__private::replies);
    };
    ($other:ident, $policy:ty, $plugin:ident, $slot:ident) => {
        ::std::compile_error!(::std::concat!(
            "unknown hook `",
            ::std::stringify!($other),
            "`: the hooks are `calls`, `listings` and `replies`"
        ));
    };
}

#[cfg(target_family = "wasm")]
pub use component::{Slot, check_call, check_reply, configure, describe, visible};

#[cfg(target_family = "wasm")]
mod component {
    //! What the exports do.

    use std::cell::OnceCell;

    use crate::bindings::{fault, types};
    use crate::call::{Call, Entry, Reply, Source};
    use crate::decision::{Charge, Decision, Scope, Unit, Verdict, Window};
    use crate::policy::{CallPolicy, Interest, ListingPolicy, Policy, ReplyPolicy};

    /// The configured policy of a plugin.
    #[derive(Debug, Default)]
    pub struct Slot<P>(OnceCell<P>);

    impl<P> Slot<P> {
        /// Not configured yet.
        #[must_use]
        pub const fn new() -> Self {
            Self(OnceCell::new())
        }

        fn policy(&self) -> &P {
            self.0.get().unwrap_or_else(|| {
                fault::fail("a hook was called before `configure`");
                unreachable!("`fail` does not return")
            })
        }
    }

    /// The export `plugin.describe`.
    #[must_use]
    pub fn describe<P: Policy>(version: &str) -> types::Description {
        report_panics();
        types::Description {
            name: P::NAME.to_owned(),
            version: version.to_owned(),
            summary: P::SUMMARY.to_owned(),
            settings_schema: serde_json::to_string(&schemars::schema_for!(P::Settings))
                .unwrap_or_else(|_unserializable| "{}".to_owned()),
            interests: P::interests()
                .into_iter()
                .map(|Interest { methods, targets }| types::Interest { methods, targets })
                .collect(),
            asks: P::asks().into_iter().map(|ask| ask.as_str().to_owned()).collect(),
            metadata: format!(r#"{{"sdk":"bartizan-guest {}"}}"#, env!("CARGO_PKG_VERSION")),
        }
    }

    /// The export `plugin.configure`.
    ///
    /// # Errors
    ///
    /// When the settings are not what the policy takes.
    pub fn configure<P: Policy>(slot: &Slot<P>, settings: &str) -> Result<(), String> {
        report_panics();
        let settings = serde_json::from_str(settings).map_err(|error| error.to_string())?;
        let policy = P::configure(settings)?;
        slot.0.set(policy).map_err(|_second| "the plugin is configured already".to_owned())
    }

    /// The export `calls.check`.
    #[must_use]
    pub fn check_call<P: CallPolicy>(slot: &Slot<P>) -> types::Decision {
        lower(slot.policy().check(&Call(Source)))
    }

    /// The export `listings.visible`.
    #[must_use]
    pub fn visible<P: ListingPolicy>(slot: &Slot<P>, entries: Vec<types::Entry>) -> Vec<bool> {
        let policy = slot.policy();
        entries
            .into_iter()
            .map(|types::Entry { name, digest, definition }| {
                policy.is_visible(&Call(Source), &Entry { name, digest, definition })
            })
            .collect()
    }

    /// The export `replies.check`.
    #[must_use]
    pub fn check_reply<P: ReplyPolicy>(slot: &Slot<P>) -> types::Decision {
        lower(slot.policy().check_reply(&Call(Source), &Reply(&Source)))
    }

    /// Sends the text of a panic to the host. Without it a panic is a trap that names no reason.
    fn report_panics() {
        std::panic::set_hook(Box::new(|panic| fault::fail(&panic.to_string())));
    }

    fn lower(decision: Decision) -> types::Decision {
        types::Decision {
            verdict: match decision.verdict {
                Verdict::Pass => types::Verdict::Pass,
                Verdict::Deny(denial) => types::Verdict::Deny(types::Denial {
                    message: denial.message,
                    rule: denial.rule,
                    retry_after: denial.retry_after,
                }),
                Verdict::Ask(approval) => types::Verdict::Ask(types::Approval {
                    message: approval.message,
                    rule: approval.rule,
                    expires_after: approval.expires_after,
                }),
                Verdict::Rewrite(text) => types::Verdict::Rewrite(text),
            },
            charges: decision.charges.into_iter().map(lower_charge).collect(),
            notes: decision
                .notes
                .into_iter()
                .map(|note| types::Note { key: note.key, value: note.value })
                .collect(),
        }
    }

    fn lower_charge(charge: Charge) -> types::Charge {
        types::Charge {
            counter: charge.counter,
            scope: match charge.scope {
                Scope::Session => types::Scope::Session,
                Scope::Principal => types::Scope::Principal,
                Scope::Server => types::Scope::Server,
                Scope::Everyone => types::Scope::Everyone,
            },
            cost: charge.cost,
            limit: charge.limit,
            window: match charge.window {
                Window::Sliding(seconds) => types::Window::Sliding(seconds),
                Window::Fixed(unit) => types::Window::Fixed(match unit {
                    Unit::Second => types::Unit::Second,
                    Unit::Minute => types::Unit::Minute,
                    Unit::Hour => types::Unit::Hour,
                    Unit::Day => types::Unit::Day,
                    Unit::Week => types::Unit::Week,
                    Unit::Month => types::Unit::Month,
                }),
            },
            message: charge.message,
            rule: charge.rule,
            counts_errors: charge.counts_errors,
        }
    }
}
