//! The secret keys of minisign, as it writes them: two lines, of which the second is base64.
//!
//! | bytes | what |
//! |---|---|
//! | 2 | `Ed`, the algorithm of signatures |
//! | 2 | `Sc`, if the rest is encrypted by scrypt; zeros if not |
//! | 2 | `B2`, the algorithm of the checksum |
//! | 32, 8, 8 | scrypt's salt, and libsodium's limits of work and memory, little-endian |
//! | 8, 32, 32, 32 | the key's number, its seed, the public key, and the checksum; encrypted by exclusive or |
//!
//! The checksum is BLAKE2b-256 of the algorithm, the number and both keys. Source: minisign's documentation of its
//! formats, and libsodium's `crypto_pwhash_scryptsalsa208sha256`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Blake2b512, Digest as _};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

const SIGNATURE: &[u8; 2] = b"Ed";
const PREHASHED: &[u8; 2] = b"ED";
const SCRYPT: &[u8; 2] = b"Sc";
const PLAIN: &[u8; 2] = &[0, 0];
const CHECKSUM: &[u8; 2] = b"B2";
/// What scrypt may take for a key of ours: libsodium's limits for interactive use, doubled: 32 MiB.
const WORK: u64 = 1 << 20;
const MEMORY: u64 = 32 << 20;
/// The most memory that a key of somebody else may make scrypt take.
const MOST_MEMORY: u64 = 1 << 30;
/// The length of what is encrypted.
const BODY: usize = 104;

/// Why a secret key cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The text is no key.
    #[error("it is no secret key of minisign")]
    Malformed,
    /// It is encrypted, and there is no password.
    #[error("it has a password")]
    Encrypted,
    /// The password is not its.
    #[error("the password is wrong")]
    Password,
    /// The key makes scrypt take more than it may.
    #[error("its password takes more than 1 GiB of memory")]
    Costly,
    /// The system has no randomness, or ring refuses the key.
    #[error("no key can be made of it: {0}")]
    Machine(String),
}

/// A secret key, decrypted.
pub(crate) struct Secret {
    number: [u8; 8],
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl Secret {
    /// Makes a key.
    pub(crate) fn generate() -> Result<Self, SecretError> {
        let machine = |error: getrandom::Error| SecretError::Machine(error.to_string());
        let (mut number, mut seed) = ([0; 8], [0; 32]);
        getrandom::fill(&mut number).map_err(machine)?;
        getrandom::fill(&mut seed).map_err(machine)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|error| SecretError::Machine(error.to_string()))?;
        Ok(Self { number, seed, pair })
    }

    /// Reads the text of a file.
    pub(crate) fn read(text: &str, password: impl FnOnce() -> Option<String>) -> Result<Self, SecretError> {
        let line = text.lines().nth(1).ok_or(SecretError::Malformed)?;
        let bytes = STANDARD.decode(line.trim()).map_err(|_| SecretError::Malformed)?;
        let mut rest = bytes.as_slice();
        let algorithms = [take::<2>(&mut rest)?, take::<2>(&mut rest)?, take::<2>(&mut rest)?];
        let salt = take::<32>(&mut rest)?;
        let (work, memory) = (take::<8>(&mut rest)?, take::<8>(&mut rest)?);
        let mut body = take::<BODY>(&mut rest)?;
        let [signature, encryption, checksum] = &algorithms;
        if signature != SIGNATURE || checksum != CHECKSUM || !rest.is_empty() {
            return Err(SecretError::Malformed);
        }
        let is_encrypted = match encryption {
            SCRYPT => true,
            PLAIN => false,
            _ => return Err(SecretError::Malformed),
        };
        if is_encrypted {
            let password = password().ok_or(SecretError::Encrypted)?;
            crypt(&mut body, &password, &salt, u64::from_le_bytes(work), u64::from_le_bytes(memory))?;
        }
        let mut rest = body.as_slice();
        let (number, seed) = (take::<8>(&mut rest)?, take::<32>(&mut rest)?);
        let (public, stored) = (take::<32>(&mut rest)?, take::<32>(&mut rest)?);
        // minisign writes no checksum into keys without a password.
        let is_unchecked = !is_encrypted && stored == [0; 32];
        if !is_unchecked && stored != checksum_of(&number, &seed, &public) {
            return Err(if is_encrypted { SecretError::Password } else { SecretError::Malformed });
        }
        let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &public)
            .map_err(|error| SecretError::Machine(error.to_string()))?;
        Ok(Self { number, seed, pair })
    }

    /// The text of its file.
    pub(crate) fn to_text(&self, password: Option<&str>) -> Result<String, SecretError> {
        let mut body = [0; BODY];
        let public = self.public_bytes();
        let checksum = checksum_of(&self.number, &self.seed, &public);
        let parts = self.number.iter().chain(&self.seed).chain(&public).chain(&checksum);
        body.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        let mut salt = [0; 32];
        let (encryption, work, memory) = match password {
            Some(password) => {
                getrandom::fill(&mut salt).map_err(|error| SecretError::Machine(error.to_string()))?;
                crypt(&mut body, password, &salt, WORK, MEMORY)?;
                (SCRYPT, WORK, MEMORY)
            }
            None => (PLAIN, 0, 0),
        };
        let mut bytes = [SIGNATURE.as_slice(), encryption, CHECKSUM, &salt].concat();
        bytes.extend(work.to_le_bytes().into_iter().chain(memory.to_le_bytes()).chain(body));
        let comment =
            if password.is_some() { "minisign encrypted secret key" } else { "minisign secret key" };
        Ok(format!("untrusted comment: {comment}\n{}\n", STANDARD.encode(bytes)))
    }

    /// The public key as text.
    pub(crate) fn public(&self) -> String {
        let bytes = [SIGNATURE.as_slice(), &self.number, &self.public_bytes()].concat();
        STANDARD.encode(bytes)
    }

    /// The key's number, as minisign shows it.
    pub(crate) fn id(&self) -> String {
        format!("{:016X}", u64::from_le_bytes(self.number))
    }

    /// The text of a signature of this content; both comments are one line.
    pub(crate) fn sign(&self, content: &[u8], untrusted: &str, trusted: &str) -> String {
        let signed = self.pair.sign(&Blake2b512::digest(content));
        let all = self.pair.sign(&[signed.as_ref(), trusted.as_bytes()].concat());
        let bytes = [PREHASHED.as_slice(), &self.number, signed.as_ref()].concat();
        format!(
            "untrusted comment: {untrusted}\n{}\ntrusted comment: {trusted}\n{}\n",
            STANDARD.encode(bytes),
            STANDARD.encode(all)
        )
    }

    fn public_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(self.pair.public_key().as_ref()).for_each(|(to, from)| *to = *from);
        bytes
    }
}

