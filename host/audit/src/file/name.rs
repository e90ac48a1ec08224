//! The names of the log's files.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `audit-<number of its first line, 20 digits>.jsonl`, so that names sort by sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName {
    pub(crate) first: u64,
}

impl FileName {
    /// The first file of all.
    pub(crate) const FIRST: Self = Self { first: 1 };

    /// The number of the file's first line.
    #[must_use]
    pub const fn first(self) -> u64 {
        self.first
    }

    /// The files of the log in a directory, in order. Other files are passed over.
    pub(crate) fn list(directory: &Path) -> io::Result<Vec<Self>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            names.extend(entry?.file_name().to_str().and_then(|name| name.parse::<Self>().ok()));
        }
        names.sort_unstable();
        Ok(names)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "audit-{:020}.jsonl", self.first)
    }
}

impl FromStr for FileName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("audit-").and_then(|rest| rest.strip_suffix(".jsonl"));
        let first = digits.filter(|digits| digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()));
        first
            .and_then(|digits| digits.parse().ok())
            .map(|first| Self { first })
            .ok_or("not a file of the log")
    }
}

impl Serialize for FileName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FileName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_sequence_and_read_back() {
        let names = [1, 9, 10, u64::MAX].map(|first| FileName { first });
        assert!(names.map(|name| name.to_string()).is_sorted());
        for name in names {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        for other in
            ["head", "audit-1.jsonl", "audit-+0000000000000000001.jsonl", "audit-99999999999999999999.jsonl"]
        {
            assert!(other.parse::<FileName>().is_err(), "{other}");
        }
    }
}
