//! Approvals in the file. A change is on the disk when it is returned.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::SqliteStore;
use super::database::Durability;
use super::error::StoreError;
use super::values::Texts;
use crate::approval::{
    Approval, ApprovalError, Approvals, Decision, Demand, Filter, Grant, KEPT, Request, Status, Ticket,
    standing,
};
use crate::quota::Millis;

/// What a step finds, or why it changes nothing.
type Step<T> = Result<T, ApprovalError>;

impl Approvals for SqliteStore {
    fn demand(&self, request: &Request, now: Millis) -> Step<Demand> {
        // Made before the lock is taken, and rarely needed: it is cheap.
        let ticket = Ticket::random().map_err(|error| ApprovalError::Unavailable(error.into()))?;
        self.write(|connection| {
            let mut records = of_binding(connection, request, now)?;
            Ok(Ok(match standing(&mut records, now) {
                Some(approval) => match approval.status {
                    Status::Approved => {
                        approval.use_up(now);
                        update(connection, approval)?;
                        Demand::Granted(Grant::new(approval.ticket.clone()))
                    }
                    Status::Denied => Demand::Refused(approval.clone()),
                    _ => Demand::Pending(approval.clone()),
                },
                None => {
                    let approval = Approval::pending(ticket, request.clone(), now);
                    forget_old(connection, now)?;
                    insert(connection, &approval)?;
                    Demand::Pending(approval)
                }
            }))
        })
    }

    fn restore(&self, grant: Grant) -> Step<()> {
        self.change(grant.ticket(), Approval::restore).map(drop)
    }

    fn decide(
        &self,
        ticket: &Ticket,
        decision: Decision,
        by: &str,
        reason: Option<&str>,
        now: Millis,
    ) -> Step<Approval> {
        self.change(ticket, |approval| approval.decide(decision, by, reason, now))
    }

    fn withdraw(&self, ticket: &Ticket, now: Millis) -> Step<Approval> {
        self.change(ticket, |approval| approval.withdraw(now))
    }

    fn find(&self, ticket: &Ticket, now: Millis) -> Step<Option<Approval>> {
        let found = self.database.read(|connection| find(connection, ticket)).map_err(unavailable)?;
        Ok(found.map(|approval| approval.read_at(now)))
    }

    fn list(&self, filter: Filter, now: Millis) -> Step<Vec<Approval>> {
        let found = self.database.read(|connection| match filter {
            Filter::Pending => connection
                .prepare_cached(
                    "SELECT * FROM approvals WHERE status = 'pending' AND expires > ?1 ORDER BY id",
                )?
                .query_map([now], read)?
                .collect::<rusqlite::Result<Vec<_>>>(),
            Filter::All => connection
                .prepare_cached("SELECT * FROM approvals ORDER BY id")?
                .query_map([], read)?
                .collect(),
        });
        Ok(found.map_err(unavailable)?.into_iter().map(|approval| approval.read_at(now)).collect())
    }
}

fn unavailable(error: StoreError) -> ApprovalError {
    ApprovalError::Unavailable(error.into())
}

impl SqliteStore {
    fn write<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<Step<T>>) -> Step<T> {
        self.database.write(Durability::PowerCut, |transaction| work(transaction)).map_err(unavailable)?
    }

    /// Changes one record.
    fn change(&self, ticket: &Ticket, by: impl FnOnce(&mut Approval) -> Step<()>) -> Step<Approval> {
        self.write(|connection| {
            let Some(mut approval) = find(connection, ticket)? else {
                return Ok(Err(ApprovalError::Unknown { ticket: ticket.clone() }));
            };
            if let Err(error) = by(&mut approval) {
                return Ok(Err(error));
            }
            update(connection, &approval)?;
            Ok(Ok(approval))
        })
    }
}

fn find(connection: &Connection, ticket: &Ticket) -> rusqlite::Result<Option<Approval>> {
    connection
        .prepare_cached("SELECT * FROM approvals WHERE ticket = ?1")?
        .query_row([ticket], read)
        .optional()
}

/// The records that may answer a demand.
fn of_binding(connection: &Connection, request: &Request, now: Millis) -> rusqlite::Result<Vec<Approval>> {
    connection
        .prepare_cached(
            "SELECT * FROM approvals
             WHERE binding = ?1 AND expires > ?2 AND status IN ('pending', 'approved', 'denied') ORDER BY id",
        )?
        .query_map(params![request.binding, now], read)?
        .collect()
}

fn forget_old(connection: &Connection, now: Millis) -> rusqlite::Result<()> {
    let Some(until) = now.get().checked_sub(KEPT) else { return Ok(()) };
    connection
        .prepare_cached("DELETE FROM approvals WHERE expires <= ?1")?
        .execute([Millis::new(until)])
        .map(drop)
}

fn insert(connection: &Connection, approval: &Approval) -> rusqlite::Result<()> {
    let Approval { ticket, status, request, created, expires, .. } = approval;
    connection
        .prepare_cached(
            "INSERT INTO approvals (ticket, status, binding, server, method, target, principal, session,
                 arguments, rules, message, expires_after, created, expires)
             VALUES (:ticket, :status, :binding, :server, :method, :target, :principal, :session,
                 :arguments, :rules, :message, :expires_after, :created, :expires)",
        )?
        .execute(named_params! {
            ":ticket": ticket,
            ":status": status,
            ":binding": request.binding,
            ":server": request.server,
            ":method": request.method,
            ":target": request.target,
            ":principal": request.principal,
            ":session": request.session,
            ":arguments": request.arguments,
            ":rules": Texts(request.rules.clone()),
            ":message": request.message,
            ":expires_after": request.expires_after,
            ":created": created,
            ":expires": expires,
        })
        .map(drop)
}

/// Writes what can change.
fn update(connection: &Connection, approval: &Approval) -> rusqlite::Result<()> {
    let Approval { ticket, status, expires, decided_at, decided_by, reason, used_at, .. } = approval;
    connection
        .prepare_cached(
            "UPDATE approvals SET status = ?2, expires = ?3, decided_at = ?4, decided_by = ?5, reason = ?6,
                 used_at = ?7
             WHERE ticket = ?1",
        )?
        .execute(params![ticket, status, expires, decided_at, decided_by, reason, used_at])
        .map(drop)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Approval> {
    let Texts(rules) = row.get("rules")?;
    Ok(Approval {
        ticket: row.get("ticket")?,
        status: row.get("status")?,
        request: Request {
            binding: row.get("binding")?,
            server: row.get("server")?,
            method: row.get("method")?,
            target: row.get("target")?,
            principal: row.get("principal")?,
            session: row.get("session")?,
            arguments: row.get("arguments")?,
            rules,
            message: row.get("message")?,
            expires_after: row.get("expires_after")?,
        },
        created: row.get("created")?,
        expires: row.get("expires")?,
        decided_at: row.get("decided_at")?,
        decided_by: row.get("decided_by")?,
        reason: row.get("reason")?,
        used_at: row.get("used_at")?,
    })
}
