//! `Host` and `Origin`, checked against an allow-list: the defence against DNS rebinding that MCP
//! requires of HTTP servers (2025-11-25, *Transports*, security warning). Names compare without case,
//! IPv6 addresses by value.

use std::net::Ipv6Addr;

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// A host with an optional port, as in RFC 3986 §3.2 but without user information.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// Lower case; an IPv4 address in text is one of these.
    Name(String),
    V6(Ipv6Addr),
}

/// A host and port that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no host name or address with an optional port")]
pub struct AuthorityError {
    text: String,
}

impl Authority {
    fn parse(text: &str) -> Result<Self, AuthorityError> {
        Self::read(text).ok_or_else(|| AuthorityError { text: text.chars().take(255).collect() })
    }

    fn read(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) = rest.split_once(']')?;
                let port = if after.is_empty() { None } else { Some(after.strip_prefix(':')?) };
                (Host::V6(address.parse().ok()?), port)
            }
            None => {
                let (name, port) =
                    text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
                let valid = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
                if name.is_empty() || !name.bytes().all(valid) {
                    return None;
                }
                (Host::Name(name.to_ascii_lowercase()), port)
            }
        };
        let port = match port {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
            None => None,
        };
        Some(Self { host, port })
    }
}

/// Why a request's `Host` is refused; status 421 or 403.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// There is none (HTTP/1.1 requires one).
    #[error("the Host header is missing")]
    Missing,
    /// It cannot be read.
    #[error("Host: {0}")]
    Invalid(#[from] AuthorityError),
    /// It is not on the list.
    #[error("host {host:?} is not served here: add it to the allowed hosts if it should be")]
    Refused {
        /// The header as sent.
        host: String,
    },
}

/// The hosts a listener answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts {
    hosts: Vec<Authority>,
}

impl AllowedHosts {
    /// Hosts such as `example.com` (any port), `example.com:8750` (that port), `[::1]`.
    ///
    /// # Errors
    /// [`AuthorityError`] for the first that cannot be read.
    pub fn new<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Result<Self, AuthorityError> {
        let hosts = hosts.into_iter().map(Authority::parse).collect::<Result<_, _>>()?;
        Ok(Self { hosts })
    }

    /// `localhost`, `127.0.0.1` and `[::1]` with any port. Also the default.
    pub fn loopback() -> Self {
        Self { hosts: loopback().collect() }
    }

    /// Checks a `Host` header.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn check(&self, host: Option<&str>) -> Result<(), HostError> {
        let text = host.ok_or(HostError::Missing)?;
        let host = Authority::parse(text)?;
        let allows = |allowed: &Authority| {
            allowed.host == host.host && (allowed.port.is_none() || allowed.port == host.port)
        };
        if self.hosts.iter().any(allows) { Ok(()) } else { Err(HostError::Refused { host: text.to_owned() }) }
    }
}

impl Default for AllowedHosts {
    fn default() -> Self {
        Self::loopback()
    }
}

/// Why a request's `Origin` is refused; status 403.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It is no `scheme://host[:port]`; `null` (a sandboxed page, a file) is one of these.
    #[error("{origin:?} is no origin: scheme://host, with an optional port, is needed")]
    Invalid {
        /// The header as sent.
        origin: String,
    },
    /// It is not on the list.
    #[error("origin {origin:?} is not allowed: add it to the allowed origins if it should be")]
    Refused {
        /// The header as sent.
        origin: String,
    },
}

/// The web origins that may call a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigins {
    origins: Vec<Origin>,
    /// Allowed with http and https and any port.
    hosts: Vec<Host>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    authority: Authority,
}

impl Origin {
    fn parse(text: &str) -> Result<Self, OriginError> {
        Self::read(text).ok_or_else(|| OriginError::Invalid { origin: text.chars().take(255).collect() })
    }

    fn read(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let valid = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(valid) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let mut authority = Authority::read(authority)?;
        let default = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        authority.port = authority.port.or(default);
        Some(Self { scheme, authority })
    }
}

impl AllowedOrigins {
    /// Exactly these origins (RFC 6454: scheme, host and port; a port left out is the scheme's own), and
    /// no loopback ones unless listed.
    ///
    /// # Errors
    /// [`OriginError::Invalid`] for the first that cannot be read.
    pub fn new<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, OriginError> {
        let origins = origins.into_iter().map(Origin::parse).collect::<Result<_, _>>()?;
        Ok(Self { origins, hosts: Vec::new() })
    }

