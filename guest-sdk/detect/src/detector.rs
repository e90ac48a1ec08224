//! The detectors by name.

use std::ops::Range;

use crate::text::Text;
use crate::{card, email, iban, ip, key, ranges, secret};

/// Something that can be found in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Detector {
    /// API keys, access tokens, passwords: by their known shapes, or by what they are assigned to.
    Secret,
    /// Private keys: PEM blocks as a whole, and the forms of SSH, PuTTY, age and base64 around them.
    Key,
    /// E-mail addresses.
    Email,
    /// Numbers of payment cards: an issuer's prefix and length, and the check digit (ISO/IEC 7812).
    Card,
    /// International bank account numbers: a country's length, and the check digits (ISO 13616).
    Iban,
    /// Addresses of IPv4 and IPv6.
    Ip,
}

struct Row {
    detector: Detector,
    name: &'static str,
    /// The fewest bytes in which there can be one.
    least: usize,
    find: fn(Text<'_>, &mut Vec<Range<usize>>),
}

const TABLE: [Row; 6] = [
    Row { detector: Detector::Secret, name: "secret", least: 7, find: secret::find },
    Row { detector: Detector::Key, name: "key", least: 60, find: key::find },
    Row { detector: Detector::Email, name: "email", least: 6, find: email::find },
    Row { detector: Detector::Card, name: "card", least: 13, find: card::find },
    Row { detector: Detector::Iban, name: "iban", least: 15, find: iban::find },
    Row { detector: Detector::Ip, name: "ip", least: 3, find: ip::find },
];

impl Detector {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Secret, Self::Key, Self::Email, Self::Card, Self::Iban, Self::Ip];

    /// Its name in policies.
    pub fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.detector == self).map_or("", |row| row.name)
    }

    /// The detector of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.detector)
    }

    /// Where the text has what this detector finds.
    pub fn find(self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let row = TABLE.iter().find(|row| row.detector == self);
        if let Some(row) = row.filter(|row| text.len() >= row.least) {
            (row.find)(Text::new(text), &mut found);
        }
        ranges::merge(found)
    }

    /// As [`Detector::find`], in the value of an object's member: its name may tell what the value alone
    /// does not, as in `{"password": "hunter2"}`.
    pub fn find_in_member(self, name: &str, value: &str) -> Vec<Range<usize>> {
        let mut found = self.find(value);
        if self == Self::Secret {
            found.extend(secret::find_in_member(name, value));
            found = ranges::merge(found);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_has_a_name_of_its_own() {
        for detector in Detector::ALL {
            assert_eq!(Detector::from_name(detector.name()), Some(detector));
        }
        assert_eq!(Detector::from_name("Secret"), None);
        assert_eq!(TABLE.len(), Detector::ALL.len());
    }
}
