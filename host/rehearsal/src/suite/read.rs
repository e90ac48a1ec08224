//! Reading a suite: everything that is wrong with it at once.

mod case;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bartizan_policy::Policy;
use bartizan_policy::decode::{self, Object};
use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_policy::source::{Member, Node, Source, Value};

use super::alone::Alone;
use super::{Case, Policies, RELATIVE, Suite};
use crate::call::{Changes, Circumstances};
use crate::definitions::{Definitions, Kind};

/// What holds where a suite says nothing.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// The plugins folder.
    pub plugins_dir: Option<PathBuf>,
    /// The plugin to test, also in place of the one that a suite names.
    pub plugin: Option<PathBuf>,
}

/// A file that is no suite.
#[derive(Debug)]
pub struct Unread {
    /// The file, as it was named.
    pub file: String,
    /// What is wrong, also with the files that it names.
    pub problems: Diagnostics,
    /// Every file that was looked at, itself included.
    pub files: BTreeSet<PathBuf>,
}

/// Reads the suite in a file.
///
/// # Errors
///
/// Everything that is wrong with it and with the policies and definitions that it names.
pub fn read(path: &Path, defaults: &Defaults, policies: &mut Policies) -> Result<Suite, Unread> {
    let file = path.display().to_string();
    let mut files = BTreeSet::from([path.to_owned()]);
    let source = match Source::read(path) {
        Ok(source) => source,
        Err(problems) => return Err(Unread { file, problems, files }),
    };
    let mut report = Report::new(&source);
    let mut elsewhere = Diagnostics::default();
    let cases = source.parse(&mut report).map(|root| {
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut reader = Reader {
            source: &source,
            directory,
            policies,
            files: &mut files,
            report: &mut report,
            elsewhere: &mut elsewhere,
        };
        reader.suite(&root, defaults)
    });
    let mut problems = report.finish();
    problems.extend(elsewhere);
    match cases {
        Some(cases) if !problems.has_errors() => Ok(Suite { file, cases, files }),
        _ => Err(Unread { file, problems, files }),
    }
}

/// A suite being read.
struct Reader<'r> {
    source: &'r Source,
    directory: &'r Path,
    policies: &'r mut Policies,
    files: &'r mut BTreeSet<PathBuf>,
    report: &'r mut Report,
    /// What is wrong with other files.
    elsewhere: &'r mut Diagnostics,
}

/// What a suite says for all of its cases.
struct Common<'n> {
    policy: Given,
    /// The plugin that is tested alone, if the suite names one in place of a policy.
    alone: Option<Alone>,
    settings: Option<&'n Member>,
    grants: Option<&'n Member>,
    plugins_dir: Option<PathBuf>,
    definitions: Definitions,
    circumstances: Circumstances,
}

/// A policy that may be missing.
#[derive(Clone)]
enum Given {
    /// It is there.
    Policy(Arc<Policy>),
    /// It was named, and what is wrong with it was reported.
    Faulty,
    /// It was not named.
    Nothing,
}

