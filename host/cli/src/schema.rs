//! `bartizan schema`.

use std::io::Write as _;
use std::process::ExitCode;

use crate::state;

/// Prints the JSON Schema of policies, for editors.
pub(crate) fn schema() -> ExitCode {
    match writeln!(std::io::stdout(), "{}", bartizan_policy::schema::text().trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => state::failed(&format!("cannot write: {error}")),
    }
}
