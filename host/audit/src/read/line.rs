//! One line of the log, as it is read.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::chain::Digest;
use crate::event::{Event, kind};
use crate::file::upkeep::Upkeep;
use crate::record::{Record, Timestamp};
use crate::verify::Place;

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Line {
    /// Where it stands.
    pub place: Place,
    /// Its number. None in a log that is not a chain.
    pub seq: Option<u64>,
    /// The digest of the line before. None in a log that is not a chain.
    pub prev: Option<Digest>,
    /// What it says.
    pub entry: Entry,
    /// The line itself, without its line break.
    pub text: String,
}

/// What a line says.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Entry {
    /// Something happened.
    Event(Event),
    /// The log says something about itself.
    Upkeep(Upkeep),
    /// A newer version wrote it.
    Other(Other),
}

/// The envelope of a line whose kind or shape is not known.
#[derive(Clone, Debug, Serialize)]
pub struct Other {
    /// When it happened.
    pub time: Timestamp,
    /// The word for its kind.
    pub event: String,
}

#[derive(Deserialize)]
struct Envelope<'l> {
    seq: Option<u64>,
    prev: Option<Digest>,
    time: Timestamp,
    #[serde(borrow)]
    event: Cow<'l, str>,
}

impl Line {
    /// The line that some bytes are. None if they are not a line of a log.
    pub(super) fn parse(place: Place, bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let Envelope { seq, prev, time, event } = serde_json::from_str(text).ok()?;
        let entry = match &*event {
            kind::Decision::WORD => read(text, |record: Record| Entry::Event(record.into())),
            kind::Approval::WORD => read(text, |event: Box<_>| Entry::Event(Event::Approval(event))),
            kind::Load::WORD => read(text, |event: Box<_>| Entry::Event(Event::Load(event))),
            kind::Start::WORD => read(text, |event| Entry::Event(Event::Start(event))),
            kind::Stop::WORD => read(text, |event| Entry::Event(Event::Stop(event))),
            kind::File::WORD => read(text, |line| Entry::Upkeep(Upkeep::File(line))),
            kind::Repair::WORD => read(text, |line| Entry::Upkeep(Upkeep::Repair(line))),
            kind::Retention::WORD => read(text, |line| Entry::Upkeep(Upkeep::Retention(line))),
            _ => None,
        };
        let entry = entry.unwrap_or_else(|| Entry::Other(Other { time, event: event.into_owned() }));
        Some(Self { place, seq, prev, entry, text: text.to_owned() })
    }

    /// The record, if the line is a decision.
    #[must_use]
    pub fn decision(&self) -> Option<&Record> {
        match &self.entry {
            Entry::Event(Event::Decision(record)) => Some(record),
            _ => None,
        }
    }
}

fn read<T: DeserializeOwned>(text: &str, entry: impl FnOnce(T) -> Entry) -> Option<Entry> {
    serde_json::from_str(text).ok().map(entry)
}

impl Entry {
    /// When it happened.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Event(event) => event.time(),
            Self::Upkeep(upkeep) => upkeep.time(),
            Self::Other(other) => other.time,
        }
    }

    /// The word for its kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Event(event) => event.kind(),
            Self::Upkeep(upkeep) => upkeep.kind(),
            Self::Other(other) => &other.event,
        }
    }
}

/// The line in one row for people: time, kind, what it is about, and why.
impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.entry.time())?;
        match &self.entry {
            Entry::Event(Event::Decision(record)) => {
                write!(
                    f,
                    "{:<6} {} {}",
                    record.verdict.as_str(),
                    Plain(&record.server),
                    Plain(&record.method)
                )?;
                optional(f, " ", record.target.as_deref())?;
                optional(f, " by ", record.principal.as_deref())?;
                optional(f, " rule ", record.rule.as_deref())?;
                optional(f, ": ", record.reason.as_deref())
            }
            Entry::Event(Event::Approval(approval)) => {
                let (step, ticket) = (approval.step.as_str(), Plain(&approval.ticket));
                let (server, method) = (Plain(&approval.server), Plain(&approval.method));
                write!(f, "approval {ticket} {step} {server} {method}")?;
                optional(f, " ", approval.target.as_deref())?;
                optional(f, " by ", approval.by.as_deref())?;
                optional(f, ": ", approval.reason.as_deref())
            }
            Entry::Event(Event::Load(load)) => {
                let (occasion, outcome) = (load.occasion.as_str(), load.outcome.as_str());
                write!(f, "load {} {outcome} at {occasion}", Plain(&load.server))?;
                optional(f, " policy ", load.policy_digest.as_deref())?;
                optional(f, ": ", load.problem.as_deref())
            }
            Entry::Event(Event::Start(start)) => {
                write!(f, "start {} pid {}", Plain(&start.version), start.pid)
            }
            Entry::Event(Event::Stop(stop)) => write!(f, "stop {} pid {}", Plain(&stop.version), stop.pid),
            Entry::Upkeep(Upkeep::File(_)) => write!(f, "file {}", self.place.file),
            Entry::Upkeep(Upkeep::Repair(line)) => {
                write!(f, "repair {} bytes torn, {} lines lost", line.bytes, line.lost)
            }
            Entry::Upkeep(Upkeep::Retention(line)) => {
                write!(f, "retention {} files removed, log begins at line {}", line.removed.len(), line.first)
            }
            Entry::Other(other) => write!(f, "{} (of a newer version)", Plain(&other.event)),
        }
    }
}

fn optional(f: &mut std::fmt::Formatter<'_>, before: &str, text: Option<&str>) -> std::fmt::Result {
    text.map_or(Ok(()), |text| write!(f, "{before}{}", Plain(text)))
}

/// Text of strangers, that a terminal does not obey.
pub(super) struct Plain<'t>(pub(super) &'t str);

impl std::fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        self.0.chars().try_for_each(|character| match character {
            // Line and paragraph separators and the marks that change the direction of text.
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => write!(f, "{}", character.escape_unicode()),
            _ if character.is_control() => write!(f, "{}", character.escape_default()),
            _ => f.write_char(character),
        })
    }
}
