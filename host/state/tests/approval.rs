//! Approvals as a caller sees them: who may use what, once, and until when.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod common;

use bartizan_state::approval::{
    Approval, ApprovalError, Approvals, Binding, Decision, Demand, Filter, Grant, Request, Status, Ticket,
};
use bartizan_state::quota::Millis;

use common::{NEW_YEAR, Place};

const TIMEOUT: u32 = 60;
/// The timeout in milliseconds.
const SPAN: u64 = 60_000;
const DAY: u64 = 86_400_000;

fn at(after: u64) -> Millis {
    Millis::new(NEW_YEAR + after)
}

/// A call; another number is another binding.
fn call(number: u8) -> Request {
    Request {
        binding: Binding::new([number; 32]),
        server: "mlflow".into(),
        method: "tools/call".into(),
        target: Some("delete_run".into()),
        principal: None,
        session: "s".into(),
        arguments: r#"{"run_id":"ä\u0000"}"#.into(),
        rules: vec!["/tools/delete_run/action".into(), "/methods/tools~1call/action".into()],
        message: "Ask the owner.".into(),
        expires_after: TIMEOUT,
    }
}

fn pending(approvals: &dyn Approvals, request: &Request, after: u64) -> Ticket {
    match approvals.demand(request, at(after)).unwrap() {
        Demand::Pending(approval) => approval.ticket,
        other => panic!("expected a pending approval, got {other:?}"),
    }
}

fn granted(approvals: &dyn Approvals, request: &Request, after: u64) -> Grant {
    match approvals.demand(request, at(after)).unwrap() {
        Demand::Granted(grant) => grant,
        other => panic!("expected a grant, got {other:?}"),
    }
}

fn decide(approvals: &dyn Approvals, ticket: &Ticket, decision: Decision, after: u64) -> Approval {
    approvals.decide(ticket, decision, "grace", None, at(after)).unwrap()
}

fn status(approvals: &dyn Approvals, ticket: &Ticket, after: u64) -> Status {
    approvals.find(ticket, at(after)).unwrap().unwrap().status
}

/// An approval in this state, of the call: not expired before `SPAN`.
fn brought_to(approvals: &dyn Approvals, request: &Request, wanted: Status) -> Ticket {
    let ticket = pending(approvals, request, 0);
    match wanted {
        Status::Pending | Status::Expired => {}
        Status::Approved => drop(decide(approvals, &ticket, Decision::Approve, 0)),
        Status::Denied => drop(decide(approvals, &ticket, Decision::Deny, 0)),
        Status::Withdrawn => drop(approvals.withdraw(&ticket, at(0)).unwrap()),
        Status::Used => {
            decide(approvals, &ticket, Decision::Approve, 0);
            assert_eq!(granted(approvals, request, 0).ticket(), &ticket);
        }
    }
    ticket
}

const STORED: [Status; 5] =
    [Status::Pending, Status::Approved, Status::Denied, Status::Used, Status::Withdrawn];

fn a_new_request_is_pending_and_kept_as_it_was(place: Place) {
    let approvals = place.approvals();
    for request in [
        call(1),
        Request { target: None, principal: Some("ada".into()), rules: Vec::new(), ..call(2) },
        Request { expires_after: 0, message: String::new(), ..call(3) },
        Request { expires_after: u32::MAX, arguments: "{}".repeat(100_000), ..call(4) },
    ] {
        let Demand::Pending(approval) = approvals.demand(&request, at(5)).unwrap() else { panic!() };
        let expires = Millis::new(at(5).get() + u64::from(request.expires_after) * 1_000);
        let expected = Approval {
            ticket: approval.ticket.clone(),
            status: Status::Pending,
            request: request.clone(),
            created: at(5),
            expires,
            decided_at: None,
            decided_by: None,
            reason: None,
            used_at: None,
        };
        assert_eq!(approval, expected);
        let found = approvals.find(&approval.ticket, at(5)).unwrap().unwrap();
        let read = if request.expires_after == 0 { Status::Expired } else { Status::Pending };
        assert_eq!(found, Approval { status: read, ..expected });
    }
}

