//! The servers: how each is started, what it is asked, and what in its answers differs from one run to the
//! next for reasons of its own.

use std::path::Path;

use bartizan_tests::environment::{self, Sdk};
use bartizan_tests::everything;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::Step;
use crate::scene::{Needs, Scene};

/// A server.
pub(crate) struct Row {
    pub(crate) needs: Needs,
    /// Lays out its files.
    pub(crate) prepare: fn(&Path),
    /// Serves it on its pipes.
    pub(crate) command: fn(&Scene) -> Command,
    /// Serves it over HTTP on a free port, which it prints first.
    pub(crate) serve: Option<fn(&Scene) -> Command>,
    /// The tool that the gateway hides, with arguments that it works with.
    pub(crate) hidden: fn(&Scene) -> Option<(&'static str, Value)>,
    /// What it is asked.
    pub(crate) steps: fn(&Scene) -> Vec<Step>,
    /// Replaces what a call's result never says twice.
    pub(crate) steady: fn(&str) -> String,
}

fn nothing(_: &Path) {}

fn node(program: &str) -> Command {
    let mut command = Command::new(environment::node());
    command.arg(environment::node_program(program));
    command
}

pub(crate) const MLFLOW: Row = Row {
    needs: Needs::Store,
    prepare: nothing,
    command: |scene| {
        let mut command = Command::new(Sdk::Mcp1.program("mlflow-mcp"));
        scene.store().give(&mut command);
        command
    },
    serve: Some(|scene| {
        let mut command = Command::new(Sdk::Mcp1.program("python"));
        command.arg(environment::repository("tests/servers/mlflow_http.py"));
        scene.store().give(&mut command);
        command
    }),
    hidden: |scene| Some(("delete_run", json!({"run_id": scene.store().run()}))),
    steps: |scene| {
        let (run, experiment) = (scene.store().run(), scene.store().experiment());
        vec![
            Step::call("get_experiments", &json!({})),
            Step::call("get_run", &json!({"run_id": run})),
            Step::call("set_run_tag", &json!({"run_id": run, "key": "reviewed", "value": "“yes” \u{1F980}"})),
            Step::call("get_run", &json!({"run_id": run})),
            Step::call(
                "search_runs_by_tags",
                &json!({"experiment_id": experiment, "tags": {"reviewed": "no"}}),
            ),
            Step::call("get_run", &json!({"run_id": "absent"})).fails(),
            Step::prompt("find_best_run", &json!({"experiment_id": experiment, "metric": "accuracy"})),
            Step::absent("absent"),
            Step::read("absent://resource").fails(),
        ]
    },
    steady: str::to_owned,
};

pub(crate) const EVERYTHING: Row = Row {
    needs: Needs::Nothing,
    prepare: nothing,
    command: |_| everything::on_pipes(),
    serve: Some(|_| everything::over_http()),
    hidden: |_| Some(("get-env", json!({}))),
    steps: |_| {
        let reference = json!({"type": "ref/prompt", "name": "completable-prompt"});
        let argument = json!({"name": "department", "value": "E"});
        vec![
            Step::call("echo", &json!({"message": "a\u{2028}b \"c\" \\ \u{1F980}"})),
            Step::call("get-sum", &json!({"a": 1.5, "b": -2})),
            Step::call("get-sum", &json!({"a": "one", "b": 2})).fails(),
            Step::call("get-structured-content", &json!({"location": "Chicago"})),
            Step::call("get-annotated-message", &json!({"messageType": "error", "includeImage": true})),
            Step::call("get-resource-links", &json!({"count": 3})),
            Step::call("get-tiny-image", &json!({})),
            Step::call("trigger-long-running-operation", &json!({"duration": 0.1, "steps": 2})),
            Step::prompt("simple-prompt", &json!({})),
            Step::prompt("args-prompt", &json!({"city": "Zürich"})),
            Step::prompt("args-prompt", &json!({})).fails(),
            Step::new("completion/complete", json!({"ref": reference, "argument": argument})),
            Step::new("logging/setLevel", json!({"level": "error"})),
            Step::read("demo://resource/static/document/features.md"),
            Step::read("demo://resource/absent").fails(),
            Step::new("ping", json!({})),
        ]
    },
    steady: str::to_owned,
};

pub(crate) const FILESYSTEM: Row = Row {
    needs: Needs::Nothing,
    prepare: |place| write(&place.join("notes.txt"), "first\nsecond\nthird\n"),
    command: |scene| {
        let mut command = node("mcp-server-filesystem");
        command.arg(scene.place());
        command
    },
    serve: None,
    hidden: |scene| {
        let (source, destination) = (scene.path("notes.txt"), scene.path("moved.txt"));
        Some(("move_file", json!({"source": source, "destination": destination})))
    },
    steps: |scene| {
        let (notes, new) = (scene.path("notes.txt"), scene.path("new.txt"));
        let edit = json!([{"oldText": "second", "newText": "zweite"}]);
        vec![
            Step::call("list_allowed_directories", &json!({})),
            Step::call("read_text_file", &json!({"path": notes, "head": 2})),
            Step::call("write_file", &json!({"path": new, "content": "ä\u{0}\u{1F980}\r\n"})),
            Step::call("read_text_file", &json!({"path": new})),
            Step::call("edit_file", &json!({"path": notes, "edits": edit})),
            Step::call("read_text_file", &json!({"path": notes})),
            Step::call("create_directory", &json!({"path": scene.path("empty")})),
            Step::call("list_directory", &json!({"path": scene.path("")})),
            Step::call("directory_tree", &json!({"path": scene.path("")})),
            Step::call("search_files", &json!({"path": scene.path(""), "pattern": "*.txt"})),
            Step::call("read_text_file", &json!({"path": "/etc/hostname"})).fails(),
            Step::call("read_text_file", &json!({"path": scene.path("absent")})).fails(),
        ]
    },
    steady: str::to_owned,
};

pub(crate) const MEMORY: Row = Row {
    needs: Needs::Nothing,
    prepare: nothing,
    command: |scene| {
        let mut command = node("mcp-server-memory");
        command.env("MEMORY_FILE_PATH", scene.path("memory.jsonl"));
        command
    },
    serve: None,
    hidden: |_| Some(("delete_entities", json!({"entityNames": ["Ada"]}))),
    steps: |_| {
        let ada = json!({"name": "Ada", "entityType": "person", "observations": ["counts"]});
        let engine = json!({"name": "Engine", "entityType": "machine", "observations": []});
        let relation = json!({"from": "Ada", "to": "Engine", "relationType": "programs"});
        let observation = |name: &str| json!({"entityName": name, "contents": ["wrote “notes”"]});
        vec![
            Step::call("create_entities", &json!({"entities": [ada, engine]})),
            Step::call("create_relations", &json!({"relations": [relation]})),
            Step::call("add_observations", &json!({"observations": [observation("Ada")]})),
            Step::call("add_observations", &json!({"observations": [observation("absent")]})).fails(),
            Step::call("read_graph", &json!({})),
            Step::call("search_nodes", &json!({"query": "notes"})),
            Step::call("open_nodes", &json!({"names": ["Engine"]})),
            Step::read("memory://knowledge-graph"),
        ]
    },
    steady: str::to_owned,
};

pub(crate) const SQLITE: Row = Row {
    needs: Needs::Nothing,
    prepare: nothing,
    command: |scene| {
        let mut command = Command::new(Sdk::Sqlite.program("mcp-server-sqlite"));
        command.args(["--db-path", &scene.path("data.db")]);
        command
    },
    serve: None,
    hidden: |_| Some(("describe_table", json!({"table_name": "runs"}))),
    steps: |_| {
        let query = |tool: &str, query: &str| Step::call(tool, &json!({"query": query}));
        vec![
            query("create_table", "create table runs (name text, score real, size integer)"),
            query("write_query", "insert into runs values ('ä', 0.1, 9007199254740993), ('b', 1e300, null)"),
            query("read_query", "select * from runs order by name"),
            Step::call("list_tables", &json!({})),
            // An error, which this server tells as if it were none.
            query("read_query", "delete from runs"),
            Step::call("append_insight", &json!({"insight": "Two runs are better than one."})),
            Step::read("memo://insights"),
            Step::read("memo://absent").fails(),
            Step::prompt("mcp-demo", &json!({"topic": "castles"})),
            Step::absent("absent"),
        ]
    },
    steady: str::to_owned,
};

/// The authors and times of commits are part of their names.
const COMMITS: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "A"),
    ("GIT_AUTHOR_EMAIL", "a@example.org"),
    ("GIT_AUTHOR_DATE", "1767323045 +0000"),
    ("GIT_COMMITTER_NAME", "C"),
    ("GIT_COMMITTER_EMAIL", "c@example.org"),
    ("GIT_COMMITTER_DATE", "1767323045 +0000"),
];

