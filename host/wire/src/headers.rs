//! HTTP headers that MCP gives a meaning. Pure functions on strings; a header that occurs several times is
//! joined with `, ` before it comes here, or refused, except for [`Parameters::check`], which sees them all.

mod media;
mod mirror;
mod origin;
mod parameters;

pub use media::{Accept, ContentTypeError, check_content_type};
pub use mirror::{MirrorError, check_mirror, decode_mirror, encode_mirror};
pub use origin::{AllowedHosts, AllowedOrigins, AuthorityError, HostError, OriginError};
pub use parameters::{ParameterError, Parameters};

use crate::era::{Revision, UnknownRevision};

/// Reads `MCP-Protocol-Version`. Absent is `None`: 2025-03-26 for a request in a legacy session, an
/// error in the modern era.
///
/// # Errors
/// [`UnknownRevision`] for a version nobody published; MCP answers it with status 400.
pub fn protocol_version(value: Option<&str>) -> Result<Option<Revision>, UnknownRevision> {
    value.map(|value| Revision::parse(value.trim_matches([' ', '\t']))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_versions() {
        assert_eq!(protocol_version(None), Ok(None));
        assert_eq!(protocol_version(Some("2025-11-25")), Ok(Some(Revision::V2025_11_25)));
        assert_eq!(protocol_version(Some(" 2026-07-28\t")), Ok(Some(Revision::V2026_07_28)));
        for value in ["", "2025-11-25, 2025-11-25", "1999-01-01", "2025-11-2"] {
            assert!(protocol_version(Some(value)).is_err(), "{value:?}");
        }
    }
}
