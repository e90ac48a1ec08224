//! The tables: what words say about a tool. Data only; [`look`] finds a word in whatever form.
//!
//! A word that is a noun as often as a verb ([`Kind::Both`]) decides only where verbs stand: first or last
//! in a name, first in a sentence. Where classes are arguable, the tables take the one that a security
//! engineer would rather be asked about:
//! - What drives a browser or a device is Execute: a click can do anything that the page offers.
//! - Sending a message, archiving a message and overwriting by an ordinary `write` are Write.
//! - Raw queries (SQL, Cypher) are Execute unless they are said to only read.
//! - Taking access away, ending and resetting are Destructive, whether or not someone could do it over.
//! - Stopping, disabling and archiving what others use is Execute.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::Class::{self, Destructive, Execute, Financial, Read, Write};
use crate::words::{self, Form};

/// How a word is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A verb, wherever it stands.
    Verb,
    /// A verb or a noun.
    Both,
}

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verb {
    pub(crate) class: Class,
    pub(crate) kind: Kind,
}

type Row = (Class, Kind, &'static str);

/// Verbs by class. A word stands in one row only.
const VERBS: &[Row] = &[
    (
        Read,
        Kind::Verb,
        "get list read describe fetch find search show retrieve lookup browse inspect explain \
        examine enumerate discover inquire peek tail grep cat ls stat whoami whois echo ping validate verify \
        check lint analyze analyse diagnose detect compare diff calculate compute convert parse extract \
        translate summarize summarise transcribe classify recommend suggest estimate forecast predict preview \
        simulate is has can wait poll observe scrape crawl download export screenshot \
        return identify determine learn obtain decode encode hash explore introspect \
        investigate decompile disassemble ask answer tell locate visualize count view audit print dump display review look load \
        scan collect gather measure recall know troubleshoot profile provide \
        hget hgetall hmget hkeys hvals hexists hlen lrange llen lindex smembers scard sismember zrange zscore \
        zcard xrange xlen mget dbsize strlen getrange ttl pttl randomkey",
    ),
    (
        Read,
        Kind::Both,
        "query info status health history stats statistics details summary help \
        version schema tree log logs overview documentation docs metrics snapshot report monitor watch top \
        test match filter resolve plan map sum sample quote open trace track aggregate \
        demonstrate think research capture head outline access listing select support design sort weather",
    ),
    (
        Write,
        Kind::Verb,
        "create add insert append update upsert edit modify write save store upload import copy \
        duplicate clone move rename assign reassign unassign publish notify invite reply send merge commit push \
        pull fork register enable configure initialize initialise init accept decline confirm complete reopen \
        restore undelete unarchive unmute unpin unstar increment decrement incr decr replace annotate \
        patch put persist remember attach ensure make generate draft compose submit subscribe join leave \
        dismiss acknowledge silence change adjust mark set ingest memorize organize \
        rearrange reorder extend zip unzip compress decompress gzip render \
        prepend crop embed transition provision link moderate \
        hset hmset lpush rpush sadd zadd xadd mset setex setnx expire vote upvote pin star \
        react finalize finalise follow favorite favourite bookmark",
    ),
    (
        Write,
        Kind::Both,
        "new post tag label comment note share record request schedule like stage index \
        toggle switch checkout branch book resize rate scale transform mute respond fix form process \
        approve reject cache batch bulk mention plant pick place format file \
        draw paint sketch reserve enroll contribute log_work train queue",
    ),
    (
        Execute,
        Kind::Verb,
        "run execute exec eval evaluate invoke launch start stop restart reboot deploy redeploy \
        rollback apply install spawn ssh shell click press navigate goto hover drag tap swipe scroll compile \
        retry rerun pause resume abort cancel dispatch interact migrate failover sync synchronize suspend \
        disable deactivate detach shutdown poweroff halt exit quit archive quarantine grant elevate \
        impersonate authorize control actuate operate sudo su delegate orchestrate automate \
        perform activate boot hibernate undo revert rebase rotate cordon uncordon disconnect connect \
        unlock arm disarm inject fuzz exploit attack bypass replay mount unmount rescale rewind \
        manage administer vacuum reindex compact optimize defragment refactor flash solve proxy handle",
    ),
    (
        Execute,
        Kind::Both,
        "trigger call script command code type key mouse build lock turn input play \
        power fire promote debug close bash powershell terminal console cmd python javascript upgrade \
        fill block job workflow action emulate expose forward tunnel release dial back",
    ),
    (
        Financial,
        Kind::Verb,
        "pay refund withdraw buy sell purchase payout repay reimburse disburse remit unstake \
        donate invest liquidate lend exercise topup airdrop resell",
    ),
    (
        Financial,
        Kind::Both,
        "charge transfer mint stake swap bridge trade deposit wire tip bid bet borrow redeem \
        settle exchange",
    ),
    (
        Destructive,
        Kind::Verb,
        "delete remove drop purge destroy wipe truncate erase revoke uninstall terminate \
        kill del rm rmdir unlink flush flushdb flushall expunge evict prune nuke obliterate shred decommission \
        deprovision deregister unregister invalidate unsubscribe unpublish overwrite forget hdel srem zrem \
        ltrim spop lpop rpop zpopmin zpopmax getdel xdel xtrim lrem zremrangebyscore zremrangebyrank dequeue \
        teardown depublish disown demolish cleanup unprovision exterminate annihilate expel kick ban \
        deallocate delist eliminate discard undeploy zap unset dispose clobber reap",
    ),
    (
        Destructive,
        Kind::Both,
        "reset clear clean empty trash pop drain void burn deletion removal \
        termination revocation destruction retire scrub sweep",
    ),
];

/// Names that say that a tool can do several things, and not which.
const WIDE: &[&str] = &[
    "manage",
    "manager",
    "management",
    "admin",
    "administer",
    "administration",
    "operation",
    "operations",
    "handle",
    "maintain",
    "maintenance",
    "crud",
    "dml",
    "ddl",
    "mutate",
    "mutation",
    "work",
];

/// What looks like a form of a verb and is none.
const NO_VERBS: &[&str] = &[
    "execution",
    "executions",
    "news",
    "dropdown",
    "dropbox",
    "address",
    "settings",
    "setting",
    "building",
    "meeting",
    "string",
    "during",
    "keyword",
    "keywords",
    "clear_text",
    "listen",
    "string",
    "thing",
    "nothing",
    "everything",
    "being",
    "used",
    "need",
    "needs",
    "based",
    "this",
    "his",
    "its",
    "as",
    "us",
    "using",
    "keys",
    "ping_pong",
    "readme",
    "added",
    "including",
    "calling",
    "testing",
    "given",
    "related",
    "shared",
    "closed",
    "opened",
    "detailed",
    "marketing",
    "pricing",
    "training",
    "trending",
    "pending",
    "missing",
    "existing",
    "upcoming",
    "formatting",
    "reporting",
    "logging",
    "filtering",
    "sorting",
    "billing",
    "tracking",
];

/// Words of names about a browser or an app: what writes there may do anything that the page offers.
pub(crate) const BROWSERS: &[&str] =
    &["browser", "puppeteer", "playwright", "selenium", "appium", "webdriver"];
/// What in a browser acts, and elsewhere would not.
pub(crate) const ACTS_IN_BROWSERS: &[&str] =
    &["select", "open", "file", "upload", "new", "tab", "set", "focus"];

/// Nouns that make another noun of what stands before: a `delete marker` deletes nothing.
pub(crate) const HARMLESS_HEADS: &[&str] = &[
    "protection",
    "policy",
    "request",
    "status",
    "log",
    "event",
    "marker",
    "rule",
    "reason",
    "date",
    "time",
    "history",
    "permission",
    "lock",
];

/// After a destructive verb: shows what would be. Or the object; the description decides.
pub(crate) const SHOWS: &[&str] =
    &["preview", "plan", "simulation", "estimate", "status", "history", "check"];

/// Words between verbs that both count.
pub(crate) const CONNECTIVES: &[&str] = &["and", "or", "then", "n"];

/// Looks at what a verb after it would do.
pub(crate) const LOOKS_AHEAD: &[&str] = &[
    "preview", "validate", "verify", "check", "simulate", "estimate", "explain", "can", "is", "has",
    "analyze", "describe", "predict", "forecast",
];

/// Query languages that only read.
pub(crate) const READING_LANGUAGES: &[&str] =
    &["soql", "promql", "logql", "jql", "cql", "kql", "sosl", "traceql", "nrql", "spl", "gaql"];
/// Query languages that can do anything.
pub(crate) const RAW_LANGUAGES: &[&str] =
    &["sql", "cypher", "sparql", "gremlin", "plsql", "tsql", "psql", "mysql"];

/// Arguments that name what to do.
pub(crate) const ACTION_ARGUMENTS: &[&str] =
    &["action", "operation", "op", "method", "command", "verb", "subcommand", "operations", "actions", "cmd"];
/// Arguments that are code, whatever they are called around it.
pub(crate) const CODE_ARGUMENTS: &[&str] = &[
    "code",
    "script",
    "javascript",
    "sql",
    "cypher",
    "command",
    "cmd",
    "shell",
    "expression",
    "js_code",
    "python_code",
    "sql_query",
    "commands",
    "program",
    "statement",
    "statements",
];
/// Switches that make anything destructive.
pub(crate) const DESTRUCTIVE_SWITCHES: &[&str] =
    &["delete", "purge", "destroy", "wipe", "hard_delete", "permanent"];

/// Joined to a verb that reads, they make the tool one that writes: "Download and import".
pub(crate) const WRITES_BESIDES: &[&str] = &[
    "create", "update", "modify", "edit", "write", "insert", "import", "set", "add", "upload", "publish",
    "store",
];

static TABLE: LazyLock<HashMap<&'static str, Verb>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for &(class, kind, words) in VERBS {
        for word in words.split_whitespace() {
            // A word in two rows by mistake: the worse one holds.
            let verb = Verb { class, kind };
            table
                .entry(word)
                .and_modify(|known: &mut Verb| {
                    if known.class < class {
                        *known = verb;
                    }
                })
                .or_insert(verb);
        }
    }
    table
});

