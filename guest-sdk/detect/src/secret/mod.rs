//! Secrets: what has the shape of a known token, what goes before an `Authorization`, and what is assigned
//! to a name such as `password`.

mod assignment;
mod authorization;
mod jwt;
mod randomness;
mod shapes;
mod url;

use std::ops::Range;

use crate::text::Text;

pub(crate) fn find(text: Text<'_>, found: &mut Vec<Range<usize>>) {
    shapes::find(text, found);
    jwt::find(text, found);
    url::find(text, found);
    authorization::find(text, found);
    assignment::find(text, found);
}

/// The secret in the value of a member, as its name tells.
pub(crate) fn find_in_member(name: &str, value: &str) -> Option<Range<usize>> {
    authorization::find_in_member(name, value).or_else(|| assignment::find_in_member(name, value))
}

#[cfg(test)]
mod tests;
