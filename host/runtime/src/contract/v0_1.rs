//! Adapter for `bartizan:policy@0.1.x`.

mod interfaces;

use wasmtime::component::{Component, HasSelf, Instance, InstancePre, Linker};
use wasmtime::{Result, Store};

use super::Provided;
use super::state::{HostState, Raised};
use crate::call::{Entry, Flow};
use crate::component::{Capability, Description, Hooks, Interest};
use crate::decision::{Approval, Charge, Decision, Denial, Note, Scope, Unit, Verdict, Window};
use crate::interfaces::log::one_line;
use crate::pointer;

mod bindings {
    #![allow(missing_docs, unreachable_pub, reason = "generated from the WIT, private to the adapter")]
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        // Everything that a component may import and export.
        inline: "package bartizan:host;
            world everything {
                include bartizan:policy/policy@0.1.0;
                import bartizan:policy/log@0.1.0;
                import bartizan:policy/memory@0.1.0;
                import bartizan:policy/http@0.1.0;
            }",
        world: "bartizan:host/everything",
        imports: { default: trappable },
    });
}

use bindings::bartizan::policy::{call, fault, reply, types};
use bindings::exports::bartizan::policy as exports;

/// What components of this version may import, and what they must ask for to do so; the patch version is up
/// to the linker.
const INTERFACES: [(&str, Option<Capability>); 7] = [
    ("bartizan:policy/types@0.1.", None),
    ("bartizan:policy/call@0.1.", None),
    ("bartizan:policy/reply@0.1.", None),
    ("bartizan:policy/fault@0.1.", None),
    ("bartizan:policy/log@0.1.", Some(Capability::Log)),
    ("bartizan:policy/memory@0.1.", Some(Capability::Memory)),
    ("bartizan:policy/http@0.1.", Some(Capability::Http)),
];

pub(super) fn provides(import: &str) -> Option<Provided> {
    INTERFACES.iter().find_map(|&(interface, capability)| {
        let patch = import.strip_prefix(interface)?;
        let is_patch = !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
        is_patch.then_some(Provided { needs: capability })
    })
}

pub(super) fn linker(engine: &wasmtime::Engine) -> Result<Linker<HostState>> {
    let mut linker = Linker::new(engine);
    bindings::Everything::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut HostState| state)?;
    Ok(linker)
}

impl types::Host for HostState {}

impl call::Host for HostState {
    fn method(&mut self) -> Result<String> {
        Ok(self.call()?.method.to_string())
    }

    fn direction(&mut self) -> Result<types::Flow> {
        Ok(match self.call()?.direction {
            Flow::ClientToServer => types::Flow::ClientToServer,
            Flow::ServerToClient => types::Flow::ServerToClient,
        })
    }

    fn server(&mut self) -> Result<String> {
        Ok(self.call()?.server.to_string())
    }

    fn target(&mut self) -> Result<Option<String>> {
        Ok(self.call()?.target.as_deref().map(str::to_owned))
    }

    fn argument(&mut self, pointer: String) -> Result<Option<types::Json>> {
        Ok(self.particular_call()?.arguments.as_deref().and_then(|text| pointer::find(text, &pointer)))
    }

    fn tool(&mut self) -> Result<Option<types::Entry>> {
        Ok(self.call()?.entry.as_deref().map(lower_entry))
    }

    fn session(&mut self) -> Result<String> {
        Ok(self.particular_call()?.session.to_string())
    }

    fn principal(&mut self) -> Result<Option<String>> {
        Ok(self.call()?.principal.as_deref().map(str::to_owned))
    }

    fn claim(&mut self, pointer: String) -> Result<Option<types::Json>> {
        Ok(self.particular_call()?.claims.as_deref().and_then(|text| pointer::find(text, &pointer)))
    }

    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 ms, which is the year 287396")]
    fn time(&mut self) -> Result<f64> {
        Ok(self.particular_call()?.time as f64)
    }
}

impl reply::Host for HostState {
    fn is_error(&mut self) -> Result<bool> {
        Ok(self.reply()?.is_error)
    }

    fn value(&mut self, pointer: String) -> Result<Option<types::Json>> {
        Ok(pointer::find(&self.reply()?.value, &pointer))
    }
}

impl fault::Host for HostState {
    fn fail(&mut self, message: String) -> Result<()> {
        Err(Raised(one_line(&message)).into())
    }
}

/// Where a component's exports are: resolved once when it is loaded.
pub(crate) struct Exports {
    plugin: exports::plugin::GuestIndices,
    calls: Option<exports::calls::GuestIndices>,
    listings: Option<exports::listings::GuestIndices>,
    replies: Option<exports::replies::GuestIndices>,
}

impl Exports {
    /// Finds the exports by name. Their types are checked by [`Exports::check_types`].
    pub(crate) fn resolve(pre: &InstancePre<HostState>) -> Result<Self> {
        Ok(Self {
            plugin: exports::plugin::GuestIndices::new(pre)?,
            calls: optional(pre, "calls", exports::calls::GuestIndices::new)?,
            listings: optional(pre, "listings", exports::listings::GuestIndices::new)?,
            replies: optional(pre, "replies", exports::replies::GuestIndices::new)?,
        })
    }

    pub(crate) fn hooks(&self) -> Hooks {
        Hooks {
            calls: self.calls.is_some(),
            listings: self.listings.is_some(),
            replies: self.replies.is_some(),
        }
    }

    /// Checks every export's type on a live instance, so that no later evaluation can fail on one.
    pub(crate) fn check_types(&self, store: &mut Store<HostState>, instance: &Instance) -> Result<()> {
        self.plugin.load(&mut *store, instance)?;
        if let Some(calls) = &self.calls {
            calls.load(&mut *store, instance)?;
        }
        if let Some(listings) = &self.listings {
            listings.load(&mut *store, instance)?;
        }
        if let Some(replies) = &self.replies {
            replies.load(&mut *store, instance)?;
        }
        Ok(())
    }

