//! `${env:NAME}` in the strings of a configuration: secrets come from the environment.

/// A reference that cannot be replaced.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExpandError {
    /// The variable is not set, or not text.
    #[error("needs the environment variable {0}, which is not set")]
    Unset(String),
    /// Something other than `${env:NAME}`.
    #[error("has a `${{{0}` that is not of the form ${{env:NAME}}")]
    Malformed(String),
}

/// Replaces every `${env:NAME}` by what `variable` gives for the name.
pub(crate) fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, ExpandError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once("${") {
        expanded.push_str(before);
        let malformed = || ExpandError::Malformed(reference.chars().take(40).collect());
        let (inside, after) = reference.split_once('}').ok_or_else(malformed)?;
        let name = inside.strip_prefix("env:").filter(|name| !name.is_empty()).ok_or_else(malformed)?;
        expanded.push_str(&variable(name).ok_or_else(|| ExpandError::Unset(name.to_owned()))?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_references_once() {
        let variable = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "NESTED" => Some("${env:A}".to_owned()),
            _ => None,
        };
        for (text, expected) in [
            ("", Ok("")),
            ("plain $HOME {x}", Ok("plain $HOME {x}")),
            ("a${env:A}b${env:A}", Ok("a1b1")),
            ("${env:NESTED}", Ok("${env:A}")),
            ("${env:B}", Err(ExpandError::Unset("B".to_owned()))),
            ("${env:}", Err(ExpandError::Malformed("env:}".to_owned()))),
            ("${A}", Err(ExpandError::Malformed("A}".to_owned()))),
            ("${env:A", Err(ExpandError::Malformed("env:A".to_owned()))),
        ] {
            assert_eq!(expand(text, variable), expected.map(str::to_owned), "{text}");
        }
    }
}
