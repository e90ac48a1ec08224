//! The sessions that clients have opened over HTTP, by what their clients name them by.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use crate::session::Session;

/// The open sessions.
pub(crate) struct Table {
    most: usize,
    most_of_one: usize,
    content: RwLock<Content>,
}

#[derive(Default)]
struct Content {
    by_token: HashMap<Arc<str>, Row>,
    by_peer: HashMap<IpAddr, usize>,
}

struct Row {
    session: Arc<Session>,
    peer: IpAddr,
}

/// There are as many sessions as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    #[error("there are {0} sessions, which is the limit")]
    All(usize),
    #[error("this client has {0} sessions, which is the limit")]
    OfOne(usize),
}

impl Table {
    pub(super) fn new(most: usize, most_of_one: usize) -> Self {
        Self { most, most_of_one, content: RwLock::default() }
    }

    /// Whether one more session is possible.
    pub(super) fn check(&self, peer: IpAddr) -> Result<(), Full> {
        self.content.read().check(self.most, self.most_of_one, peer)
    }

    pub(super) fn insert(&self, token: Arc<str>, session: Arc<Session>, peer: IpAddr) -> Result<(), Full> {
        let mut content = self.content.write();
        content.check(self.most, self.most_of_one, peer)?;
        content.by_token.insert(token, Row { session, peer });
        *content.by_peer.entry(peer).or_default() += 1;
        Ok(())
    }

    pub(super) fn find(&self, token: &str) -> Option<Arc<Session>> {
        self.content.read().by_token.get(token).map(|row| Arc::clone(&row.session))
    }

    pub(super) fn remove(&self, token: &str) {
        let mut content = self.content.write();
        if let Some(row) = content.by_token.remove(token) {
            content.count_down(row.peer);
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.content.read().by_token.values().map(|row| Arc::clone(&row.session)).collect()
    }

    /// Ends the sessions that were not used for so long, and forgets those that have ended.
    pub(super) fn end_idle(&self, limit: Duration) {
        let mut gone = Vec::new();
        let mut content = self.content.write();
        content.by_token.retain(|_, row| {
            let stays = !row.session.has_ended() && !row.session.is_idle(limit);
            if !stays {
                gone.push((Arc::clone(&row.session), row.peer));
            }
            stays
        });
        for (_, peer) in &gone {
            content.count_down(*peer);
        }
        drop(content);
        for (session, _) in gone {
            session.end("the session was idle for too long");
        }
    }
}

impl Content {
    fn check(&self, most: usize, most_of_one: usize, peer: IpAddr) -> Result<(), Full> {
        if self.by_token.len() >= most {
            Err(Full::All(most))
        } else if self.by_peer.get(&peer).is_some_and(|count| *count >= most_of_one) {
            Err(Full::OfOne(most_of_one))
        } else {
            Ok(())
        }
    }

    fn count_down(&mut self, peer: IpAddr) {
        if let Some(count) = self.by_peer.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                self.by_peer.remove(&peer);
            }
        }
    }
}