    pub(crate) fn describe(&self, store: &mut Store<HostState>, instance: &Instance) -> Result<Description> {
        let plugin = self.plugin.load(&mut *store, instance)?;
        Ok(lift_description(plugin.call_describe(store)?))
    }

    pub(crate) fn configure(
        &self,
        store: &mut Store<HostState>,
        instance: &Instance,
        settings: &str,
    ) -> Result<Result<(), String>> {
        let plugin = self.plugin.load(&mut *store, instance)?;
        plugin.call_configure(store, &settings.to_owned())
    }

    /// `calls.check`; `None` if the component has no such hook.
    pub(crate) fn check_call(
        &self,
        store: &mut Store<HostState>,
        instance: &Instance,
    ) -> Result<Option<Decision>> {
        let Some(calls) = &self.calls else { return Ok(None) };
        Ok(Some(lift_decision(calls.load(&mut *store, instance)?.call_check(store)?)))
    }

    /// `listings.visible`; `None` if the component has no such hook.
    pub(crate) fn visible(
        &self,
        store: &mut Store<HostState>,
        instance: &Instance,
        entries: &[Entry],
    ) -> Result<Option<Vec<bool>>> {
        let Some(listings) = &self.listings else { return Ok(None) };
        let entries: Vec<types::Entry> = entries.iter().map(lower_entry).collect();
        Ok(Some(listings.load(&mut *store, instance)?.call_visible(store, &entries)?))
    }

    /// `replies.check`; `None` if the component has no such hook.
    pub(crate) fn check_reply(
        &self,
        store: &mut Store<HostState>,
        instance: &Instance,
    ) -> Result<Option<Decision>> {
        let Some(replies) = &self.replies else { return Ok(None) };
        Ok(Some(lift_decision(replies.load(&mut *store, instance)?.call_check(store)?)))
    }
}

fn optional<T>(
    pre: &InstancePre<HostState>,
    interface: &str,
    resolve: impl FnOnce(&InstancePre<HostState>) -> Result<T>,
) -> Result<Option<T>> {
    let component: &Component = pre.component();
    // This look-up is aware of SemVer: a component built against 0.1.3 is found as well.
    match component.get_export_index(None, &*format!("bartizan:policy/{interface}@0.1.0")) {
        Some(_) => resolve(pre).map(Some),
        None => Ok(None),
    }
}

fn lower_entry(entry: &Entry) -> types::Entry {
    types::Entry {
        name: entry.name.clone(),
        digest: entry.digest.clone(),
        definition: entry.definition.clone(),
    }
}

fn lift_description(description: types::Description) -> Description {
    Description {
        name: description.name,
        version: description.version,
        summary: description.summary,
        settings_schema: description.settings_schema,
        interests: description
            .interests
            .into_iter()
            .map(|interest| Interest { methods: interest.methods, targets: interest.targets })
            .collect(),
        asks: description.asks,
        metadata: description.metadata,
    }
}

fn lift_decision(decision: types::Decision) -> Decision {
    Decision {
        verdict: match decision.verdict {
            types::Verdict::Pass => Verdict::Pass,
            types::Verdict::Deny(denial) => Verdict::Deny(Denial {
                message: denial.message,
                rule: denial.rule,
                retry_after: denial.retry_after,
            }),
            types::Verdict::Ask(approval) => Verdict::Ask(Approval {
                message: approval.message,
                rule: approval.rule,
                expires_after: approval.expires_after,
            }),
            types::Verdict::Rewrite(text) => Verdict::Rewrite(text),
        },
        charges: decision.charges.into_iter().map(lift_charge).collect(),
        notes: decision.notes.into_iter().map(|note| Note { key: note.key, value: note.value }).collect(),
        memory: Vec::new(),
    }
}

fn lift_charge(charge: types::Charge) -> Charge {
    Charge {
        counter: charge.counter,
        scope: match charge.scope {
            types::Scope::Session => Scope::Session,
            types::Scope::Principal => Scope::Principal,
            types::Scope::Server => Scope::Server,
            types::Scope::Everyone => Scope::Everyone,
        },
        cost: charge.cost,
        limit: charge.limit,
        window: match charge.window {
            types::Window::Sliding(seconds) => Window::Sliding(seconds),
            types::Window::Fixed(unit) => Window::Fixed(match unit {
                types::Unit::Second => Unit::Second,
                types::Unit::Minute => Unit::Minute,
                types::Unit::Hour => Unit::Hour,
                types::Unit::Day => Unit::Day,
                types::Unit::Week => Unit::Week,
                types::Unit::Month => Unit::Month,
            }),
        },
        message: charge.message,
        rule: charge.rule,
        counts_errors: charge.counts_errors,
    }
}

#[cfg(test)]
mod tests {
    use super::provides;

    #[test]
    fn only_the_contract_may_be_imported() {
        for (import, expected) in [
            ("bartizan:policy/call@0.1.0", true),
            ("bartizan:policy/call@0.1.12", true),
            ("bartizan:policy/types@0.1.0", true),
            ("bartizan:policy/call@0.2.0", false),
            ("bartizan:policy/call@0.1.", false),
            ("bartizan:policy/call@0.1.0-evil", false),
            ("bartizan:policy/call", false),
            ("bartizan:policy/http@0.1.0", true),
            ("bartizan:policy/files@0.1.0", false),
            ("wasi:cli/environment@0.2.0", false),
            ("env", false),
        ] {
            assert_eq!(provides(import).is_some(), expected, "{import}");
        }
    }
}
