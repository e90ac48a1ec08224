//! Parameter headers: what is made of arguments is what is accepted with them, and nothing less or more.

use bartizan_wire::headers::{Parameters, decode_mirror};
use bartizan_wire::json::{Document, Limits};

/// Checks a tool's definition and, after a line feed, arguments.
pub fn check(input: &[u8]) {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let limits = Limits::default();
    let (Ok(definition), Ok(arguments)) =
        (Document::parse(&input[..end], &limits), Document::parse(&input[end + 1..], &limits))
    else {
        return;
    };
    let Ok(parameters) = Parameters::read(definition.root()) else { return };
    let names: Vec<&str> = parameters.names().collect();
    for (at, name) in names.iter().enumerate() {
        let token =
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        assert!(token && name.len() > "Mcp-Param-".len(), "{name:?} is no name of a header");
        let twice = names[..at].iter().any(|other| other.eq_ignore_ascii_case(name));
        assert!(!twice, "{name} is there twice");
    }
    assert_eq!(parameters.is_empty(), names.is_empty());
    let mirrored = parameters.mirror(Some(arguments.root()));
    for (name, value) in &mirrored {
        assert!(names.contains(&name.as_str()), "{name} is no parameter");
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{value:?} cannot be sent");
        assert_eq!(value.trim(), value, "an edge would be lost");
        assert!(decode_mirror(value).is_some(), "{value:?} stands for nothing");
    }
    let accepts = |headers: &[(String, String)]| {
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        parameters.check(headers, Some(arguments.root())).is_ok()
    };
    if !accepts(&mirrored) {
        // Only what no header can repeat: an array or an object where a parameter is.
        assert!(mirrored.len() < names.len(), "what was made is refused");
        return;
    }
    for at in 0..mirrored.len() {
        let mut less = mirrored.clone();
        let (name, value) = less.remove(at);
        assert!(!accepts(&less), "{name} can be left out");
        let mut twice = mirrored.clone();
        twice.push((name.to_ascii_uppercase(), value.clone()));
        assert!(!accepts(&twice), "{name} can come twice");
        let mut other = mirrored.clone();
        other[at].1 = format!("x{value}");
        assert!(!accepts(&other), "{name} can say something else");
        let mut cased = mirrored.clone();
        cased[at].0 = name.to_ascii_lowercase();
        assert!(accepts(&cased), "names are of any case");
    }
    for name in names.iter().filter(|name| !mirrored.iter().any(|(known, _)| known == *name)) {
        let mut more = mirrored.clone();
        more.push(((*name).to_owned(), "x".to_owned()));
        assert!(!accepts(&more), "{name} is there without a value");
    }
    let mut stranger = mirrored;
    stranger.push(("Mcp-Param-".to_owned(), "x".to_owned()));
    assert!(accepts(&stranger), "a header that is nobody's");
}
