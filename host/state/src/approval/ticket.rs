//! Tickets: the names of approvals, which agents pass on to people.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

const PREFIX: &str = "apr_";
/// Crockford's base 32: no letter is taken for a digit, and no word comes out.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Of 5 bits each: 80 random bits.
const CHARACTERS: usize = 16;

/// The name of an approval: `apr_` and 16 random characters (80 bits). Not a secret: it names a
/// record, and only who may decide can do something with it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(Box<str>);

/// The text is not a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "not a ticket: it is written as {PREFIX} and {CHARACTERS} characters of 0-9 and a-z without i, l, o and u"
)]
pub struct TicketError;

impl Ticket {
    /// A new ticket, from the randomness of the operating system.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; CHARACTERS];
        getrandom::fill(&mut bytes)?;
        let characters =
            bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32))).copied().map(char::from);
        Ok(Self(PREFIX.chars().chain(characters).collect::<String>().into()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let characters = text.strip_prefix(PREFIX).ok_or(TicketError)?.as_bytes();
        if characters.len() == CHARACTERS && characters.iter().all(|byte| ALPHABET.contains(byte)) {
            Ok(Self(text.into()))
        } else {
            Err(TicketError)
        }
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({self})")
    }
}

impl Serialize for Ticket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn random_tickets_differ_use_the_whole_alphabet_and_are_read_back() {
        let tickets: HashSet<_> = (0..1_000).map(|_| Ticket::random().unwrap()).collect();
        assert_eq!(tickets.len(), 1_000);
        let used: HashSet<_> =
            tickets.iter().flat_map(|ticket| ticket.as_str().trim_start_matches(PREFIX).bytes()).collect();
        assert_eq!(used.len(), ALPHABET.len());
        for ticket in tickets {
            assert_eq!(ticket.as_str().len(), 20);
            assert_eq!(ticket.to_string().parse(), Ok(ticket));
        }
    }

    #[test]
    fn nothing_else_is_read() {
        assert!("apr_0123456789abcdef".parse::<Ticket>().is_ok());
        for text in [
            "",
            "apr_",
            "0123456789abcdef",
            "apr_0123456789abcde",
            "apr_0123456789abcdef0",
            "apr_0123456789abcdei",
            "apr_0123456789abcdeu",
            "apr_0123456789abcdE0",
            "APR_0123456789abcdef",
            "apr-0123456789abcdef",
            " apr_0123456789abcdef",
            "apr_0123456789abcdef\n",
            "apr_0123456789abcdé",
            "apr_apr_0123456789ab",
        ] {
            assert_eq!(text.parse::<Ticket>(), Err(TicketError), "{text:?}");
        }
    }
}
