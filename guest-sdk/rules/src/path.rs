//! Paths to the parts of a call: `args.items[*].price`, `principal`, `tool.annotations.readOnlyHint`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A path: a root, and steps into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    pub(crate) root: Root,
    pub(crate) steps: Vec<Step>,
}

/// What a path begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// The arguments, or the params.
    Args,
    /// The caller's name.
    Principal,
    /// What is known of the caller.
    Claims,
    /// The server's own definition of the target.
    Tool,
    /// The server's name.
    Server,
    /// The session.
    Session,
    /// The MCP method.
    Method,
    /// The tool's or prompt's name, or the resource's URI.
    Target,
}

const ROOTS: [(&str, Root); 8] = [
    ("args", Root::Args),
    ("principal", Root::Principal),
    ("claims", Root::Claims),
    ("tool", Root::Tool),
    ("server", Root::Server),
    ("session", Root::Session),
    ("method", Root::Method),
    ("target", Root::Target),
];

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The member of this name, or of an array the element of this index.
    Name(String),
    /// The element.
    Index(usize),
    /// Every element or member.
    Every,
}

/// What is wrong with a path, and where: the offset in characters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the path `{path}` is wrong at character {}: {problem}", .at + 1)]
pub struct PathError {
    /// The path.
    pub path: String,
    /// Where in it, counted in characters from 0.
    pub at: usize,
    /// What is wrong.
    pub problem: PathProblem,
}

/// What is wrong with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PathProblem {
    /// It begins with something else.
    #[error(
        "a path begins with `args`, `principal`, `claims`, `tool`, `server`, `session`, `method` or `target`"
    )]
    Root,
    /// It steps into a text.
    #[error("this is a text, and has no parts: end the path here")]
    NoParts,
    /// A name is missing after a point.
    #[error("a name is missing; one that is empty or has other signs is written `[\"name\"]`")]
    Name,
    /// A sign that no name has without quotes.
    #[error("this sign can only stand in a quoted name: `[\"name\"]`; every element is `[*]`")]
    Sign,
    /// Something else between brackets.
    #[error("between brackets there is an index (`[0]`), a quoted name (`[\"name\"]`) or `*`")]
    Brackets,
    /// No bracket at the end.
    #[error("a `]` is missing")]
    Unclosed,
    /// Neither a point nor a bracket.
    #[error("after a bracket comes `.name`, `[…]` or the end")]
    Continuation,
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let fail = |rest: &str, problem: PathProblem| PathError {
            path: text.to_owned(),
            at: text.chars().count() - rest.chars().count(),
            problem,
        };
        let end = text.find(['.', '[']).unwrap_or(text.len());
        let (name, mut rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let Some(&(_, root)) = ROOTS.iter().find(|(known, _)| *known == name) else {
            return Err(fail(text, PathProblem::Root));
        };
        if !root.has_parts() && !rest.is_empty() {
            return Err(fail(rest, PathProblem::NoParts));
        }
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = step(rest).map_err(|(at, problem)| fail(at, problem))?;
            steps.push(step);
            rest = after;
        }
        Ok(Self { text: text.to_owned(), root, steps })
    }
}

