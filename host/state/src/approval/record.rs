//! One approval, and how it may change. Every place that keeps approvals changes them through here, so
//! that the rules are written once.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::{ApprovalError, Binding, Ticket};
use crate::quota::Millis;

/// How long a record is kept after it is over: 30 days, in milliseconds.
pub(crate) const KEPT: u64 = 30 * 86_400_000;

/// A call that needs an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// What an approval of it is bound to.
    pub binding: Binding,
    /// The upstream server, by its configured name.
    pub server: String,
    /// The MCP method.
    pub method: String,
    /// The tool, prompt or resource.
    pub target: Option<String>,
    /// Who calls, if that is known.
    pub principal: Option<String>,
    /// The session in which it was first asked for.
    pub session: String,
    /// The arguments, as JSON text for the approver to read.
    pub arguments: String,
    /// The rules that ask for the approval.
    pub rules: Vec<String>,
    /// Why, for the agent and the approver.
    pub message: String,
    /// Seconds until an unanswered request counts as refused, and for which an approval is good.
    pub expires_after: u32,
}

/// What has become of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nobody has decided.
    Pending,
    /// The call may be made once.
    Approved,
    /// The call must not be made.
    Denied,
    /// The call was made.
    Used,
    /// Its time ran out while it was pending or approved.
    Expired,
    /// Nobody waits for it any more.
    Withdrawn,
}

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The call may be made once.
    Approve,
    /// The call must not be made.
    Deny,
}

/// One approval. As JSON an object with the fields of the request beside its own, times in RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// Its name.
    pub ticket: Ticket,
    /// What has become of it.
    pub status: Status,
    /// The call that it is for.
    #[serde(flatten)]
    pub request: Request,
    /// When it was asked for.
    pub created: Millis,
    /// When it is over: the first millisecond at which it can no longer be decided or used.
    pub expires: Millis,
    /// When it was decided.
    pub decided_at: Option<Millis>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Why, in the words of who decided.
    pub reason: Option<String>,
    /// When a call used it.
    pub used_at: Option<Millis>,
}

impl Approval {
    pub(crate) fn pending(ticket: Ticket, request: Request, now: Millis) -> Self {
        Self {
            ticket,
            status: Status::Pending,
            created: now,
            expires: end(now, request.expires_after),
            request,
            decided_at: None,
            decided_by: None,
            reason: None,
            used_at: None,
        }
    }

    /// Whether its time has run out.
    pub(crate) fn is_over(&self, now: Millis) -> bool {
        self.expires <= now
    }

    /// What has become of it by `now`.
    pub(crate) fn status_at(&self, now: Millis) -> Status {
        match self.status {
            Status::Pending | Status::Approved if self.is_over(now) => Status::Expired,
            status => status,
        }
    }

    /// As it reads at `now`.
    pub(crate) fn read_at(mut self, now: Millis) -> Self {
        self.status = self.status_at(now);
        self
    }

    /// Uses it up. Only for one that [`standing`] has found approved.
    pub(crate) fn use_up(&mut self, now: Millis) {
        self.status = Status::Used;
        self.used_at = Some(now);
    }

    pub(crate) fn restore(&mut self) -> Result<(), ApprovalError> {
        if self.status != Status::Used {
            return Err(ApprovalError::NotUsed { ticket: self.ticket.clone(), status: self.status });
        }
        self.status = Status::Approved;
        self.used_at = None;
        Ok(())
    }

    pub(crate) fn decide(
        &mut self,
        decision: Decision,
        by: &str,
        reason: Option<&str>,
        now: Millis,
    ) -> Result<(), ApprovalError> {
        self.open(now)?;
        match decision {
            Decision::Approve => {
                self.status = Status::Approved;
                self.expires = self.expires.max(end(now, self.request.expires_after));
            }
            Decision::Deny => self.status = Status::Denied,
        }
        self.decided_at = Some(now);
        self.decided_by = Some(by.to_owned());
        self.reason = reason.map(str::to_owned);
        Ok(())
    }

    pub(crate) fn withdraw(&mut self, now: Millis) -> Result<(), ApprovalError> {
        self.open(now)?;
        self.status = Status::Withdrawn;
        Ok(())
    }

    /// Checks that it can be decided.
    fn open(&self, now: Millis) -> Result<(), ApprovalError> {
        let ticket = self.ticket.clone();
        match self.status_at(now) {
            Status::Pending => Ok(()),
            Status::Expired => Err(ApprovalError::Expired { ticket, at: self.expires }),
            status => Err(ApprovalError::Decided { ticket, status }),
        }
    }
}

fn end(now: Millis, seconds: u32) -> Millis {
    Millis::new(now.get() + u64::from(seconds) * 1_000)
}

/// Of the records of one binding the one that answers a demand: the approved one that is over first,
/// else one that was denied, else a pending one. None if a new one is to be made.
pub(crate) fn standing<'a>(
    records: impl IntoIterator<Item = &'a mut Approval>,
    now: Millis,
) -> Option<&'a mut Approval> {
    let rank = |approval: &Approval| match approval.status {
        Status::Approved => Some(0),
        Status::Denied => Some(1),
        Status::Pending => Some(2),
        Status::Used | Status::Expired | Status::Withdrawn => None,
    };
    records
        .into_iter()
        .filter(|approval| !approval.is_over(now))
        .filter_map(|approval| Some(((rank(approval)?, approval.expires), approval)))
        .min_by_key(|(key, _)| *key)
        .map(|(_, approval)| approval)
}

impl Status {
    const ALL: [Self; 6] =
        [Self::Pending, Self::Approved, Self::Denied, Self::Used, Self::Expired, Self::Withdrawn];

    /// As it is written: one lower-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The word is not a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a status of an approval")]
pub struct StatusError;

impl FromStr for Status {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(StatusError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_one_word_everywhere() {
        for status in Status::ALL {
            assert_eq!(status.to_string().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert_eq!("Pending".parse::<Status>(), Err(StatusError));
    }

    #[test]
    fn is_one_flat_object_of_json() {
        let request = Request {
            binding: Binding::new([171; 32]),
            server: "mlflow".to_owned(),
            method: "tools/call".to_owned(),
            target: Some("delete_run".to_owned()),
            principal: None,
            session: "s-1".to_owned(),
            arguments: r#"{"id":1.0}"#.to_owned(),
            rules: vec!["/tools/delete_run/action".to_owned()],
            message: "Ask.".to_owned(),
            expires_after: 60,
        };
        let ticket: Ticket = "apr_0123456789abcdef".parse().unwrap();
        let mut approval = Approval::pending(ticket, request, Millis::new(1_767_225_600_000));
        approval.decide(Decision::Deny, "grace", Some("No."), Millis::new(1_767_225_600_001)).unwrap();
        assert_eq!(
            serde_json::to_value(&approval).unwrap(),
            serde_json::json!({
                "ticket": "apr_0123456789abcdef",
                "status": "denied",
                "binding": "ab".repeat(32),
                "server": "mlflow",
                "method": "tools/call",
                "target": "delete_run",
                "principal": null,
                "session": "s-1",
                "arguments": "{\"id\":1.0}",
                "rules": ["/tools/delete_run/action"],
                "message": "Ask.",
                "expires_after": 60,
                "created": "2026-01-01T00:00:00Z",
                "expires": "2026-01-01T00:01:00Z",
                "decided_at": "2026-01-01T00:00:00.001Z",
                "decided_by": "grace",
                "reason": "No.",
                "used_at": null,
            })
        );
    }
}
