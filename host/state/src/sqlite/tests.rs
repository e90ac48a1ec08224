//! What only the inside can see: damage, full disks, layouts, and that what is over is swept.

use std::error::Error as _;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::approval::{
    ApprovalError, Approvals as _, Binding, Decision, Demand, Filter, Request, Status, Ticket,
};
use crate::quota::{
    Amount, Charge, Counter, MAX_ENTRIES, Millis, QuotaError, Quotas as _, ScopeKey, Unit, Window,
};

const NOW: Millis = Millis::new(1_767_225_600_000);

fn store() -> (TempDir, SqliteStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    (directory, store)
}

fn file(directory: &TempDir) -> PathBuf {
    directory.path().join(FILE)
}

fn charge(scope: ScopeKey, limit: u32, window: Window) -> Charge {
    let counter = Counter { name: "calls".into(), limit: limit.into(), window };
    Charge { counter, scope, cost: Amount::ONE, message: None, rule: None, counts_errors: false }
}

fn sliding(seconds: u32) -> Window {
    Window::Sliding { seconds: seconds.try_into().unwrap() }
}

fn take(store: &SqliteStore, charge: &Charge, now: u64) {
    store.reserve(std::slice::from_ref(charge), Millis::new(now)).unwrap().forwarded().commit();
}

fn request(number: u8, arguments: String) -> Request {
    Request {
        binding: Binding::new([number; 32]),
        server: "mlflow".into(),
        method: "tools/call".into(),
        target: None,
        principal: None,
        session: "s".into(),
        arguments,
        rules: Vec::new(),
        message: String::new(),
        expires_after: 60,
    }
}

fn ask(store: &SqliteStore, number: u8) -> Ticket {
    match store.demand(&request(number, "{}".to_owned()), NOW).unwrap() {
        Demand::Pending(approval) => approval.ticket,
        other => panic!("{other:?}"),
    }
}

