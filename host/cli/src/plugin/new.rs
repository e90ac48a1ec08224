//! `bartizan plugin new`.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_author::Language;
use bartizan_author::new;
use clap::Args;
use clap::builder::PossibleValuesParser;

/// Begin a plugin: a project that builds, with a rule that works, its tests and a README.
///
/// The rule refuses changes between two days. Nothing is fetched: all of it is in this program. What the
/// language's own tools are, and how to get them, is in the project's README.
#[derive(Args)]
#[command(after_help = "Examples:\n  bartizan plugin new change-freeze --lang rust\n  \
    bartizan plugin new spend-limit --lang js --dir policies/spend-limit")]
pub(crate) struct Arguments {
    /// The plugin's name: lower-case letters, digits and hyphens.
    #[arg(value_name = "NAME")]
    name: String,
    /// What to write it in.
    #[arg(long = "lang", value_name = "LANG", value_parser = PossibleValuesParser::new(Language::ALL.map(Language::name)))]
    language: String,
    /// Where the project goes [default: a directory of that name, here].
    #[arg(long = "dir", value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) fn new(arguments: &Arguments) -> ExitCode {
    let Some(language) = Language::parse(&arguments.language) else { return ExitCode::FAILURE };
    let directory = arguments.directory.clone().unwrap_or_else(|| PathBuf::from(&arguments.name));
    match new::create(&arguments.name, language, &directory) {
        Ok(()) => {
            let place = directory.display();
            println!("{place} is a plugin in {language}. Next:");
            if let Some(command) = setup(language) {
                println!("  cd {place} && {command}");
            }
            println!("  bartizan plugin build {place}");
            println!("  bartizan plugin test {place}");
            println!("{place}/README.md says more.");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bartizan: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What installs the tools into the project, where they belong there.
fn setup(language: Language) -> Option<&'static str> {
    match language {
        Language::JavaScript | Language::TypeScript => Some("npm install"),
        Language::Python => {
            Some("python3 -m venv .venv && .venv/bin/python -m pip install -r requirements.txt")
        }
        Language::Rust | Language::C | Language::Go | Language::Zig => None,
    }
}