fn identical_calls_share_a_pending_ticket_and_others_do_not(place: Place) {
    let approvals = place.approvals();
    let ticket = pending(&*approvals, &call(1), 0);
    assert_eq!(pending(&*approvals, &call(1), 1), ticket);
    assert_eq!(pending(&*approvals, &Request { session: "t".into(), ..call(1) }, 1), ticket);
    assert_ne!(pending(&*approvals, &call(2), 1), ticket);
    assert_eq!(approvals.list(Filter::All, at(1)).unwrap().len(), 2);
}

fn an_approval_lets_its_call_through_once(place: Place) {
    let approvals = place.approvals();
    let (ticket, other) = (pending(&*approvals, &call(1), 0), pending(&*approvals, &call(2), 0));
    let approval = approvals.decide(&ticket, Decision::Approve, "grace", Some("Fine."), at(1)).unwrap();
    assert_eq!(approval.status, Status::Approved);
    assert_eq!((approval.decided_at, approval.decided_by.as_deref()), (Some(at(1)), Some("grace")));
    assert_eq!(approval.reason.as_deref(), Some("Fine."));

    assert_eq!(pending(&*approvals, &call(2), 2), other, "another call");
    assert_eq!(granted(&*approvals, &call(1), 3).ticket(), &ticket);
    let used = approvals.find(&ticket, at(4)).unwrap().unwrap();
    assert_eq!(used, Approval { status: Status::Used, used_at: Some(at(3)), ..approval });

    assert_ne!(pending(&*approvals, &call(1), 4), ticket, "a replay has to ask anew");
    assert_eq!(status(&*approvals, &ticket, 4 + 2 * SPAN), Status::Used, "used it stays");
}

fn a_denial_answers_until_its_time_is_over(place: Place) {
    let approvals = place.approvals();
    let ticket = pending(&*approvals, &call(1), 0);
    let denied = approvals.decide(&ticket, Decision::Deny, "grace", Some("No."), at(10)).unwrap();
    assert_eq!((denied.status, denied.expires), (Status::Denied, at(SPAN)));
    for after in [10, SPAN - 1] {
        let Demand::Refused(refused) = approvals.demand(&call(1), at(after)).unwrap() else { panic!() };
        assert_eq!(refused, denied);
    }
    let next = pending(&*approvals, &call(1), SPAN);
    assert_ne!(next, ticket);
    assert_eq!(status(&*approvals, &ticket, 2 * SPAN), Status::Denied);
}

fn an_answer_comes_in_time_or_not_at_all(place: Place) {
    let approvals = place.approvals();
    let (early, late) = (pending(&*approvals, &call(1), 0), pending(&*approvals, &call(2), 0));
    assert_eq!(status(&*approvals, &early, SPAN - 1), Status::Pending);
    assert_eq!(status(&*approvals, &late, SPAN), Status::Expired);

    for decision in [Decision::Approve, Decision::Deny] {
        let error = approvals.decide(&late, decision, "grace", None, at(SPAN)).unwrap_err();
        let ApprovalError::Expired { ticket, at: when } = &error else { panic!("{error:?}") };
        assert_eq!((ticket, *when), (&late, at(SPAN)));
        assert!(error.to_string().contains("expired at 2026-01-01T00:01:00Z"), "{error}");
    }
    assert!(matches!(approvals.withdraw(&late, at(SPAN)), Err(ApprovalError::Expired { .. })));
    assert_ne!(pending(&*approvals, &call(2), SPAN), late, "it is asked anew");

    let approved = decide(&*approvals, &early, Decision::Approve, SPAN - 1);
    assert_eq!(approved.expires, at(2 * SPAN - 1), "an approval is good for as long again");
    assert_eq!(status(&*approvals, &early, 2 * SPAN - 2), Status::Approved);
    assert_eq!(status(&*approvals, &early, 2 * SPAN - 1), Status::Expired);
    assert_ne!(pending(&*approvals, &call(1), 2 * SPAN - 1), early, "an approval that expired is none");
    assert_eq!(granted(&*approvals, &call(1), 2 * SPAN - 2).ticket(), &early);
}

