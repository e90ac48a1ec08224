//! Calls that take several rounds (2026-07-28): the server answers `input_required`, and the client makes
//! the same call again with what was asked for.
//!
//! What the server wants to be reminded of (`requestState`) travels through the client. The gateway seals
//! it: to the call it belongs to (server, session, method, target, arguments), for a limited time, so that
//! nobody can answer the questions of one call and make another. The seal also shows that the call was
//! counted already; it does so once.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};

use crate::clock::now;

/// How long a question may take to be answered: it is mostly a human who answers.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// What plain text begins with: when the seal ends, and whether there is a state.
const HEAD: usize = 9;

/// The seals of all servers.
pub(crate) struct Rounds {
    key: LessSafeKey,
    /// The seals that have shown once that their call was counted, until they end.
    spent: Mutex<HashMap<[u8; NONCE_LEN], u64>>,
}

/// The call that a state belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) server: &'a str,
    pub(crate) session: &'a str,
    pub(crate) principal: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) target: Option<&'a str>,
    /// JSON text.
    pub(crate) arguments: Option<&'a str>,
}

/// A state that was sealed for this call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The server's state, if it gave one.
    pub(crate) state: Option<String>,
    seal: [u8; NONCE_LEN],
    ends: u64,
}

/// A state that was not sealed for this call, or too long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`requestState` is not one that was given for this call, or it has expired")]
pub(crate) struct Broken;

impl Rounds {
    /// Makes a key: the seals of another process are broken here.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub(crate) fn new() -> Result<Self, std::io::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(std::io::Error::other)?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key)
            .map_err(|_unspecified| std::io::Error::other("the key is not usable"))?;
        Ok(Self { key: LessSafeKey::new(key), spent: Mutex::default() })
    }

    /// Seals a server's state, or that there is none.
    ///
    /// # Errors
    ///
    /// When the system has no randomness.
    pub(crate) fn seal(&self, subject: &Subject<'_>, state: Option<&str>) -> Result<String, std::io::Error> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(std::io::Error::other)?;
        let ends = now().saturating_add(u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX));
        let mut sealed = ends.to_be_bytes().to_vec();
        sealed.push(u8::from(state.is_some()));
        sealed.extend_from_slice(state.unwrap_or_default().as_bytes());
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(subject.digest()),
                &mut sealed,
            )
            .map_err(|_unspecified| std::io::Error::other("the state is too long"))?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what the client sends back.
    ///
    /// # Errors
    ///
    /// [`Broken`].
    pub(crate) fn open(&self, subject: &Subject<'_>, sealed: &str) -> Result<Opened, Broken> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_no_base64| Broken)?;
        let (seal, cipher) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(Broken)?;
        let mut cipher = cipher.to_vec();
        let plain = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*seal), Aad::from(subject.digest()), &mut cipher)
            .map_err(|_forged| Broken)?;
        let (head, state) = plain.split_at_checked(HEAD).ok_or(Broken)?;
        let (ends, has_state) = head.split_first_chunk::<8>().ok_or(Broken)?;
        let ends = u64::from_be_bytes(*ends);
        if ends < now() {
            return Err(Broken);
        }
        let state = String::from_utf8(state.to_vec()).map_err(|_never| Broken)?;
        Ok(Opened { state: (has_state == [1]).then_some(state), seal: *seal, ends })
    }

    /// Takes a seal as proof that its call was counted. True once for each.
    pub(crate) fn spend(&self, opened: &Opened) -> bool {
        let mut spent = self.spent.lock();
        let now = now();
        if spent.len().is_power_of_two() {
            // Now and then: those that have ended cannot be opened any more.
            spent.retain(|_, ends| *ends >= now);
        }
        spent.insert(opened.seal, opened.ends).is_none()
    }
}

impl Subject<'_> {
    fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let fields = [
            Some(self.server),
            Some(self.session),
            self.principal,
            Some(self.method),
            self.target,
            self.arguments,
        ];
        for field in fields {
            // The length in front keeps `ab`, `c` and `a`, `bc` apart; none is no empty text.
            hasher.update(field.map_or(u64::MAX, |field| field.len() as u64).to_be_bytes());
            hasher.update(field.unwrap_or_default());
        }
        hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Subject<'static> = Subject {
        server: "bank",
        session: "s",
        principal: None,
        method: "tools/call",
        target: Some("pay"),
        arguments: Some(r#"{"amount":1}"#),
    };

    #[test]
    fn a_state_comes_back_for_the_same_call_only() {
        let rounds = Rounds::new().unwrap();
        for state in [None, Some(""), Some("opaque \u{1F600}")] {
            let sealed = rounds.seal(&CALL, state).unwrap();
            assert_eq!(rounds.open(&CALL, &sealed).unwrap().state.as_deref(), state);
            for other in [
                Subject { server: "shop", ..CALL },
                Subject { session: "t", ..CALL },
                Subject { principal: Some(""), ..CALL },
                Subject { method: "prompts/get", ..CALL },
                Subject { target: Some("pay2"), ..CALL },
                Subject { arguments: Some(r#"{"amount":9}"#), ..CALL },
                Subject { arguments: None, ..CALL },
            ] {
                assert_eq!(rounds.open(&other, &sealed), Err(Broken), "{other:?}");
            }
            assert_eq!(Rounds::new().unwrap().open(&CALL, &sealed), Err(Broken), "another key");
        }
    }

    #[test]
    fn no_byte_can_be_changed() {
        let rounds = Rounds::new().unwrap();
        let sealed = rounds.seal(&CALL, Some("state")).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            if URL_SAFE_NO_PAD.decode(&changed).ok() != URL_SAFE_NO_PAD.decode(&sealed).ok() {
                assert_eq!(rounds.open(&CALL, &changed), Err(Broken), "at {at}");
            }
        }
        for short in ["", "AAAA", "not base64!"] {
            assert_eq!(rounds.open(&CALL, short), Err(Broken));
        }
    }

    #[test]
    fn a_seal_is_spent_once() {
        let rounds = Rounds::new().unwrap();
        let opened = rounds.open(&CALL, &rounds.seal(&CALL, None).unwrap()).unwrap();
        assert!(rounds.spend(&opened));
        assert!(!rounds.spend(&opened));
        let other = rounds.open(&CALL, &rounds.seal(&CALL, None).unwrap()).unwrap();
        assert!(rounds.spend(&other));
    }
}
