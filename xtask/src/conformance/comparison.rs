//! What a run must have found: our server passes everything that counts, and behind the gateway the same
//! checks end in the same way.

use std::collections::{BTreeMap, BTreeSet};

use super::Revision;
use super::suite::{Check, Outcome, Scenario, Status};
use super::targets::Target;

/// A difference that is as it should be: in a scenario that is not scored, or of a check that the suite
/// itself only informs of. One that does not occur any more is a failure, so that it is taken out.
struct Expected {
    target: Target,
    revision: Revision,
    scenario: &'static str,
    check: &'static str,
    because: &'static str,
}

/// A server on pipes does not say whether it would stream.
const ANSWERS_IN_JSON: &str = "over stdio no server has streams: the gateway answers in JSON when the response \
    comes alone, so there is no stream to look at";

/// Over HTTP nothing differs.
const EXPECTED: [Expected; 5] = [
    Expected {
        target: Target::Stdio,
        revision: Revision::Legacy,
        scenario: "server-sse-multiple-streams",
        check: "server-sse-streams-functional",
        because: ANSWERS_IN_JSON,
    },
    Expected {
        target: Target::Stdio,
        revision: Revision::Legacy,
        scenario: "server-sse-polling",
        check: "server-sse-priming-event",
        because: ANSWERS_IN_JSON,
    },
    Expected {
        target: Target::Stdio,
        revision: Revision::Legacy,
        scenario: "server-sse-polling",
        check: "server-sse-retry-field",
        because: ANSWERS_IN_JSON,
    },
    Expected {
        target: Target::Stdio,
        revision: Revision::Legacy,
        scenario: "server-sse-polling",
        check: "server-sse-disconnect-resume",
        because: ANSWERS_IN_JSON,
    },
    Expected {
        target: Target::Stdio,
        revision: Revision::Modern,
        scenario: "server-sse-multiple-streams",
        check: "server-sse-streams-functional",
        because: ANSWERS_IN_JSON,
    },
];

/// What a run is found to be.
pub(super) struct Judgement {
    /// How many checks end otherwise than at the server itself; `None` for the server itself.
    pub(super) differences: Option<usize>,
    pub(super) findings: Vec<Finding>,
}

/// Something to tell of a run.
pub(super) struct Finding {
    pub(super) place: String,
    pub(super) what: String,
    /// Why it is as it should be; `None` for a failure.
    pub(super) explanation: Option<&'static str>,
}

/// How often a check ended in a way.
type Ends<'a> = BTreeMap<(&'a str, Status), usize>;

impl Judgement {
    /// Of our server itself.
    pub(super) fn alone(target: Target, revision: Revision, outcome: &Outcome) -> Self {
        let place = |scenario: &str| place(target, revision, scenario);
        let mut findings = Vec::new();
        for (name, scenario) in &outcome.scenarios {
            if scenario.checks.is_empty() {
                findings.push(Finding::failure(place(name), "has no result".to_owned()));
            }
            for check in &scenario.checks {
                if check.status == Status::Failure {
                    findings.push(Finding::failure(place(name), described(check)));
                }
            }
        }
        Self { differences: None, findings }
    }

    /// Of the gateway in front of it.
    pub(super) fn compared(target: Target, revision: Revision, direct: &Outcome, through: &Outcome) -> Self {
        Self::compared_but_for(&EXPECTED, target, revision, direct, through)
    }

    fn compared_but_for(
        exceptions: &[Expected],
        target: Target,
        revision: Revision,
        direct: &Outcome,
        through: &Outcome,
    ) -> Self {
        let mut differences = 0;
        let mut findings = Vec::new();
        let mut occurred = BTreeSet::new();
        let nothing = Scenario { scored: true, checks: Vec::new() };
        let names: BTreeSet<&String> = direct.scenarios.keys().chain(through.scenarios.keys()).collect();
        for name in names {
            let direct = direct.scenarios.get(name).unwrap_or(&nothing);
            let through = through.scenarios.get(name).unwrap_or(&nothing);
            for difference in differing(direct, through) {
                differences += 1;
                let expected = exceptions.iter().find(|expected| {
                    (expected.target, expected.revision, expected.scenario, expected.check)
                        == (target, revision, name.as_str(), difference.check)
                });
                occurred.extend(expected.map(|expected| (expected.scenario, expected.check)));
                let may_be = !direct.scored || difference.informs;
                findings.push(Finding {
                    place: place(target, revision, name),
                    what: difference.what,
                    explanation: expected.filter(|_| may_be).map(|expected| expected.because),
                });
            }
        }
        let here = |expected: &&Expected| (expected.target, expected.revision) == (target, revision);
        for expected in exceptions.iter().filter(here) {
            if !occurred.contains(&(expected.scenario, expected.check)) {
                let what = format!("{} does not differ any more: take it from the list", expected.check);
                findings.push(Finding::failure(place(target, revision, expected.scenario), what));
            }
        }
        Self { differences: Some(differences), findings }
    }
}

impl Finding {
    fn failure(place: String, what: String) -> Self {
        Self { place, what, explanation: None }
    }
}

struct Difference<'a> {
    check: &'a str,
    /// Behind the gateway the check does not judge.
    informs: bool,
    what: String,
}