fn an_approval_never_shortens_its_time(place: Place) {
    let approvals = place.approvals();
    let ticket = pending(&*approvals, &call(1), 1_000);
    let approved = decide(&*approvals, &ticket, Decision::Approve, 0);
    assert_eq!(approved.expires, at(1_000 + SPAN), "the clock had stepped back");
}

fn only_what_is_pending_is_decided_or_withdrawn(place: Place) {
    for stored in STORED {
        let approvals = place.approvals();
        let ticket = brought_to(&*approvals, &call(1), stored);
        let before = approvals.find(&ticket, at(1)).unwrap();
        let outcomes = [
            ("approve", approvals.decide(&ticket, Decision::Approve, "eve", Some("x"), at(1))),
            ("deny", approvals.decide(&ticket, Decision::Deny, "eve", Some("x"), at(1))),
            ("withdraw", approvals.withdraw(&ticket, at(1))),
        ];
        for (index, (name, outcome)) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(approval) if stored == Status::Pending && index == 0 => {
                    assert_eq!(approval.status, Status::Approved);
                }
                Err(ApprovalError::Decided { ticket: named, status }) => {
                    let expected = if stored == Status::Pending { Status::Approved } else { stored };
                    assert_eq!((&named, status), (&ticket, expected), "{name}");
                }
                other => panic!("{name} of one that is {stored}: {other:?}"),
            }
        }
        if stored != Status::Pending {
            assert_eq!(approvals.find(&ticket, at(1)).unwrap(), before, "{stored}");
        }
    }
}

fn what_is_withdrawn_is_asked_anew(place: Place) {
    let approvals = place.approvals();
    let ticket = pending(&*approvals, &call(1), 0);
    let withdrawn = approvals.withdraw(&ticket, at(1)).unwrap();
    assert_eq!((withdrawn.status, withdrawn.decided_at), (Status::Withdrawn, None));
    assert_ne!(pending(&*approvals, &call(1), 2), ticket);
    assert_eq!(status(&*approvals, &ticket, 2 * SPAN), Status::Withdrawn);
}

fn a_use_is_taken_back_once_and_within_its_time(place: Place) {
    let approvals = place.approvals();
    let ticket = brought_to(&*approvals, &call(1), Status::Approved);
    let grant = granted(&*approvals, &call(1), 1);
    approvals.restore(grant).unwrap();
    let restored = approvals.find(&ticket, at(1)).unwrap().unwrap();
    assert_eq!((restored.status, restored.used_at, restored.expires), (Status::Approved, None, at(SPAN)));

    let grant = granted(&*approvals, &call(1), 2);
    assert_eq!(grant.ticket(), &ticket);
    approvals.restore(grant).unwrap();
    assert_eq!(status(&*approvals, &ticket, SPAN), Status::Expired, "restoring adds no time");
    assert_ne!(pending(&*approvals, &call(1), SPAN), ticket);
}

fn only_what_is_used_is_restored(place: Place) {
    for stored in STORED {
        let approvals = place.approvals();
        let ticket = brought_to(&*approvals, &call(1), stored);
        let outcome = approvals.restore(Grant::new(ticket.clone()));
        match outcome {
            Ok(()) => assert_eq!(stored, Status::Used),
            Err(ApprovalError::NotUsed { ticket: named, status }) => {
                assert_ne!(stored, Status::Used);
                assert_eq!((named, status), (ticket.clone(), stored));
                assert_eq!(self::status(&*approvals, &ticket, 0), stored);
            }
            Err(error) => panic!("{stored}: {error:?}"),
        }
    }
}

fn several_approvals_of_one_call_are_used_one_by_one(place: Place) {
    let approvals = place.approvals();
    // The first is given back after the second was approved.
    let first = brought_to(&*approvals, &call(1), Status::Approved);
    let grant = granted(&*approvals, &call(1), 1);
    let second = pending(&*approvals, &call(1), 2);
    decide(&*approvals, &second, Decision::Approve, 2);
    approvals.restore(grant).unwrap();

    assert_eq!(granted(&*approvals, &call(1), 3).ticket(), &first, "the one that ends first");
    assert_eq!(granted(&*approvals, &call(1), 3).ticket(), &second);
    let third = pending(&*approvals, &call(1), 3);
    assert!(third != first && third != second);
}

