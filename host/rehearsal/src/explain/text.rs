//! An explanation for people.

use std::fmt::{self, Display, Formatter};

use bartizan_audit::record::Mode;
use bartizan_gateway::offline::ReplyOutcome;

use super::{Explanation, Found, Part, Rule, Spoken};
use crate::text::{line, whole};
use crate::time;

/// Several lines, each with its line break.
impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.verdict.as_str())?;
        match &self.reason {
            Some(reason) => writeln!(f, ": {}", whole(reason))?,
            None => writeln!(f)?,
        }
        writeln!(f, "  call   {}", line(&self.message.to_string()))?;
        let who = self.circumstances.principal.as_deref().unwrap_or("nobody in particular");
        writeln!(
            f,
            "  from   {}, server {}, at {}",
            line(who),
            line(&self.circumstances.server),
            time::shown(self.circumstances.time)
        )?;
        if let Some(rule) = &self.rule {
            writeln!(f, "  rule   {}", shown(rule))?;
        }
        if let Some(seconds) = self.retry_after {
            writeln!(f, "  retry  after {seconds} s")?;
        }
        for entry in &self.entries {
            writeln!(f, "  entry  {} ({})", line(&entry.entry), entry.at)?;
        }
        for remark in &self.remarks {
            writeln!(f, "  note   {}", whole(remark))?;
        }
        spoken("rules that spoke", &self.rules, f)?;
        if !self.charges.is_empty() {
            writeln!(f, "\ncharges:")?;
            for charge in &self.charges {
                write!(
                    f,
                    "  {}: {} of {} per {}, {}",
                    line(&charge.counter),
                    charge.cost,
                    charge.max,
                    charge.window,
                    line(&charge.scope)
                )?;
                match &charge.rule {
                    Some(rule) => writeln!(f, ", by {}", shown(rule))?,
                    None => writeln!(f)?,
                }
            }
        }
        if let Some(arguments) = &self.arguments {
            writeln!(f, "\nit goes on with these arguments:\n  {}", whole(arguments))?;
        }
        if let Some(reply) = &self.reply {
            match &reply.outcome {
                ReplyOutcome::Unchanged => writeln!(f, "\nreply: allow")?,
                ReplyOutcome::Denied { rule, reason } => {
                    writeln!(f, "\nreply: deny: {}", whole(reason))?;
                    if let Some(rule) = rule {
                        writeln!(f, "  rule   {}", line(rule))?;
                    }
                }
                ReplyOutcome::Rewritten(result) => {
                    writeln!(f, "\nreply: rewrite\n  {}", whole(result))?;
                }
            }
            spoken("rules that spoke of the reply", &reply.rules, f)?;
        }
        Ok(())
    }
}

fn spoken(title: &str, rules: &[Spoken], f: &mut Formatter<'_>) -> fmt::Result {
    if rules.is_empty() {
        return writeln!(f, "\n{title}: none");
    }
    writeln!(f, "\n{title}, in order:")?;
    for (index, spoken) in rules.iter().enumerate() {
        write!(f, "  {}. {}: {}", index + 1, line(&spoken.plugin), spoken.verdict.as_str())?;
        if let Some(rule) = &spoken.rule {
            write!(f, ", {}", shown(rule))?;
        }
        if spoken.mode == Mode::Monitor {
            f.write_str(", monitor: not enforced")?;
        }
        writeln!(f)?;
        if let Some(reason) = &spoken.reason {
            writeln!(f, "     {}", whole(reason))?;
        }
        for part in &spoken.parts {
            writeln!(f, "     {part}")?;
        }
        for (key, value) in &spoken.notes {
            writeln!(f, "     note {}: {}", line(key), line(value))?;
        }
    }
    Ok(())
}

/// `/tools/x/action (policy.json:4:12)`
fn shown(rule: &Rule) -> String {
    match &rule.at {
        Some(place) => format!("{} ({place})", line(&rule.id)),
        None => line(&rule.id),
    }
}

/// `args.items[*].amount = 5, 7.50, (missing)`
impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found: Vec<String> = self.found.iter().map(ToString::to_string).collect();
        match found.as_slice() {
            [] => write!(f, "{}", line(&self.path)),
            found => write!(f, "{} = {}", line(&self.path), line(&found.join(", "))),
        }
    }
}

impl Display for Found {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(text) => text,
            Self::Missing => "(missing)",
            Self::Opaque => "(has no parts)",
        })
    }
}
