//! `bartizan plugin keygen`.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_trust::SigningKey;
use clap::Args;

use crate::state;

/// Make a key to sign plugins with.
///
/// The keys are those of minisign. The secret key is encrypted with the password in the environment variable
/// BARTIZAN_KEY_PASSWORD; without one it is protected by its file's mode alone.
#[derive(Args)]
#[command(after_help = "Example:\n  bartizan plugin keygen --key bartizan.key")]
pub(crate) struct Arguments {
    /// Where the secret key goes; the public key goes beside it, with the ending .pub.
    #[arg(long, value_name = "FILE", default_value = "bartizan.key")]
    key: PathBuf,
}

pub(super) fn keygen(arguments: &Arguments) -> ExitCode {
    let public = arguments.key.with_extension("pub");
    let password = password();
    let protection =
        if password.is_some() { "encrypted" } else { "not encrypted: keep the file to yourself" };
    match SigningKey::generate(&arguments.key, &public, password.as_deref()) {
        Ok(key) => {
            println!("secret key  {} ({protection})", arguments.key.display());
            println!("public key  {}", public.display());
            println!(
                "\nWho trusts it says so in the configuration:\n  \"plugins\": {{\"trusted_keys\": [\"{key}\"]}}"
            );
            ExitCode::SUCCESS
        }
        Err(error) => state::failed(&error.to_string()),
    }
}

/// The password of secret keys.
pub(super) fn password() -> Option<String> {
    std::env::var(SigningKey::PASSWORD).ok().filter(|password| !password.is_empty())
}