/// A step at the beginning of a text, and what comes after it; else where it is wrong.
fn step(text: &str) -> Result<(Step, &str), (&str, PathProblem)> {
    if let Some(rest) = text.strip_prefix('.') {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let forbidden = |sign: char| sign.is_whitespace() || sign.is_control() || "]\"'*\\".contains(sign);
        return match name {
            "*" => Ok((Step::Every, after)),
            "" => Err((rest, PathProblem::Name)),
            _ => match name.find(forbidden) {
                Some(at) => Err((rest.get(at..).unwrap_or_default(), PathProblem::Sign)),
                None => Ok((Step::Name(name.to_owned()), after)),
            },
        };
    }
    let Some(rest) = text.strip_prefix('[') else { return Err((text, PathProblem::Continuation)) };
    let (step, after) = if rest.starts_with('"') {
        let mut names = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let Some(Ok(name)) = names.next() else { return Err((rest, PathProblem::Brackets)) };
        (Step::Name(name), rest.get(names.byte_offset()..).unwrap_or_default())
    } else {
        let end = rest.find(']').ok_or(("", PathProblem::Unclosed))?;
        let (inside, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let step = match inside {
            "*" => Step::Every,
            index => Step::Index(self::index(index).ok_or((rest, PathProblem::Brackets))?),
        };
        (step, after)
    };
    after.strip_prefix(']').map(|after| (step, after)).ok_or((after, PathProblem::Unclosed))
}

/// An index of an array, as RFC 6901 has it: digits without leading zeros.
pub(crate) fn index(text: &str) -> Option<usize> {
    let plain = text == "0" || !text.starts_with(['0', '+']);
    plain.then(|| text.parse().ok()).flatten()
}

impl Root {
    fn has_parts(self) -> bool {
        matches!(self, Self::Args | Self::Claims | Self::Tool)
    }
}

impl Path {
    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it can lead to more than one value.
    pub fn has_many(&self) -> bool {
        self.steps.contains(&Step::Every)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Root, Step};

    #[test]
    fn parses_roots_and_steps() {
        let name = |name: &str| Step::Name(name.to_owned());
        for (text, root, steps) in [
            ("args", Root::Args, vec![]),
            ("principal", Root::Principal, vec![]),
            ("claims.groups[*]", Root::Claims, vec![name("groups"), Step::Every]),
            (
                "tool.annotations.destructiveHint",
                Root::Tool,
                vec![name("annotations"), name("destructiveHint")],
            ),
            ("server", Root::Server, vec![]),
            ("session", Root::Session, vec![]),
            ("method", Root::Method, vec![]),
            ("target", Root::Target, vec![]),
            (
                "args.a-b.$c.d/e.ü.0",
                Root::Args,
                vec![name("a-b"), name("$c"), name("d/e"), name("ü"), name("0")],
            ),
            (r#"args["a.b"]["]\"\u0041"][""]"#, Root::Args, vec![name("a.b"), name("]\"A"), name("")]),
            (r#"args["*"]"#, Root::Args, vec![name("*")]),
            (
                "args[0][12].*.x[*]",
                Root::Args,
                vec![Step::Index(0), Step::Index(12), Step::Every, name("x"), Step::Every],
            ),
        ] {
            let path: Path = text.parse().unwrap();
            assert_eq!((path.root, &path.steps), (root, &steps), "{text}");
            assert_eq!(path.as_str(), text);
            assert_eq!(path.has_many(), text.contains('*') && !text.contains("\"*\""), "{text}");
        }
    }

    #[test]
    fn errors_say_what_and_where() {
        for (text, at, expected) in [
            ("", 1, "begins with `args`"),
            ("stage", 1, "begins with `args`"),
            ("Args.x", 1, "begins with `args`"),
            (" args.x", 1, "begins with `args`"),
            ("$.args", 1, "begins with `args`"),
            ("principal.name", 10, "has no parts"),
            ("method[0]", 7, "has no parts"),
            ("args.", 6, "a name is missing"),
            ("args..x", 6, "a name is missing"),
            ("args.a b", 7, "quoted name"),
            ("args.é x", 7, "quoted name"),
            ("args.x*", 7, "quoted name"),
            ("args.x]", 7, "quoted name"),
            ("args['x']", 6, "between brackets"),
            ("args[]", 6, "between brackets"),
            ("args[-1]", 6, "between brackets"),
            ("args[01]", 6, "between brackets"),
            ("args[+1]", 6, "between brackets"),
            ("args[x]", 6, "between brackets"),
            ("args[99999999999999999999999]", 6, "between brackets"),
            (r#"args["x]"#, 6, "between brackets"),
            (r#"args["x""#, 9, "`]` is missing"),
            (r#"args["x" ]"#, 9, "`]` is missing"),
            ("args[0", 7, "`]` is missing"),
            ("args[0]x", 8, "after a bracket"),
        ] {
            let error = text.parse::<Path>().unwrap_err().to_string();
            assert!(error.contains(&format!("at character {at}:")), "{text:?}: {error}");
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