impl Reader<'_> {
    fn suite(&mut self, root: &Node, defaults: &Defaults) -> Vec<Case> {
        let Some(mut object) = Object::read(root, root.span, "a test suite", self.report) else {
            return Vec::new();
        };
        if let Some(member) = object.require("version", "\"1\"", self.report) {
            decode::word(&member.node, "`version`", &[("1", ())], &[], self.report);
        }
        object.take("description");
        object.take("$schema");
        let policy = self.policy(&mut object);
        let alone = self.alone(&mut object, root, &policy, defaults.plugin.as_deref());
        let settings = object.take("settings");
        let grants = object.take("grants");
        let policy = match (&policy, &alone) {
            (Given::Nothing, Some(alone)) => self.policy_of(alone, settings, grants),
            _ => {
                self.misplaced([settings, grants], "goes with `plugin`, and there is none");
                policy
            }
        };
        let plugins_dir = self.plugins_dir(&mut object, defaults.plugins_dir.as_deref());
        let mut definitions = Definitions::default();
        for kind in Kind::ALL {
            if let Some(member) = object.take(kind.as_str()) {
                self.definitions(member, kind, &mut definitions);
            }
        }
        let mut circumstances = Circumstances::default();
        Changes::read(&mut object, self.report).apply(&mut circumstances);
        let cases = object.require("cases", "[]", self.report);
        object.finish(&[], self.report);
        let common = Common { policy, alone, settings, grants, plugins_dir, definitions, circumstances };
        cases.map(|member| self.cases(member, &common)).unwrap_or_default()
    }

    fn cases(&mut self, member: &Member, common: &Common<'_>) -> Vec<Case> {
        let Some(items) = decode::list(&member.node, "`cases`", self.report) else { return Vec::new() };
        if items.is_empty() {
            let problem = Problem::error("no-cases", member.key_span, "there are no cases");
            self.report.push(problem.help("write at least one, or remove the file"));
        }
        let mut names: HashMap<&str, usize> = HashMap::new();
        for item in items {
            let Some(node) = item.get("name") else { continue };
            let Some(name) = node.as_str() else { continue };
            let line = self.source.position(node.span.start).line;
            if let Some(first) = names.insert(name, line) {
                let message = format!("there is another case of this name on line {first}");
                let problem = Problem::error("duplicate-name", node.span, message);
                self.report.push(problem.help("give each case a name of its own"));
            }
        }
        items.iter().filter_map(|item| self.case(item, common)).collect()
    }

    fn policy(&mut self, object: &mut Object<'_>) -> Given {
        let Some(member) = object.take("policy") else { return Given::Nothing };
        let node = &member.node;
        let policy = match &node.value {
            Value::String(path) => {
                let path = self.directory.join(path);
                self.files.insert(path.clone());
                self.policies.file(&path, node.span, self.report, self.elsewhere)
            }
            Value::Object(_) => self.policies.inline(self.source, node, member.key_span, self.elsewhere),
            _ => {
                let problem = decode::wrong_value(node, "`policy`", "a path or a policy");
                self.report.push(problem);
                None
            }
        };
        if let Some(pin) = policy.as_ref().and_then(|policy| policy.document.pin.as_ref()) {
            let named = policy.as_ref().map(|policy| policy.document.source().name().to_owned());
            let directory =
                named.as_deref().and_then(|name| Path::new(name).parent()).unwrap_or(Path::new(""));
            self.files.insert(directory.join(&pin.path.value));
        }
        policy.map_or(Given::Faulty, Given::Policy)
    }

    /// The plugin that a suite names in place of a policy, or that is to be tested anyway.
    fn alone(
        &mut self,
        object: &mut Object<'_>,
        root: &Node,
        policy: &Given,
        instead: Option<&Path>,
    ) -> Option<Alone> {
        let member = object.take("plugin");
        if let (Some(member), Given::Policy(_) | Given::Faulty) = (member, policy) {
            let problem =
                Problem::error("misplaced-key", member.key_span, "a suite has a `policy` or a `plugin`");
            self.report.push(problem.help("remove one of them"));
            return None;
        }
        if !matches!(policy, Given::Nothing) {
            return None;
        }
        let place = member.map_or(root.span.head(), |member| member.node.span);
        let named = match member {
            Some(member) => Some(self.directory.join(decode::string(&member.node, "`plugin`", self.report)?)),
            None => None,
        };
        let path = instead.map(Path::to_owned).or(named)?;
        self.files.insert(path.clone());
        if !path.is_file() {
            let problem =
                Problem::error("plugin-file", place, format!("there is no plugin file {}", path.display()));
            self.report.push(problem.help(
                "build the plugin first; the path is taken from this file's own directory, and --plugin names \
                 another file",
            ));
        }
        Some(Alone::new(path, place))
    }

    /// The policy that has nothing but this plugin.
    fn policy_of(&mut self, alone: &Alone, settings: Option<&Member>, grants: Option<&Member>) -> Given {
        let node = alone.policy(settings, grants);
        let policy = self.policies.inline(self.source, &node, node.span, self.elsewhere);
        policy.map_or(Given::Faulty, Given::Policy)
    }

    fn misplaced<'m>(&mut self, members: impl IntoIterator<Item = Option<&'m Member>>, why: &str) {
        for member in members.into_iter().flatten() {
            let message = format!("`{}` {why}", member.key);
            let problem = Problem::error("misplaced-key", member.key_span, message);
            self.report.push(problem.help("a policy says this in its `plugins`"));
        }
    }

    fn plugins_dir(&mut self, object: &mut Object<'_>, otherwise: Option<&Path>) -> Option<PathBuf> {
        let Some(member) = object.take("plugins_dir") else { return otherwise.map(Path::to_owned) };
        let named = decode::string(&member.node, "`plugins_dir`", self.report)?;
        let directory = self.directory.join(named);
        self.files.insert(directory.clone());
        if !directory.is_dir() {
            let message = format!("{} is no directory", directory.display());
            let problem = Problem::error("plugins-folder", member.node.span, message);
            self.report.push(problem.help(RELATIVE));
        }
        Some(directory)
    }

    fn definitions(&mut self, member: &Member, kind: Kind, definitions: &mut Definitions) {
        if let Some(path) = member.node.as_str() {
            self.files.insert(self.directory.join(path));
        }
        match Definitions::read(&member.node, kind, self.directory, self.report) {
            Ok(entries) => definitions.set(kind, entries),
            Err(problems) => self.elsewhere.extend(problems.unwrap_or_default()),
        }
    }
}
