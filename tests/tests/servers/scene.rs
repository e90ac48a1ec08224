//! Where a server works: the same place for both transcripts, since its answers name it, and each time as it
//! was before.

use std::path::{Path, PathBuf};

use bartizan_tests::environment::Sdk;
use bartizan_tests::mlflow::Store;
use bartizan_tests::program::Program;
use tempfile::TempDir;
use tokio::process::Command;

/// What a server needs besides files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// A web server with a page.
    Web,
    /// An MLflow store.
    Store,
}

/// What lasts for both transcripts.
#[derive(Debug)]
pub(crate) struct Set {
    needs: Needs,
    directory: TempDir,
    web: Option<(Program, String)>,
}

/// A scene for one transcript.
#[derive(Debug)]
pub(crate) struct Scene {
    place: PathBuf,
    page: String,
    store: Option<Store>,
}

impl Set {
    pub(crate) async fn new(needs: Needs) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let web = match needs {
            Needs::Web => Some(serve(&directory.path().join("web")).await),
            Needs::Nothing | Needs::Store => None,
        };
        Self { needs, directory, web }
    }
}

/// Serves a page on a free port.
async fn serve(place: &Path) -> (Program, String) {
    std::fs::create_dir(place).expect("a directory can be made");
    let page = "<!DOCTYPE html><html><head><title>Page</title></head><body><article><h1>A page</h1>\
        <p>It says “hello” — and <a href=\"/other\">goes on</a>.</p></article></body></html>";
    std::fs::write(place.join("page.html"), page).expect("a file can be written");
    let mut command = Command::new(Sdk::Mcp2.program("python"));
    command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]).arg(place);
    let mut program = Program::start(command);
    let Some(line) = program.line().await else { panic!("no web server:\n{}", program.log()) };
    let port = line.split_once(" port ").and_then(|(_, rest)| rest.split(' ').next());
    let port = port.unwrap_or_else(|| panic!("no port in {line}")).to_owned();
    (program, format!("http://127.0.0.1:{port}"))
}

impl Scene {
    pub(crate) async fn new(set: &Set, prepare: fn(&Path)) -> Self {
        let place = set.directory.path().join("place");
        if place.exists() {
            std::fs::remove_dir_all(&place).expect("what the last server left can be removed");
        }
        std::fs::create_dir(&place).expect("a directory can be made");
        prepare(&place);
        let store = match set.needs {
            Needs::Store => Some(Store::new().await),
            Needs::Nothing | Needs::Web => None,
        };
        let page = set.web.as_ref().map(|(_, origin)| format!("{origin}/page.html"));
        Self { place, page: page.unwrap_or_default(), store }
    }

    /// The path of something here, as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.place.join(name).to_str().expect("paths of temporary files are text").to_owned()
    }

    /// The place itself.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// The address of a page.
    pub(crate) fn page(&self) -> &str {
        &self.page
    }

    /// The MLflow store.
    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("the server needs a store")
    }
}
