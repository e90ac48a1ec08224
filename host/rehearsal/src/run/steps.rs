//! The steps of a case, in order, until one goes another way than expected.

use bartizan_audit::record::{RuleRecord, Verdict};
use bartizan_gateway::offline::{Judge, Outcome, ReplyOutcome};
use bartizan_runtime::Call;
use bartizan_state::approval::{Decision, Ticket};

use super::compare::Comparison;
use super::difference::{Difference, Line, Spoke};
use crate::call::{Message, strict};
use crate::suite::{Action, CallStep, ListStep, ReplyExpectation, ReplyVerdict, Step, StepTime};
use crate::text::{line, without_tickets};

/// Runs the steps of a case, with a judge that has counted nothing yet.
pub(super) fn run(steps: &[Step], is_sequence: bool, judge: &Judge) -> Result<(), Box<Difference>> {
    let mut course = Course { judge, time: 0, tickets: Vec::new(), asked: None };
    for (index, step) in steps.iter().enumerate() {
        course.time = match step.time {
            StepTime::At(time) => time,
            StepTime::After(millis) => course.time.saturating_add(millis),
        };
        course.step(step).map_err(|went| {
            Box::new(Difference {
                position: step.position,
                step: is_sequence.then_some(index + 1),
                time: went.time,
                done: went.done,
                lines: went.lines,
                spoke: went.spoke,
            })
        })?;
    }
    Ok(())
}

/// A case under way.
struct Course<'a> {
    judge: &'a Judge,
    time: u64,
    /// Every ticket so far.
    tickets: Vec<Ticket>,
    /// The ticket of the call that asked last.
    asked: Option<Ticket>,
}

/// A step that went another way.
struct Otherwise {
    time: Option<(u32, u32)>,
    done: String,
    lines: Vec<Line>,
    spoke: Vec<Spoke>,
}