    /// Pages served from `localhost`, `127.0.0.1` or `[::1]` by http or https from any port. Also the
    /// default.
    pub fn loopback() -> Self {
        Self { origins: Vec::new(), hosts: loopback().map(|authority| authority.host).collect() }
    }

    /// These origins, and the loopback ones as well.
    #[must_use]
    pub fn and_loopback(self) -> Self {
        Self { origins: self.origins, ..Self::loopback() }
    }

    /// Checks an `Origin` header. Absent is fine: it is no browser.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn check(&self, origin: Option<&str>) -> Result<(), OriginError> {
        let Some(text) = origin else { return Ok(()) };
        let origin = Origin::parse(text)?;
        let web = matches!(origin.scheme.as_str(), "http" | "https");
        if self.origins.contains(&origin) || (web && self.hosts.contains(&origin.authority.host)) {
            Ok(())
        } else {
            Err(OriginError::Refused { origin: text.to_owned() })
        }
    }
}

impl Default for AllowedOrigins {
    fn default() -> Self {
        Self::loopback()
    }
}

fn loopback() -> impl Iterator<Item = Authority> {
    LOOPBACK.iter().filter_map(|host| Authority::read(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_hosts() {
        let hosts = AllowedHosts::default();
        let allowed = [
            "localhost",
            "LOCALHOST:8750",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:8750",
            "[0:0::0:1]:80",
        ];
        for host in allowed {
            assert_eq!(hosts.check(Some(host)), Ok(()), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.2", "[::2]", "localhost.", "0.0.0.0"]
        {
            assert_eq!(hosts.check(Some(host)), Err(HostError::Refused { host: host.into() }));
        }
        let invalid = [
            "",
            ":80",
            "localhost:",
            "localhost:x",
            "localhost:+1",
            "localhost:99999",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[localhost]",
            "a@localhost",
            "localhost/x",
            " localhost",
            "localhost, evil",
            "lo\u{212a}al",
        ];
        for host in invalid {
            assert!(matches!(hosts.check(Some(host)), Err(HostError::Invalid(_))), "{host:?}");
        }
        assert_eq!(hosts.check(None), Err(HostError::Missing));
    }

    #[test]
    fn listed_hosts_with_and_without_port() {
        let hosts = AllowedHosts::new(["Gate.example", "other.example:8443", "[2001:db8::1]:443"]).unwrap();
        for host in ["gate.example", "gate.example:1", "other.example:8443", "[2001:DB8:0::1]:443"] {
            assert_eq!(hosts.check(Some(host)), Ok(()), "{host}");
        }
        for host in ["localhost", "other.example", "other.example:443", "[2001:db8::1]"] {
            assert!(matches!(hosts.check(Some(host)), Err(HostError::Refused { .. })), "{host}");
        }
        let error = AllowedHosts::new(["good.example", "bad host"]).unwrap_err();
        assert_eq!(error.to_string(), "\"bad host\" is no host name or address with an optional port");
    }

    #[test]
    fn loopback_origins() {
        let origins = AllowedOrigins::default();
        assert_eq!(origins.check(None), Ok(()));
        for origin in
            ["http://localhost", "HTTPS://LocalHost:3000", "http://127.0.0.1:6274", "http://[::1]:1"]
        {
            assert_eq!(origins.check(Some(origin)), Ok(()), "{origin}");
        }
        for origin in ["http://evil.example", "http://localhost.evil.example", "ftp://localhost"] {
            assert_eq!(origins.check(Some(origin)), Err(OriginError::Refused { origin: origin.into() }));
        }
        for origin in
            ["null", "", "localhost", "http://", "http://localhost/", "http://a@localhost", "://x", "1x://y"]
        {
            assert_eq!(origins.check(Some(origin)), Err(OriginError::Invalid { origin: origin.into() }));
        }
    }

    #[test]
    fn listed_origins_are_exact() {
        let origins = AllowedOrigins::new(["https://App.example", "vscode-webview://abc"]).unwrap();
        for origin in ["https://app.example", "https://app.example:443", "vscode-webview://ABC"] {
            assert_eq!(origins.check(Some(origin)), Ok(()), "{origin}");
        }
        for origin in ["http://app.example", "https://app.example:8443", "http://localhost"] {
            assert!(matches!(origins.check(Some(origin)), Err(OriginError::Refused { .. })), "{origin}");
        }
        let origins = origins.and_loopback();
        for origin in ["http://localhost:1", "https://app.example"] {
            assert_eq!(origins.check(Some(origin)), Ok(()), "{origin}");
        }
        assert!(AllowedOrigins::new(["null"]).is_err());
    }
}