/// The next so many bytes.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], SecretError> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or(SecretError::Malformed)?;
    *rest = after;
    Ok(*taken)
}

fn checksum_of(number: &[u8; 8], seed: &[u8; 32], public: &[u8; 32]) -> [u8; 32] {
    let hash = Blake2b::<U32>::new().chain_update(SIGNATURE).chain_update(number);
    hash.chain_update(seed).chain_update(public).finalize().into()
}

/// Encrypts or decrypts.
fn crypt(
    body: &mut [u8; BODY],
    password: &str,
    salt: &[u8; 32],
    work: u64,
    memory: u64,
) -> Result<(), SecretError> {
    if memory > MOST_MEMORY {
        return Err(SecretError::Costly);
    }
    let (log_n, p) = parameters(work, memory);
    let parameters = scrypt::Params::new(log_n, 8, p).map_err(|_| SecretError::Malformed)?;
    let mut stream = [0; BODY];
    scrypt::scrypt(password.as_bytes(), salt, &parameters, &mut stream)
        .map_err(|_| SecretError::Malformed)?;
    body.iter_mut().zip(stream).for_each(|(byte, mask)| *byte ^= mask);
    Ok(())
}

/// What libsodium makes of its limits: the logarithm of scrypt's N, and p. r is 8.
fn parameters(work: u64, memory: u64) -> (u8, u32) {
    const R: u64 = 8;
    let work = work.max(32_768);
    let logarithm = |most: u64| (1..63).find(|log| 1_u64 << log > most / 2).unwrap_or(63);
    if work < memory / 32 {
        return (logarithm(work / (R * 4)), 1);
    }
    let log_n = logarithm(memory / (R * 128));
    let most = ((work / 4) >> log_n).min(0x3fff_ffff);
    (log_n, u32::try_from(most / R).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_become_parameters_as_in_libsodium() {
        // Those of `crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_` and `_MEMLIMIT_`, and of this file.
        for (work, memory, expected) in [
            (524_288, 16_777_216, (14, 1)),
            (33_554_432, 1_073_741_824, (20, 1)),
            (WORK, MEMORY, (15, 1)),
            (0, 1 << 30, (10, 1)),
        ] {
            assert_eq!(parameters(work, memory), expected, "{work} {memory}");
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let secret = Secret::generate().unwrap();
        let plain = secret.to_text(None).unwrap();
        assert_eq!(Secret::read(&plain, || None).unwrap().public(), secret.public());
        let encrypted = secret.to_text(Some("right")).unwrap();
        assert_eq!(Secret::read(&encrypted, || Some("right".into())).unwrap().public(), secret.public());
        assert!(matches!(Secret::read(&encrypted, || Some("wrong".into())), Err(SecretError::Password)));
        assert!(matches!(Secret::read(&encrypted, || None), Err(SecretError::Encrypted)));
        for length in 0..plain.len() - 1 {
            assert!(Secret::read(plain.get(..length).unwrap(), || None).is_err(), "{length}");
        }
    }

    #[test]
    fn a_key_may_not_take_any_memory() {
        let mut bytes = STANDARD
            .decode(Secret::generate().unwrap().to_text(Some("x")).unwrap().lines().nth(1).unwrap())
            .unwrap();
        bytes[46..54].copy_from_slice(&(1_u64 << 40).to_le_bytes());
        let text = format!("untrusted comment: x\n{}\n", STANDARD.encode(bytes));
        assert!(matches!(Secret::read(&text, || Some("x".into())), Err(SecretError::Costly)));
    }
}
