//! Finds secrets, keys and personal data: in text, and in JSON without disturbing the rest of it.
//!
//! - [`Detector`]: what can be found by name. Each one is a scanner written for the purpose: it takes time
//!   in proportion to the text, whatever the text is.
//! - [`Finder`]: a regular expression, detectors, or both, as a rule of a policy asks for them.
//! - [`json`]: JSON text as it stands, for looking into it and for replacing parts of it: what is not
//!   replaced stays byte for byte.
//!
//! Ranges are bytes, lie on the boundaries of characters, are in order and do not overlap.
//!
//! ```
//! use bartizan_detect::Detector;
//!
//! let text = "Write to ops@example.com.";
//! assert_eq!(Detector::Email.find(text), [9..24]);
//! ```

mod card;
mod detector;
mod email;
mod finder;
mod iban;
mod ip;
pub mod json;
mod key;
#[cfg(test)]
mod linear;
mod ranges;
mod secret;
mod text;

pub use detector::Detector;
pub use finder::{BadPattern, Finder};