impl Course<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Otherwise> {
        match &step.action {
            Action::Call(call) => (1..=call.times).try_for_each(|time| {
                self.call(call).map_err(|otherwise| Otherwise {
                    time: (call.times > 1).then_some((time, call.times)),
                    ..otherwise
                })
            }),
            Action::List(list) => self.list(list),
            Action::Decide { decision, by } => self.decide(*decision, by),
        }
    }

    fn call(&mut self, step: &CallStep) -> Result<(), Otherwise> {
        let CallStep { message, expect, .. } = step;
        let call = Call { time: self.time, ..message.call(&step.circumstances, step.entry.clone()) };
        let mut outcome = self.judge.call(call.clone(), message.noun());
        self.judge.settle(&mut outcome, step.ending);
        self.remember(&outcome);
        let reason = outcome.reason.as_deref().map(|reason| self.without_tickets(reason));

        let mut comparison = Comparison::default();
        if let Some(verdict) = expect.verdict {
            comparison.field("verdict", verdict.as_str(), outcome.verdict.as_str());
        }
        comparison.wording(("rule", "text"), &expect.wording, outcome.rule.as_deref(), reason.as_deref());
        if let Some(expected) = expect.retry_after {
            let seconds = |seconds: Option<u32>| seconds.map_or_else(|| "none".to_owned(), |s| s.to_string());
            comparison.field("retry_after", seconds(expected), seconds(outcome.retry_after));
        }
        let forwarded = outcome.rewritten.as_deref().unwrap_or(&call);
        if let Some(expected) = &expect.arguments {
            let actual = (outcome.verdict == Verdict::Allow)
                .then(|| strict(forwarded.arguments.as_deref().unwrap_or("{}")).ok())
                .flatten();
            let actual = actual.as_ref().map(bartizan_wire::json::Document::root);
            comparison.json("arguments", expected.root(), actual, "the call is not forwarded");
        }
        let mut rules = std::mem::take(&mut outcome.rules);
        if let (Some(result), true) = (&step.result, outcome.verdict == Verdict::Allow) {
            let (reply, more) = self.judge.reply(forwarded.clone(), result.clone());
            rules.extend(more);
            if let Some(expected) = &expect.reply {
                self.reply(expected, &reply, &result.value, &mut comparison);
            }
        } else if expect.reply.is_some() {
            comparison.field("reply", "a reply is judged", "the call is not forwarded");
        }
        self.conclude(comparison, &rules, || described(message))
    }

    fn reply(
        &self,
        expected: &ReplyExpectation,
        actual: &ReplyOutcome,
        result: &str,
        comparison: &mut Comparison,
    ) {
        let (verdict, rule, text, gets) = match actual {
            ReplyOutcome::Unchanged => (ReplyVerdict::Allow, None, None, Some(result)),
            ReplyOutcome::Denied { rule, reason } => {
                (ReplyVerdict::Deny, rule.as_deref(), Some(reason.as_str()), None)
            }
            ReplyOutcome::Rewritten(result) => (ReplyVerdict::Rewrite, None, None, Some(result.as_str())),
        };
        if let Some(expected) = expected.verdict {
            comparison.field("reply.verdict", expected.as_str(), verdict.as_str());
        }
        comparison.wording(("reply.rule", "reply.text"), &expected.wording, rule, text);
        if let Some(expected) = &expected.result {
            let gets = gets.and_then(|gets| strict(gets).ok());
            let gets = gets.as_ref().map(bartizan_wire::json::Document::root);
            comparison.json("reply.result", expected.root(), gets, "the reply is withheld");
        }
    }

    fn list(&mut self, step: &ListStep) -> Result<(), Otherwise> {
        let ListStep { kind, expect, entries, .. } = step;
        let message = Message::list(kind.list_method());
        let call = Call { time: self.time, ..message.call(&step.circumstances, None) };
        // The request is judged as any other, and then what the server answers.
        let mut outcome = self.judge.call(call.clone(), None);
        self.judge.settle(&mut outcome, bartizan_gateway::offline::Ending::Done);
        self.remember(&outcome);
        let refusal = (outcome.verdict, outcome.rule.clone(), outcome.reason.clone());
        let (verdict, rule, reason, visible) = if outcome.verdict == Verdict::Allow {
            match self.judge.visible(call, entries) {
                Ok(keep) => {
                    let names = entries.iter().zip(keep).filter(|(_, keep)| *keep);
                    (Verdict::Allow, None, None, names.map(|(entry, _)| entry.name.as_str()).collect())
                }
                Err((rule, reason)) => (Verdict::Deny, rule, Some(reason), Vec::new()),
            }
        } else {
            (refusal.0, refusal.1, refusal.2, Vec::new())
        };
        let reason = reason.map(|reason| self.without_tickets(&reason));
        let mut comparison = Comparison::default();
        // A list that is refused has nothing on it, which is not what an expectation of names means.
        let expected = expect.verdict.or((verdict != Verdict::Allow).then_some(Verdict::Allow));
        if let Some(expected) = expected {
            comparison.field("verdict", expected.as_str(), verdict.as_str());
        }
        comparison.wording(("rule", "text"), &expect.wording, rule.as_deref(), reason.as_deref());
        if let Some(expected) = &expect.visible {
            comparison.names("visible", expected, &visible);
        }
        if let Some(expected) = &expect.hidden {
            comparison.gone("hidden", expected, &visible);
        }
        self.conclude(comparison, &outcome.rules, || described(&message))
    }

    fn decide(&mut self, decision: Decision, by: &str) -> Result<(), Otherwise> {
        let word = match decision {
            Decision::Approve => "approve",
            Decision::Deny => "deny",
        };
        let decided = match &self.asked {
            None => Err("no call before this one asked for approval".to_owned()),
            Some(ticket) => self.judge.decide(ticket, decision, by, self.time),
        };
        decided.map_err(|problem| Otherwise {
            time: None,
            done: format!("{word} the call that asked last"),
            lines: vec![
                Line::Expected("decision".to_owned(), format!("{by} can {word} it")),
                Line::Actual("decision".to_owned(), self.without_tickets(&problem)),
            ],
            spoke: Vec::new(),
        })
    }

    fn conclude(
        &self,
        comparison: Comparison,
        rules: &[RuleRecord],
        done: impl Fn() -> String,
    ) -> Result<(), Otherwise> {
        if comparison.holds() {
            return Ok(());
        }
        let spoke = rules.iter().map(|rule| {
            let spoke = Spoke::from(rule);
            Spoke { reason: spoke.reason.map(|reason| self.without_tickets(&reason)), ..spoke }
        });
        Err(Otherwise { time: None, done: done(), lines: comparison.into_lines(), spoke: spoke.collect() })
    }

    fn remember(&mut self, outcome: &Outcome) {
        if let Some(ticket) = &outcome.ticket {
            if !self.tickets.contains(ticket) {
                self.tickets.push(ticket.clone());
            }
            if outcome.verdict == Verdict::Ask {
                self.asked = Some(ticket.clone());
            }
        }
    }

    fn without_tickets(&self, text: &str) -> String {
        let tickets: Vec<String> = self.tickets.iter().map(ToString::to_string).collect();
        without_tickets(text, tickets.iter().map(String::as_str))
    }
}

/// A message with its arguments, on one line.
fn described(message: &Message) -> String {
    match &message.arguments {
        Some(arguments) => line(&format!("{message} {arguments}")),
        None => line(&message.to_string()),
    }
}
