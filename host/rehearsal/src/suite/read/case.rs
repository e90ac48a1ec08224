//! Reading a case and its steps.

use std::sync::Arc;

use bartizan_gateway::offline::Ending;
use bartizan_policy::decode::{self, Object};
use bartizan_policy::diagnostics::Problem;
use bartizan_policy::source::{Member, Node, Span};
use bartizan_runtime::{Entry, Reply};
use bartizan_state::approval::Decision;
use bartizan_wire::json::{Document, Value};

use super::super::alone::Alone;
use super::{Common, Given, Reader};
use crate::call::{Changes, Circumstances, Message, read_object};
use crate::definitions::Kind;
use crate::plugins::Origin;
use crate::suite::{Action, CallStep, Case, Content, Expectation, ListExpectation, ListStep, Step, StepTime};
use crate::time;

/// How often one step may happen.
const TIMES: std::ops::RangeInclusive<u32> = 1..=100_000;

const OUTCOMES: [(&str, Ending); 3] =
    [("ok", Ending::Done), ("error", Ending::Failed), ("unavailable", Ending::NotSent)];
const KINDS: [(&str, Kind); 3] =
    [("tools", Kind::Tools), ("prompts", Kind::Prompts), ("resources", Kind::Resources)];
/// What a step is: exactly one of these.
const ACTIONS: [&str; 4] = ["call", "list", "approve", "deny"];
/// What a step may say besides.
const STEP_KEYS: [&str; 4] = ["expect", "times", "outcome", "result"];

/// What holds for the steps of a case.
#[derive(Clone)]
struct Setting<'c> {
    common: &'c Common<'c>,
    circumstances: Circumstances,
    /// The definition that the case gives.
    definition: Option<Document>,
}

impl Setting<'_> {
    /// The definition of a message's target: its own, else that of the case, else the suite's.
    fn definition_of(&self, message: &Message, own: Option<&Document>) -> Option<Arc<Entry>> {
        self.common.definitions.of(message, own.or(self.definition.as_ref()))
    }
}

