//! `bartizan plugin sign`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use bartizan_trust::SigningKey;
use clap::Args;

use super::keygen;
use crate::state;

/// Sign plugins.
///
/// Writes FILE.minisig beside each file: a signature in the format of minisign, which says for which file name it
/// is. The password of an encrypted key comes from the environment variable BARTIZAN_KEY_PASSWORD.
#[derive(Args)]
#[command(after_help = "Example:\n  bartizan plugin sign change-freeze.wasm --key bartizan.key")]
pub(crate) struct Arguments {
    /// The plugins, under the names that they have in the plugins folder.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The secret key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

pub(super) fn sign(arguments: &Arguments) -> ExitCode {
    let key = match SigningKey::read(&arguments.key, keygen::password) {
        Ok(key) => key,
        Err(error) => return state::failed(&error.to_string()),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    for file in &arguments.files {
        match key.sign(file, now) {
            Ok(signature) => println!("{}", signature.display()),
            Err(error) => return state::failed(&error.to_string()),
        }
    }
    ExitCode::SUCCESS
}