/// What a word says, and in which form it stands there.
pub(crate) fn look(word: &str) -> Option<(Verb, Form)> {
    if NO_VERBS.contains(&word) {
        return None;
    }
    words::bases(word).into_iter().find_map(|(base, form)| Some((*TABLE.get(base.as_str())?, form)))
}

/// Whether a word says that there is more than one thing to do.
pub(crate) fn is_wide(word: &str) -> bool {
    WIDE.contains(&word) || word.strip_suffix('s').is_some_and(|word| WIDE.contains(&word))
}

/// A destructive or executing verb inside a word without seams (`deletefile`, `runcommand`).
pub(crate) fn glued(word: &str) -> Option<(&'static str, Class)> {
    const INSIDE: &[(&str, Class)] = &[
        ("delete", Destructive),
        ("remove", Destructive),
        ("destroy", Destructive),
        ("truncate", Destructive),
        ("purge", Destructive),
        ("uninstall", Destructive),
        ("terminate", Destructive),
        ("revoke", Destructive),
        ("erase", Destructive),
        ("flush", Destructive),
        ("unsubscribe", Destructive),
        ("overwrite", Destructive),
        ("transfer", Financial),
        ("refund", Financial),
        ("withdraw", Financial),
        ("payout", Financial),
        ("execute", Execute),
        ("command", Execute),
    ];
    const BEFORE: &[(&str, Class)] = &[
        ("drop", Destructive),
        ("wipe", Destructive),
        ("kill", Destructive),
        ("reset", Destructive),
        ("clear", Destructive),
        ("exec", Execute),
        ("run", Execute),
        ("create", Write),
        ("update", Write),
        ("write", Write),
        ("insert", Write),
        ("upload", Write),
        ("get", Read),
        ("list", Read),
        ("search", Read),
        ("fetch", Read),
        ("describe", Read),
        ("read", Read),
    ];
    if NO_VERBS.contains(&word) || word.starts_with("undelete") {
        return None;
    }
    let inside = INSIDE.iter().find(|(verb, _)| word.contains(verb) && !word.contains(&format!("{verb}d")));
    let before = || BEFORE.iter().find(|(verb, _)| word.len() > verb.len() + 2 && word.starts_with(verb));
    inside.or_else(before).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_every_form() {
        for (word, class, form) in [
            ("delete", Destructive, Form::Base),
            ("purges", Destructive, Form::S),
            ("dropping", Destructive, Form::Ing),
            ("refunded", Financial, Form::Ed),
            ("flushes", Destructive, Form::S),
            ("gets", Read, Form::S),
        ] {
            let (verb, found) = look(word).unwrap();
            assert_eq!((verb.class, found), (class, form), "{word}");
        }
        for word in ["news", "address", "widget", "dropdown", ""] {
            assert_eq!(look(word), None, "{word}");
        }
    }
}