fn count(store: &SqliteStore, table: &str) -> usize {
    let link = store.database.link.lock();
    link.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

fn execute(store: &SqliteStore, sql: &str) {
    store.database.link.lock().connection.execute_batch(sql).unwrap();
}

/// The error of a store behind an error of quotas.
fn of_quotas(error: &QuotaError) -> &StoreError {
    match error {
        QuotaError::Unavailable(source) => source.downcast_ref().unwrap(),
        QuotaError::Exhausted { .. } => panic!("{error:?}"),
    }
}

fn of_approvals(error: &ApprovalError) -> &StoreError {
    match error {
        ApprovalError::Unavailable(source) => source.downcast_ref().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Something in every table, and the file closed.
fn filled() -> TempDir {
    let (directory, store) = store();
    for index in 0..200 {
        take(&store, &charge(ScopeKey::Principal(index.to_string().into()), 3, sliding(3_600)), NOW.get());
        let ticket = ask(&store, index);
        store.decide(&ticket, Decision::Approve, "grace", None, NOW).unwrap();
    }
    directory
}

fn opened_error(directory: &Path) -> OpenError {
    SqliteStore::open(directory).map(drop).unwrap_err()
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_look() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a").join("state");
    let store = SqliteStore::open(&directory).unwrap();
    take(&store, &charge(ScopeKey::Everyone, 3, sliding(1)), 0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["state.sqlite", "state.sqlite-shm", "state.sqlite-wal"], "and nothing is left over");
}

#[test]
fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let fixed = charge(ScopeKey::Server("mlflow".into()), 1, Window::Fixed(Unit::Day));
    let last = charge(ScopeKey::Anonymous("mlflow".into()), 1, sliding(60));
    let session = charge(ScopeKey::Session("s".into()), 1, sliding(60));
    let (ticket, open) = {
        let store = SqliteStore::open(directory.path()).unwrap();
        take(&store, &fixed, NOW.get());
        take(&store, &session, NOW.get());
        let open = store.reserve(std::slice::from_ref(&last), NOW).unwrap();
        let ticket = ask(&store, 1);
        store.decide(&ticket, Decision::Approve, "grace", None, NOW).unwrap();
        // Never settled, as when the process is killed.
        (ticket, std::mem::ManuallyDrop::new(open))
    };
    let store = SqliteStore::open(directory.path()).unwrap();
    assert!(store.reserve(&[fixed], NOW).is_err());
    assert!(store.reserve(&[last], NOW).is_err(), "what was under way stays taken");
    assert!(store.reserve(&[session], NOW).is_ok(), "sessions are over");
    assert!(matches!(
        store.demand(&request(1, "{}".to_owned()), NOW).unwrap(),
        Demand::Granted(grant) if *grant.ticket() == ticket
    ));
    drop(std::mem::ManuallyDrop::into_inner(open));
}

#[test]
fn without_charges_the_file_is_left_alone() {
    let (_directory, store) = store();
    let _locked = store.database.link.lock();
    store.reserve(&[], NOW).unwrap().forwarded().commit();
    store.reserve(&[charge(ScopeKey::Session("s".into()), 1, sliding(1))], NOW).unwrap().forwarded().failed();
}

#[test]
fn a_refusal_writes_nothing_and_nothing_is_charged_for_nothing() {
    let (_directory, store) = store();
    let once = charge(ScopeKey::Everyone, 1, sliding(1));
    take(&store, &once, 1_000);
    let changes = || store.database.link.lock().connection.total_changes();
    let before = changes();
    assert!(store.reserve(std::slice::from_ref(&once), Millis::new(1_500)).is_err());
    let free = Charge { cost: Amount::ZERO, ..charge(ScopeKey::Server("s".into()), 1, sliding(1)) };
    store.reserve(&[free], Millis::new(1_500)).unwrap().rollback();
    assert_eq!(changes(), before);
}

#[test]
fn time_does_not_run_backwards_over_a_restart() {
    let (directory, first) = store();
    take(&first, &charge(ScopeKey::Everyone, 9, sliding(1)), 10_000);
    drop(first);
    let again = SqliteStore::open(directory.path()).unwrap();
    let once = charge(ScopeKey::Everyone, 1, sliding(1));
    take(&again, &once, 1);
    assert!(again.reserve(std::slice::from_ref(&once), Millis::new(10_999)).is_err());
    assert!(again.reserve(&[once], Millis::new(11_000)).is_ok());
}

#[test]
fn counters_that_are_over_are_swept_and_others_are_not() {
    for window in [sliding(60), Window::Fixed(Unit::Minute)] {
        let (_directory, store) = store();
        for index in 0..50 {
            take(&store, &charge(ScopeKey::Principal(index.to_string().into()), 3, window), NOW.get());
        }
        let live = charge(ScopeKey::Everyone, 3, window);
        for (after, counters) in [(59_999, 51), (60_000, 1)] {
            store.pace.reservations_until_sweep.store(0, Ordering::Relaxed);
            take(&store, &live, NOW.get() + after);
            assert_eq!(count(&store, "counters"), counters, "{window:?} after {after}");
        }
        let costs = if matches!(window, Window::Fixed(_)) { 0 } else { 2 };
        assert_eq!(count(&store, "costs"), costs, "{window:?}");
    }
}

#[test]
fn a_reservation_of_a_counter_that_was_swept_gives_nothing_to_its_successor() {
    for window in [sliding(60), Window::Fixed(Unit::Minute)] {
        let (_directory, store) = store();
        let charge = charge(ScopeKey::Everyone, 1, window);
        let open = store.reserve(std::slice::from_ref(&charge), NOW).unwrap();
        execute(&store, "DELETE FROM counters");
        take(&store, &charge, NOW.get());
        open.rollback();
        assert!(store.reserve(&[charge], NOW).is_err(), "{window:?}");
    }
}

#[test]
fn costs_that_are_over_leave_the_file_when_something_is_charged() {
    let (_directory, store) = store();
    let charge = charge(ScopeKey::Everyone, 10, sliding(1));
    for at in [0, 1, 2, 2] {
        take(&store, &charge, at);
    }
    assert_eq!(count(&store, "costs"), 3);
    take(&store, &charge, 1_001);
    assert_eq!(count(&store, "costs"), 2);
}

#[test]
fn a_crowded_window_stays_small_and_loses_nothing() {
    let (_directory, store) = store();
    let charge = charge(ScopeKey::Everyone, 1_000_000, sliding(3_600));
    take(&store, &charge, 0);
    let early = store.reserve(std::slice::from_ref(&charge), Millis::new(1)).unwrap();
    execute(
        &store,
        &format!(
            "WITH RECURSIVE instants (at) AS (SELECT 2 UNION ALL SELECT at + 1 FROM instants WHERE at < {last})
             INSERT INTO costs (counter, at, cost) SELECT id, at, '1' FROM counters, instants;
             UPDATE counters SET used = '{MAX_ENTRIES}', costs = {MAX_ENTRIES};",
            last = MAX_ENTRIES - 1
        ),
    );
    let before = MAX_ENTRIES as u64;
    take(&store, &charge, before);
    assert_eq!(count(&store, "costs"), MAX_ENTRIES / 4 + 1, "four milliseconds are one");

    let rest = |used: u64| {
        let cost = |cost: u64| Charge { cost: cost.to_string().parse().unwrap(), ..charge.clone() };
        let fits = |cost| {
            store.reserve(&[cost], Millis::new(before)).map(crate::quota::Reservation::rollback).is_ok()
        };
        (fits(cost(1_000_000 - used)), fits(cost(1_000_001 - used)))
    };
    assert_eq!(rest(before + 1), (true, false));
    early.rollback();
    assert_eq!(rest(before), (true, false), "what was merged can still be given back");
}

#[test]
fn a_full_disk_closes_everything_until_there_is_space() {
    let (_directory, store) = store();
    let ticket = ask(&store, 1);
    let open = charge(ScopeKey::Principal("open".into()), 1, Window::Fixed(Unit::Day));
    let reserved = store.reserve(std::slice::from_ref(&open), NOW).unwrap();
    // No page more than there are.
    execute(&store, "PRAGMA max_page_count = 1");

    let large = request(2, "x".repeat(100_000));
    let error = store.demand(&large, NOW).unwrap_err();
    assert!(matches!(of_approvals(&error), StoreError::Full { .. }), "{error:?}");
    let text = error.source().unwrap().to_string();
    assert!(text.contains("state.sqlite is full: make space"), "{text}");

    let session = charge(ScopeKey::Session("s".into()), 1, sliding(60));
    let name = "x".repeat(100_000);
    let call = [session.clone(), charge(ScopeKey::Server(name.as_str().into()), 1, sliding(60))];
    for _ in 0..2 {
        let error = store.reserve(&call, NOW).unwrap_err();
        assert!(matches!(of_quotas(&error), StoreError::Full { .. }), "{error:?}");
    }
    store.reserve(std::slice::from_ref(&session), NOW).unwrap().rollback();
    assert_eq!(store.list(Filter::All, NOW).unwrap().len(), 1, "nothing is half there");

    execute(&store, "PRAGMA max_page_count = 1000000");
    store.reserve(&call, NOW).unwrap().forwarded().commit();
    assert!(matches!(store.demand(&large, NOW).unwrap(), Demand::Pending(_)));
    store.decide(&ticket, Decision::Deny, "grace", None, NOW).unwrap();
    reserved.rollback();
    assert!(store.reserve(&[open], NOW).is_ok());
}

#[test]
fn a_file_that_cannot_be_written_closes_everything_but_reading() {
    let (_directory, store) = store();
    let ticket = ask(&store, 1);
    let held = charge(ScopeKey::Principal("held".into()), 1, Window::Fixed(Unit::Day));
    let reserved = store.reserve(std::slice::from_ref(&held), NOW).unwrap();
    execute(&store, "PRAGMA query_only = ON");

    let error = store.reserve(&[charge(ScopeKey::Everyone, 1, sliding(1))], NOW).unwrap_err();
    assert!(matches!(of_quotas(&error), StoreError::Denied { .. }), "{error:?}");
    assert!(error.source().unwrap().to_string().contains("check its permissions"), "{error:?}");
    for error in [
        store.demand(&request(2, String::new()), NOW).map(drop).unwrap_err(),
        store.decide(&ticket, Decision::Approve, "grace", None, NOW).map(drop).unwrap_err(),
        store.withdraw(&ticket, NOW).map(drop).unwrap_err(),
    ] {
        assert!(matches!(of_approvals(&error), StoreError::Denied { .. }), "{error:?}");
    }
    assert_eq!(store.find(&ticket, NOW).unwrap().unwrap().status, Status::Pending);
    reserved.rollback();
    execute(&store, "PRAGMA query_only = OFF");
    assert!(store.reserve(&[held], NOW).is_err(), "what could not be given back stays taken");
}

#[test]
fn a_lock_that_is_held_for_too_long_is_an_error() {
    let (directory, store) = store();
    store.database.link.lock().connection.busy_timeout(std::time::Duration::from_millis(1)).unwrap();
    let other = Connection::open(file(&directory)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.reserve(&[charge(ScopeKey::Everyone, 1, sliding(1))], NOW).unwrap_err();
    assert!(matches!(of_quotas(&error), StoreError::Busy { .. }), "{error:?}");
    let error = store.demand(&request(1, String::new()), NOW).unwrap_err();
    assert!(matches!(of_approvals(&error), StoreError::Busy { .. }), "{error:?}");
    other.execute_batch("COMMIT").unwrap();
    ask(&store, 1);
}

#[test]
fn a_value_that_makes_no_sense_is_damage() {
    let (_directory, store) = store();
    let charge = charge(ScopeKey::Everyone, 1, Window::Fixed(Unit::Day));
    take(&store, &charge, NOW.get());
    let ticket = ask(&store, 1);
    for used in ["", "-1", "NaN", "1e400", "99999999999999999999999999999999"] {
        execute(&store, &format!("UPDATE counters SET used = '{used}'"));
        let error = store.reserve(std::slice::from_ref(&charge), NOW).unwrap_err();
        assert!(matches!(of_quotas(&error), StoreError::Damaged { .. }), "{used}: {error:?}");
    }
    execute(&store, "DELETE FROM clock");
    let error = store.reserve(std::slice::from_ref(&charge), NOW).unwrap_err();
    assert!(matches!(of_quotas(&error), StoreError::Damaged { .. }), "{error:?}");
    for change in ["rules = '{'", "created = -1", "ticket = 'apr_'"] {
        execute(&store, &format!("UPDATE approvals SET {change}"));
        let error = store.list(Filter::All, NOW).unwrap_err();
        assert!(matches!(of_approvals(&error), StoreError::Damaged { .. }), "{change}: {error:?}");
        execute(&store, &format!("UPDATE approvals SET rules = '[]', created = 0, ticket = '{ticket}'"));
    }
    assert_eq!(store.list(Filter::All, NOW).unwrap().len(), 1);
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error() {
    let parent = tempfile::tempdir().unwrap();
    let plain = parent.path().join("plain");
    fs::write(&plain, "").unwrap();
    for directory in [plain.clone(), plain.join("state")] {
        let error = opened_error(&directory);
        assert!(matches!(&error, OpenError::Directory { path, .. } if *path == directory), "{error:?}");
        assert!(error.to_string().contains("choose a directory that this user may write to"), "{error}");
    }
}

#[test]
fn files_of_others_are_left_alone() {
    type Make = fn(&Path);
    let cases: [(&str, Make); 6] = [
        ("empty", |path| fs::write(path, "").unwrap()),
        ("a byte", |path| fs::write(path, "x").unwrap()),
        ("text", |path| fs::write(path, "To be or not to be. ".repeat(1_000)).unwrap()),
        ("a directory", |path| fs::create_dir(path).unwrap()),
        ("somebody's database", |path| {
            Connection::open(path)
                .unwrap()
                .execute_batch("CREATE TABLE t (a); PRAGMA user_version = 1")
                .unwrap();
        }),
        ("an application's database", |path| {
            Connection::open(path)
                .unwrap()
                .execute_batch("PRAGMA application_id = 7; CREATE TABLE t (a)")
                .unwrap();
        }),
    ];
    for (name, make) in cases {
        let directory = tempfile::tempdir().unwrap();
        let path = file(&directory);
        make(&path);
        let before = fs::read(&path).ok();
        let error = opened_error(directory.path());
        assert!(matches!(&error, OpenError::Foreign { path: named } if *named == path), "{name}: {error:?}");
        assert!(error.to_string().contains("not a state file of Bartizan: move it away"), "{name}: {error}");
        assert_eq!(fs::read(&path).ok(), before, "{name}");
    }
}

#[test]
fn a_newer_layout_is_left_alone() {
    let (directory, store) = store();
    drop(store);
    let connection = Connection::open(file(&directory)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = opened_error(directory.path());
    assert!(matches!(error, OpenError::Newer { found: 99, known: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("written by a newer Bartizan (its layout is number 99"), "{error}");
}

#[test]
fn a_log_without_its_file_is_an_error() {
    let (directory, store) = store();
    ask(&store, 1);
    fs::remove_file(file(&directory)).unwrap();
    let error = opened_error(directory.path());
    assert!(matches!(error, OpenError::Missing { .. }), "{error:?}");
    assert!(error.to_string().contains("put the file back"), "{error}");
    drop(store);
}

#[test]
fn a_file_without_a_log_is_an_error() {
    let (directory, store) = store();
    drop(store);
    let connection = Connection::open(file(&directory)).unwrap();
    connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).unwrap();
    drop(connection);
    let error = opened_error(directory.path());
    assert!(matches!(&error, OpenError::NoLog { mode, .. } if mode == "delete"), "{error:?}");
}

#[test]
fn damage_is_found_at_the_start() {
    let pristine = filled();
    let length = fs::metadata(file(&pristine)).unwrap().len();
    let pages = length / 4_096;
    assert!(pages > 20, "{pages} pages");
    type Damage = Box<dyn Fn(&fs::File)>;
    let overwrite = |page: u64, byte: u8| -> Damage {
        Box::new(move |mut file: &fs::File| {
            file.seek(SeekFrom::Start(page * 4_096)).unwrap();
            file.write_all(&[byte; 4_096]).unwrap();
        })
    };
    let mut cases: Vec<(String, Damage)> = vec![
        ("cut in the middle".to_owned(), Box::new(move |file| file.set_len(length / 2).unwrap())),
        ("cut by a page".to_owned(), Box::new(move |file| file.set_len(length - 4_096).unwrap())),
        ("cut to the first page".to_owned(), Box::new(|file| file.set_len(4_096).unwrap())),
    ];
    for page in 1..pages {
        for byte in [0, 255] {
            cases.push((format!("page {page} is all {byte}"), overwrite(page, byte)));
        }
    }
    for (name, damage) in cases {
        let directory = tempfile::tempdir().unwrap();
        fs::copy(file(&pristine), file(&directory)).unwrap();
        damage(&fs::OpenOptions::new().write(true).open(file(&directory)).unwrap());
        let error = opened_error(directory.path());
        assert!(matches!(error, OpenError::Store(StoreError::Damaged { .. })), "{name}: {error:?}");
        assert!(error.to_string().contains("restore it from a backup"), "{name}: {error}");
    }
    SqliteStore::open(pristine.path()).unwrap();
}

#[test]
fn damage_while_it_is_open_closes_everything() {
    let directory = filled();
    let store = SqliteStore::open(directory.path()).unwrap();
    let length = fs::metadata(file(&directory)).unwrap().len() as usize;
    // What is cached is looked up again.
    execute(&store, "PRAGMA cache_size = 0; PRAGMA shrink_memory");
    let mut raw = fs::OpenOptions::new().write(true).open(file(&directory)).unwrap();
    raw.seek(SeekFrom::Start(4_096)).unwrap();
    raw.write_all(&vec![255; length - 4_096]).unwrap();

    let error =
        store.reserve(&[charge(ScopeKey::Principal("1".into()), 3, sliding(3_600))], NOW).unwrap_err();
    assert!(matches!(of_quotas(&error), StoreError::Damaged { .. }), "{error:?}");
    let error = store.demand(&request(1, String::new()), NOW).unwrap_err();
    assert!(matches!(of_approvals(&error), StoreError::Damaged { .. }), "{error:?}");
    let error = store.list(Filter::Pending, NOW).unwrap_err();
    assert!(matches!(of_approvals(&error), StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn steps_that_are_missing_are_taken_once() {
    let connection = Connection::open_in_memory().unwrap();
    let found = || migrations::found(&connection).unwrap();
    migrations::migrate(&connection, &["CREATE TABLE a (x)"]).unwrap();
    assert_eq!(found(), 1);
    let steps = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y", "CREATE TABLE b (x)"];
    for _ in 0..2 {
        migrations::migrate(&connection, &steps).unwrap();
        assert_eq!(found(), 3);
    }
    connection.execute_batch("SELECT a.y, b.x FROM a, b").unwrap();
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).unwrap();
    assert_eq!(application, migrations::APPLICATION);
}

#[test]
fn many_can_make_the_file_at_once() {
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (start, directory) = (&start, &directory);
                scope.spawn(move || {
                    start.wait();
                    ask(&SqliteStore::open(directory.path()).unwrap(), number);
                });
            }
        });
        let store = SqliteStore::open(directory.path()).unwrap();
        assert_eq!(store.list(Filter::All, NOW).unwrap().len(), 8);
    }
}