impl Reader<'_> {
    pub(super) fn case(&mut self, node: &Node, common: &Common<'_>) -> Option<Case> {
        let mut object = Object::read(node, node.span, "a case", self.report)?;
        let name = object
            .require("name", "\"what it shows\"", self.report)
            .and_then(|member| decode::string(&member.node, "`name`", self.report));
        object.take("description");
        let own = self.policy(&mut object);
        let (settings, grants) = (object.take("settings"), object.take("grants"));
        let alone = common.alone.as_ref().filter(|_| matches!(own, Given::Nothing));
        let policy = match (own, alone) {
            (Given::Nothing, Some(alone)) if settings.or(grants).is_some() => {
                self.policy_of(alone, settings.or(common.settings), grants.or(common.grants))
            }
            (Given::Nothing, alone) => {
                if alone.is_none() {
                    self.misplaced([settings, grants], "goes with `plugin`, and the suite has none");
                }
                common.policy.clone()
            }
            (given, _) => {
                self.misplaced([settings, grants], "goes with `plugin`, and the case has a `policy`");
                given
            }
        };
        if let Given::Nothing = policy {
            let problem = Problem::error("missing-key", node.span.head(), "there is no policy for this case");
            self.report.push(problem.help(
                "give the suite or the case the key `policy`: a path, or a policy; or the suite the key `plugin`",
            ));
        }
        let plugins_dir = self.plugins_dir(&mut object, common.plugins_dir.as_deref());
        let origin = alone.map_or_else(|| Origin::from(plugins_dir), Alone::origin);
        let mut circumstances = common.circumstances.clone();
        Changes::read(&mut object, self.report).apply(&mut circumstances);
        let sequence = object.take("steps");
        if let Some(member) = object.take("expect_refused") {
            let text = self.refusal(&mut object, member, alone);
            object.finish(&[], self.report);
            let Given::Policy(policy) = policy else { return None };
            return Some(Case {
                name: name?.to_owned(),
                position: self.source.position(node.span.start),
                policy,
                origin,
                content: Content::Refusal { text: text? },
            });
        }
        let steps = match sequence {
            Some(member) => {
                for key in ACTIONS.iter().chain(&STEP_KEYS) {
                    if let Some(stray) = object.refuse(key) {
                        let message = format!("`{key}` belongs into a step, since the case has `steps`");
                        let problem = Problem::error("misplaced-key", stray.key_span, message);
                        self.report.push(problem.help("move it into one of the steps"));
                    }
                }
                let definition = self.definition(&mut object);
                self.steps(member, &Setting { common, circumstances, definition })
            }
            None => {
                let place = node.span;
                let time = StepTime::At(circumstances.time);
                let setting = Setting { common, circumstances, definition: None };
                self.step(&mut object, place, time, &setting).into_iter().collect()
            }
        };
        object.finish(&[], self.report);
        let Given::Policy(policy) = policy else { return None };
        Some(Case {
            name: name?.to_owned(),
            position: self.source.position(node.span.start),
            policy,
            origin,
            content: Content::Steps { steps, is_sequence: sequence.is_some() },
        })
    }

    /// The text with which a plugin refuses its settings.
    fn refusal(&mut self, object: &mut Object<'_>, member: &Member, alone: Option<&Alone>) -> Option<String> {
        for key in ACTIONS.iter().chain(&STEP_KEYS).chain(&["definition", "steps"]) {
            let Some(stray) = object.refuse(key) else { continue };
            let message =
                format!("nothing happens with settings that are refused, so `{}` has no place", stray.key);
            let problem = Problem::error("misplaced-key", stray.key_span, message);
            self.report.push(problem.help("write it as a case of its own"));
        }
        if alone.is_none() {
            let message = "`expect_refused` is expected of a plugin that is tested alone";
            let problem = Problem::error("misplaced-key", member.key_span, message);
            self.report.push(problem.help("give the suite `plugin` in place of `policy`"));
        }
        decode::string(&member.node, "`expect_refused`", self.report).map(str::to_owned)
    }

    fn steps(&mut self, member: &Member, case: &Setting<'_>) -> Vec<Step> {
        let Some(items) = decode::list(&member.node, "`steps`", self.report) else { return Vec::new() };
        if items.is_empty() {
            let problem = Problem::error("no-steps", member.key_span, "there are no steps");
            self.report.push(problem.help("write at least one"));
        }
        let mut steps = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let Some(mut object) = Object::read(item, item.span, "a step", self.report) else { continue };
            let mut own = case.clone();
            Changes::read(&mut object, self.report).apply(&mut own.circumstances);
            let after = object
                .take("after")
                .and_then(|member| time::read_duration(&member.node, "`after`", self.report));
            let time = match (item.get("time"), after) {
                (Some(place), Some(_)) => {
                    let message = "a step has either `time` or `after`";
                    let problem = Problem::error("misplaced-key", place.span, message);
                    self.report.push(problem.help("`after` counts from the step before"));
                    StepTime::At(own.circumstances.time)
                }
                (Some(_), None) => StepTime::At(own.circumstances.time),
                (None, Some(after)) => StepTime::After(after),
                // The first one is at the time of the case.
                (None, None) if index == 0 => StepTime::At(case.circumstances.time),
                (None, None) => StepTime::After(0),
            };
            // `after` of the first step counts from the time of the case.
            let time = match time {
                StepTime::After(after) if index == 0 => {
                    StepTime::At(case.circumstances.time.saturating_add(after))
                }
                time => time,
            };
            steps.extend(self.step(&mut object, item.span, time, &own));
            object.finish(&[], self.report);
        }
        steps
    }

    fn step(
        &mut self,
        object: &mut Object<'_>,
        place: Span,
        time: StepTime,
        setting: &Setting<'_>,
    ) -> Option<Step> {
        let named: Vec<&Member> = ACTIONS.iter().filter_map(|key| object.take(key)).collect();
        let Some(&member) = named.first() else {
            // So that only this is said of them.
            for key in STEP_KEYS.into_iter().chain(["definition"]) {
                object.take(key);
            }
            let problem = Problem::error("missing-key", place.head(), "it does not say what happens");
            self.report.push(problem.help("give it `call` or `list`; in `steps` also `approve` or `deny`"));
            return None;
        };
        if let Some(second) = named.get(1) {
            let message = format!("`{}` and `{}` are two steps", member.key, second.key);
            let problem = Problem::error("misplaced-key", second.key_span, message);
            self.report.push(problem.help("write them as two items of `steps`"));
        }
        let action = match member.key.as_str() {
            "call" => self.call(object, member, place, setting).map(Action::Call),
            "list" => self.list(object, member, place, setting).map(Action::List),
            key => {
                self.decide(object, member, if key == "approve" { Decision::Approve } else { Decision::Deny })
            }
        };
        Some(Step { position: self.source.position(place.start), time, action: action? })
    }

    fn call(
        &mut self,
        object: &mut Object<'_>,
        member: &Member,
        place: Span,
        setting: &Setting<'_>,
    ) -> Option<Box<CallStep>> {
        let message = Message::read(&member.node, member.key_span, self.report);
        let times = object
            .take("times")
            .map_or(Some(1), |member| decode::integer(&member.node, "`times`", &TIMES, self.report));
        let outcome = object
            .take("outcome")
            .and_then(|member| decode::word(&member.node, "`outcome`", &OUTCOMES, &[], self.report));
        let definition = self.definition(object);
        let given = object.take("result");
        let result =
            given.and_then(|member| read_object(&member.node, "`result`", self.report)).map(|result| {
                let is_error = result.root().get("isError").and_then(Value::as_bool);
                Reply { is_error: is_error.unwrap_or(false), value: result.as_str().into() }
            });
        let expect = self.expectation(object, place)?;
        let expect = Expectation::read(expect, self.report)?;
        if expect.reply.is_some() && given.is_none() {
            let problem =
                Problem::error("missing-key", place.head(), "a reply is expected, and there is no `result`");
            self.report.push(problem.help("give the case the `result` that the server answers with"));
        }
        let failed = result.as_ref().is_some_and(|result| result.is_error);
        let ending = outcome.unwrap_or(if failed { Ending::Failed } else { Ending::Done });
        if given.is_some() && ending == Ending::NotSent {
            let message = "a server that is not reached answers with no `result`";
            let place = given.map_or(place, |member| member.key_span);
            let problem = Problem::error("misplaced-key", place, message);
            self.report.push(problem.help("take `result` away, or `outcome: unavailable`"));
        }
        let message = message?;
        let entry = setting.definition_of(&message, definition.as_ref());
        Some(Box::new(CallStep {
            message,
            circumstances: setting.circumstances.clone(),
            entry,
            times: times?,
            ending,
            result,
            expect,
        }))
    }

    fn list(
        &mut self,
        object: &mut Object<'_>,
        member: &Member,
        place: Span,
        setting: &Setting<'_>,
    ) -> Option<Box<ListStep>> {
        let kind = decode::word(&member.node, "`list`", &KINDS, &[], self.report);
        let expect = self.expectation(object, place)?;
        let expect = ListExpectation::read(expect, self.report)?;
        let kind = kind?;
        let Some(entries) = setting.common.definitions.list(kind) else {
            let what = kind.as_str();
            let problem = Problem::error(
                "missing-key",
                member.key_span,
                format!("the suite does not say which {what} there are"),
            );
            self.report.push(problem.help(format!(
                "give the suite the key `{what}`: a list, or the path of a saved answer to {}",
                kind.list_method()
            )));
            return None;
        };
        Some(Box::new(ListStep {
            kind,
            circumstances: setting.circumstances.clone(),
            entries: Arc::clone(entries),
            expect,
        }))
    }

    fn definition(&mut self, object: &mut Object<'_>) -> Option<Document> {
        read_object(&object.take("definition")?.node, "`definition`", self.report)
    }

    fn decide(&mut self, object: &mut Object<'_>, member: &Member, decision: Decision) -> Option<Action> {
        let by = object.take("by").map(|member| decode::string(&member.node, "`by`", self.report));
        decode::word(&member.node, &format!("`{}`", member.key), &[("last", ())], &[], self.report)?;
        let by = by.flatten().unwrap_or("a person").to_owned();
        Some(Action::Decide { decision, by })
    }

    fn expectation<'o>(&mut self, object: &mut Object<'o>, place: Span) -> Option<&'o Member> {
        let expect = object.take("expect");
        if expect.is_none() {
            let problem = Problem::error("missing-key", place.head(), "it does not say what is expected");
            self.report.push(problem.help("give it `expect`: allow, deny, hidden or ask, or an object"));
        }
        expect
    }
}