fn an_approval_goes_before_a_denial_and_that_before_a_question(place: Place) {
    let approvals = place.approvals();
    // Approved (used and restored), denied and pending, all for one call.
    brought_to(&*approvals, &call(1), Status::Approved);
    let approved = granted(&*approvals, &call(1), 1);
    let denied = pending(&*approvals, &call(1), 2);
    decide(&*approvals, &denied, Decision::Deny, 2);
    assert!(matches!(approvals.demand(&call(1), at(3)).unwrap(), Demand::Refused(_)));
    let ticket = approved.ticket().clone();
    approvals.restore(approved).unwrap();
    assert_eq!(granted(&*approvals, &call(1), 4).ticket(), &ticket);
    let Demand::Refused(refused) = approvals.demand(&call(1), at(5)).unwrap() else { panic!() };
    assert_eq!(refused.ticket, denied);
}

fn an_unknown_ticket_is_an_error(place: Place) {
    let approvals = place.approvals();
    let ticket: Ticket = "apr_0123456789abcdef".parse().unwrap();
    assert_eq!(approvals.find(&ticket, at(0)).unwrap(), None);
    let errors = [
        approvals.decide(&ticket, Decision::Approve, "grace", None, at(0)).unwrap_err(),
        approvals.withdraw(&ticket, at(0)).unwrap_err(),
        approvals.restore(Grant::new(ticket.clone())).unwrap_err(),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(matches!(error, ApprovalError::Unknown { ticket: unknown } if unknown == ticket), "{text}");
        assert!(text.contains("apr_0123456789abcdef"), "{text}");
    }
}

fn lists_are_in_order_and_read_as_of_now(place: Place) {
    let approvals = place.approvals();
    assert_eq!(approvals.list(Filter::All, at(0)).unwrap(), []);
    let statuses = STORED;
    let tickets: Vec<_> =
        (1..).zip(statuses).map(|(number, status)| brought_to(&*approvals, &call(number), status)).collect();
    let listed = |filter, after| -> Vec<_> {
        let list = approvals.list(filter, at(after)).unwrap();
        list.into_iter().map(|approval| (approval.ticket, approval.status)).collect()
    };
    let expected: Vec<_> = tickets.iter().cloned().zip(statuses).collect();
    assert_eq!(listed(Filter::All, SPAN - 1), expected);
    assert_eq!(listed(Filter::Pending, SPAN - 1), expected[..1]);

    let [_, _, denied, used, withdrawn] = STORED;
    let over = [Status::Expired, Status::Expired, denied, used, withdrawn];
    assert_eq!(listed(Filter::All, SPAN), tickets.into_iter().zip(over).collect::<Vec<_>>());
    assert_eq!(listed(Filter::Pending, SPAN), []);
}

fn records_are_kept_for_a_month_after_they_are_over(place: Place) {
    let approvals = place.approvals();
    let old = brought_to(&*approvals, &call(1), Status::Used);
    let end = SPAN + 30 * DAY;
    pending(&*approvals, &call(2), end - 1);
    assert_eq!(status(&*approvals, &old, end - 1), Status::Used);
    let next = pending(&*approvals, &call(3), end);
    assert_eq!(approvals.find(&old, at(end)).unwrap(), None);
    assert_eq!(status(&*approvals, &next, end), Status::Pending);
    assert_eq!(approvals.list(Filter::All, at(end)).unwrap().len(), 2);
}

in_every_place! {
    a_new_request_is_pending_and_kept_as_it_was,
    identical_calls_share_a_pending_ticket_and_others_do_not,
    an_approval_lets_its_call_through_once,
    a_denial_answers_until_its_time_is_over,
    an_answer_comes_in_time_or_not_at_all,
    an_approval_never_shortens_its_time,
    only_what_is_pending_is_decided_or_withdrawn,
    what_is_withdrawn_is_asked_anew,
    a_use_is_taken_back_once_and_within_its_time,
    only_what_is_used_is_restored,
    several_approvals_of_one_call_are_used_one_by_one,
    an_approval_goes_before_a_denial_and_that_before_a_question,
    an_unknown_ticket_is_an_error,
    lists_are_in_order_and_read_as_of_now,
    records_are_kept_for_a_month_after_they_are_over,
}
