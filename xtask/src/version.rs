//! The part of a Rust version that decides whether a compiler is new enough.

use std::fmt;

/// `1.95` of `1.95.0`, of `1.95` and of Debian's `1.95.0+dfsg1-1~deb12u2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RustVersion {
    major: u32,
    minor: u32,
}

impl RustVersion {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (major, rest) = text.split_once('.')?;
        let minor = rest.split(|character: char| !character.is_ascii_digit()).next()?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for RustVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::RustVersion;

    #[test]
    fn reads_versions_of_cargo_and_of_debian() {
        let cases = [
            ("1.95", Some((1, 95))),
            ("1.95.0", Some((1, 95))),
            ("1.96.0+dfsg1-1~deb12u2", Some((1, 96))),
            ("1.100~beta", Some((1, 100))),
            ("1", None),
            ("1.", None),
            ("", None),
            ("nightly", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(major, minor)| RustVersion { major, minor });
            assert_eq!(RustVersion::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_later_minor_version_is_greater() {
        assert!(RustVersion::parse("1.100.0") > RustVersion::parse("1.95.0"));
    }
}