pub(crate) const GIT: Row = Row {
    needs: Needs::Nothing,
    prepare: |place| {
        let git = |arguments: &[&str]| {
            let mut command = std::process::Command::new("git");
            let done = command.current_dir(place).args(arguments).envs(COMMITS).output().expect("git starts");
            assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        };
        git(&["init", "--quiet", "--initial-branch=main"]);
        write(&place.join("a.txt"), "one\n");
        git(&["add", "a.txt"]);
        git(&["commit", "--quiet", "--message=Begin"]);
        write(&place.join("a.txt"), "one\nzwei ä\n");
    },
    command: |scene| {
        let mut command = Command::new(Sdk::Mcp2.program("mcp-server-git"));
        command.arg("--repository").arg(scene.place()).envs(COMMITS);
        command
    },
    serve: None,
    hidden: |scene| Some(("git_reset", json!({"repo_path": scene.place()}))),
    steps: |scene| {
        let call = |tool: &str, more: Value| {
            let mut arguments = more;
            arguments["repo_path"] = json!(scene.place());
            Step::call(tool, &arguments)
        };
        vec![
            call("git_status", json!({})),
            call("git_diff_unstaged", json!({"context_lines": 1})),
            call("git_add", json!({"files": ["a.txt"]})),
            call("git_diff_staged", json!({})),
            call("git_commit", json!({"message": "Go on\n\nwith “quotes”"})),
            call("git_log", json!({"max_count": 5})),
            call("git_show", json!({"revision": "HEAD"})),
            call("git_create_branch", json!({"branch_name": "other"})),
            call("git_branch", json!({"branch_type": "local"})),
            call("git_checkout", json!({"branch_name": "absent"})).fails(),
            Step::call("git_status", &json!({"repo_path": "/"})).fails(),
        ]
    },
    steady: str::to_owned,
};

