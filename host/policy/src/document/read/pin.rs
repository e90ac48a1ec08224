//! `pin`: reads the lock file that it names.

use std::path::Path;

use super::super::{Pin, Spanned};
use crate::decode;
use crate::diagnostics::{Problem, Report};
use crate::lock::Lock;
use crate::source::Node;

/// The path is taken from the directory of the document. What is wrong inside the lock file is reported
/// under the lock file's own name.
pub(super) fn pin(node: &Node, report: &mut Report) -> Option<Pin> {
    let path = decode::string(node, "`pin`", report)?;
    if path.is_empty() {
        let problem = Problem::error("missing-lock", node.span, "`pin` must name a lock file");
        report.push(problem.help("write the path of a file that `bartizan lock` made"));
        return None;
    }
    let file = match report.source().directory() {
        Some(directory) => directory.join(path),
        None => Path::new(path).to_owned(),
    };
    if !file.exists() {
        let message = format!("there is no lock file {}", file.display());
        let help = "make it with `bartizan lock`; the path is taken from the policy's own directory";
        report.push(Problem::error("missing-lock", node.span, message).help(help));
        return None;
    }
    match Lock::read(&file) {
        Ok((lock, warnings)) => {
            report.include(warnings);
            Some(Pin { path: Spanned { value: path.to_owned(), span: node.span }, lock })
        }
        Err(found) => {
            report.include(found);
            None
        }
    }
}