/// The checks that do not end as often in the same way.
fn differing<'a>(direct: &'a Scenario, through: &'a Scenario) -> Vec<Difference<'a>> {
    let (before, after) = (ends(direct), ends(through));
    let checks: BTreeSet<&str> = before.keys().chain(after.keys()).map(|(check, _)| *check).collect();
    let mut differences = Vec::new();
    for check in checks {
        let (before, after) = (of(&before, check), of(&after, check));
        if before == after {
            continue;
        }
        let seen = || through.checks.iter().filter(|seen| seen.id == check);
        let informs = seen().next().is_some() && seen().all(|seen| seen.status == Status::Info);
        // A check that fails says why; one that only informs says what else happened.
        let reasons: Vec<String> = seen()
            .filter(|seen| seen.status != Status::Success)
            .map(|seen| format!("\n      {}", described(seen)))
            .collect();
        let what = format!("{check}: {} instead of {}{}", shown(&after), shown(&before), reasons.concat());
        differences.push(Difference { check, informs, what });
    }
    differences
}

fn ends(scenario: &Scenario) -> Ends<'_> {
    let mut ends = Ends::new();
    for check in scenario.checks.iter().filter(|check| check.status != Status::Info) {
        *ends.entry((&check.id, check.status)).or_default() += 1;
    }
    ends
}

fn of(ends: &Ends<'_>, check: &str) -> Vec<(Status, usize)> {
    ends.iter().filter(|((id, _), _)| *id == check).map(|((_, status), times)| (*status, *times)).collect()
}

/// `SUCCESS`, `SUCCESS 2, FAILURE`.
fn shown(ends: &[(Status, usize)]) -> String {
    let shown = |(status, times): &(Status, usize)| match times {
        1 => format!("{status:?}").to_uppercase(),
        _ => format!("{} {times}", format!("{status:?}").to_uppercase()),
    };
    if ends.is_empty() { "nothing".to_owned() } else { ends.iter().map(shown).collect::<Vec<_>>().join(", ") }
}

fn described(check: &Check) -> String {
    format!("{}: {}", check.id, check.problem.as_deref().unwrap_or(&check.description))
}

fn place(target: Target, revision: Revision, scenario: &str) -> String {
    format!("{}, {}, {scenario}", target.title(), revision.name())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Expected, Judgement, Revision, Target};
    use crate::conformance::suite::{Check, Outcome, Scenario, Status};

    const EXCEPTION: Expected = Expected {
        target: Target::Http,
        revision: Revision::Legacy,
        scenario: "ping",
        check: "a",
        because: "it may",
    };

    fn outcome(scored: bool, checks: &[(&str, Status)]) -> Outcome {
        let checks = checks
            .iter()
            .map(|(id, status)| Check {
                id: (*id).to_owned(),
                status: *status,
                description: String::new(),
                problem: None,
            })
            .collect();
        Outcome { scenarios: BTreeMap::from([("ping".to_owned(), Scenario { scored, checks })]) }
    }

    fn judged(exceptions: &[Expected], direct: &Outcome, through: &Outcome) -> Judgement {
        Judgement::compared_but_for(exceptions, Target::Http, Revision::Legacy, direct, through)
    }

    fn compared(direct: &[(&str, Status)], through: &[(&str, Status)]) -> Vec<String> {
        let judgement = judged(&[], &outcome(true, direct), &outcome(true, through));
        assert_eq!(judgement.differences, Some(judgement.findings.len()));
        judgement.findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn the_same_checks_in_another_order_are_the_same() {
        let (a, b) = (("a", Status::Success), ("b", Status::Warning));
        assert_eq!(compared(&[a, b, a], &[b, a, a, ("seen", Status::Info)]), Vec::<String>::new());
    }

    #[test]
    fn what_ends_otherwise_or_not_as_often_differs() {
        use Status::{Failure, Info, Success};
        let (success, failure) = (("a", Success), ("a", Failure));
        assert_eq!(compared(&[success], &[]), ["a: nothing instead of SUCCESS"]);
        assert_eq!(compared(&[], &[success]), ["a: SUCCESS instead of nothing"]);
        assert_eq!(compared(&[success, success], &[success]), ["a: SUCCESS instead of SUCCESS 2"]);
        assert_eq!(compared(&[success], &[failure]), ["a: FAILURE instead of SUCCESS\n      a: "]);
        assert_eq!(compared(&[success], &[("a", Info)]), ["a: nothing instead of SUCCESS\n      a: "]);
    }

    #[test]
    fn an_exception_holds_only_where_nothing_is_scored() {
        use Status::{Failure, Info, Success};
        let success = [("a", Success)];
        let cases = [
            ("a scored check fails", true, Failure, None),
            ("a scored scenario does not judge", true, Info, Some("it may")),
            ("a check that is not scored fails", false, Failure, Some("it may")),
        ];
        for (name, scored, status, explanation) in cases {
            let (direct, through) = (outcome(scored, &success), outcome(scored, &[("a", status)]));
            let findings = judged(&[EXCEPTION], &direct, &through).findings;
            let explanations: Vec<_> = findings.iter().map(|finding| finding.explanation).collect();
            assert_eq!(explanations, [explanation], "{name}");
        }
    }

    #[test]
    fn an_exception_that_is_none_is_a_failure() {
        let outcome = outcome(false, &[("a", Status::Success)]);
        let judgement = judged(&[EXCEPTION], &outcome, &outcome);
        assert_eq!(judgement.differences, Some(0));
        assert!(matches!(judgement.findings.as_slice(), [finding] if finding.explanation.is_none()));
    }

    #[test]
    fn a_server_of_ours_must_pass_and_must_have_been_asked() {
        let failures = |checks| {
            Judgement::alone(Target::Direct, Revision::Legacy, &outcome(true, checks)).findings.len()
        };
        assert_eq!(failures(&[("a", Status::Success), ("b", Status::Warning)]), 0);
        assert_eq!(failures(&[("a", Status::Success), ("b", Status::Failure)]), 1);
        assert_eq!(failures(&[]), 1);
    }
}