pub(crate) const TIME: Row = Row {
    needs: Needs::Nothing,
    prepare: nothing,
    command: |_| {
        let mut command = Command::new(Sdk::Mcp2.program("mcp-server-time"));
        command.arg("--local-timezone=UTC");
        command
    },
    serve: None,
    hidden: |_| Some(("get_current_time", json!({"timezone": "UTC"}))),
    steps: |_| {
        let convert = |time: &str| {
            let (from, to) = ("Asia/Kathmandu", "America/New_York");
            let zones = json!({"source_timezone": from, "time": time, "target_timezone": to});
            Step::call("convert_time", &zones)
        };
        vec![convert("12:34"), convert("25:00").fails()]
    },
    // A time of day is one of today, and midnight may come between the two runs.
    steady: |text| without_weekdays(&without_dates(text)),
};

pub(crate) const FETCH: Row = Row {
    needs: Needs::Web,
    prepare: nothing,
    command: |_| {
        let mut command = Command::new(Sdk::Mcp2.program("mcp-server-fetch"));
        command.args(["--ignore-robots-txt", "--allow-private-ips"]);
        // Where it finds Node, it runs a script with it whose packages nobody has installed.
        command.env("PATH", "");
        command
    },
    serve: None,
    // It has one tool, and a prompt of the same name, which would be hidden along with it.
    hidden: |_| None,
    steps: |scene| {
        let page = scene.page();
        vec![
            Step::call("fetch", &json!({"url": page})),
            Step::call("fetch", &json!({"url": page, "raw": true, "max_length": 40})),
            Step::call("fetch", &json!({"url": page, "raw": true, "start_index": 40})),
            Step::call("fetch", &json!({"url": page.replace("page", "absent")})).fails(),
            Step::call("fetch", &json!({})).fails(),
            Step::prompt("fetch", &json!({"url": page})),
            Step::prompt("fetch", &json!({})).fails(),
            Step::absent("absent"),
        ]
    },
    steady: str::to_owned,
};

/// Our own server, which stands for those of both eras that are reached over HTTP: none of the others are.
pub(crate) const WORKSHOP: Row = Row {
    needs: Needs::Nothing,
    prepare: nothing,
    command: |scene| workshop(scene, &[]),
    serve: Some(|scene| workshop(scene, &["--http"])),
    hidden: |_| Some(("secret", json!({"key": "k"}))),
    steps: |_| {
        vec![
            Step::call("quick", &json!({"text": "ä \u{1F980} \u{2028}"})),
            Step::call("measure", &json!({"text": "four"})),
            Step::call("erase", &json!({"key": "k"})),
            Step::call("quick", &json!({"text": 5})).fails(),
            Step::absent("absent"),
            Step::read("absent://resource").fails(),
        ]
    },
    steady: str::to_owned,
};

fn workshop(scene: &Scene, options: &[&str]) -> Command {
    let mut command = Command::new(Sdk::Mcp2.program("python"));
    command.arg(environment::repository("tests/servers/workshop.py"));
    command.args(options).arg(scene.path("notes"));
    command
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a temporary file can be written");
}

/// Text with zeros for dates such as `2026-01-02`.
fn without_dates(text: &str) -> String {
    const DATE: &[u8] = b"dddd-dd-dd";
    let mut bytes = text.as_bytes().to_vec();
    let is_date = |window: &[u8]| {
        window.iter().zip(DATE).all(|(byte, like)| match like {
            b'd' => byte.is_ascii_digit(),
            like => byte == like,
        })
    };
    let starts: Vec<usize> = bytes
        .windows(DATE.len())
        .enumerate()
        .filter(|(_, window)| is_date(window))
        .map(|(start, _)| start)
        .collect();
    for start in starts {
        bytes[start..start + DATE.len()].fill(b'0');
    }
    String::from_utf8(bytes).expect("only digits were replaced")
}

fn without_weekdays(text: &str) -> String {
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        .iter()
        .fold(text.to_owned(), |text, day| text.replace(day, "day"))
}

#[test]
fn dates_and_weekdays_are_no_longer_there() {
    let text = r#"{"at":"2026-11-22T12:34:00+05:45","on":"Sunday","of":"12-34"}"#;
    let steady = r#"{"at":"0000000000T12:34:00+05:45","on":"day","of":"12-34"}"#;
    assert_eq!(without_weekdays(&without_dates(text)), steady);
}
