//! The class of a tool, from everything that its definition says.
//!
//! The name comes first: it is what an agent calls, and the shortest claim to make. A name whose verb reads
//! is believed unless the description or the arguments say something worse. A name whose verb does more is
//! never talked down. Only where the name says nothing does the description decide, and where neither says
//! anything the tool is [`Class::Execute`].

use crate::Class::{Destructive, Execute, Financial, Read, Write};
use crate::description::{Description, Lead, Place};
use crate::name::{Certainty, Name, Verdict};
use crate::phrases::READS_ONLY;
use crate::schema::Arguments;
use crate::vocabulary::{ACTS_IN_BROWSERS, BROWSERS, Kind, RAW_LANGUAGES, READING_LANGUAGES, WRITES_BESIDES};
use crate::{Assessment, Class, ToolDefinition, money};

/// Says what a tool can do, and what decided.
pub fn classify(tool: &ToolDefinition) -> Assessment {
    let mut name = Name::read(&tool.name);
    if name.verdict.is_none()
        && let Some(title) = &tool.title
    {
        name.verdict = Name::read(title).verdict;
    }
    let evidence = Evidence {
        tool,
        name,
        description: Description::read(tool.description.as_deref().unwrap_or_default()),
        arguments: Arguments::read(&tool.input_schema),
    };
    let assessment = evidence.decide();
    let foreign = tool.name.chars().any(|c| c.is_alphabetic() && !c.is_ascii());
    if foreign && assessment.class < Execute {
        // A letter of another script can make one word look like another.
        return Assessment::new(Execute, "its name has letters that look like others");
    }
    assessment
}

struct Evidence<'t> {
    tool: &'t ToolDefinition,
    name: Name,
    description: Description,
    arguments: Arguments,
}

impl Evidence<'_> {
    fn decide(&self) -> Assessment {
        let base = self.base();
        let worst = self.raised(&base).into_iter().chain([base]).rev().max_by_key(|found| found.class);
        worst.unwrap_or_else(|| Assessment::new(Execute, "nothing says what it does"))
    }

    /// What name and description say together.
    fn base(&self) -> Assessment {
        if self.name.wide && self.name.verdict.as_ref().is_none_or(|verdict| verdict.class < Destructive) {
            return self.wide();
        }
        match &self.name.verdict {
            None => self.nameless(),
            Some(verdict) => self.named(verdict),
        }
    }

    /// A name that stands for several things: `manage_x`.
    fn wide(&self) -> Assessment {
        if let Some((argument, value, class)) = &self.arguments.action {
            let class = if self.arguments.open.is_some() { (*class).max(Execute) } else { *class };
            return Assessment::new(class, format!("its argument `{argument}` can be `{value}`"));
        }
        match &self.description.worst {
            Some((verb, class)) if *class > Execute => Assessment::new(
                *class,
                format!("its name stands for several things, its description says `{verb}`"),
            ),
            _ => Assessment::new(Execute, "its name stands for several things"),
        }
    }

    /// A name without a verb.
    fn nameless(&self) -> Assessment {
        if let Some((argument, value, class)) = &self.arguments.action {
            let class = if self.arguments.open.is_some() { (*class).max(Execute) } else { *class };
            return Assessment::new(class, format!("its argument `{argument}` can be `{value}`"));
        }
        match &self.description.lead {
            Some(lead) => {
                let class = self.of_lead(lead);
                if let Some(financial) = self.about_money(class) {
                    return financial;
                }
                let claims = self.tool.annotations;
                if class == Read && claims.destructive == Some(true) {
                    return Assessment::new(Destructive, "annotation destructiveHint");
                }
                if class == Read && claims.read_only == Some(false) {
                    return Assessment::new(Write, "annotation readOnlyHint is false");
                }
                Assessment::new(class, self.quote(lead))
            }
            None if self.tool.annotations.destructive == Some(true) => {
                Assessment::new(Destructive, "annotation destructiveHint, and nothing says what it does")
            }
            None if self.about_money(Execute).is_some() => {
                Assessment::new(Financial, "its name is about money and no verb in it reads")
            }
            None => Assessment::new(Execute, "neither its name nor its description says what it does"),
        }
    }

    fn named(&self, verdict: &Verdict) -> Assessment {
        let said = |class| Assessment::new(class, quote_name(verdict));
        let in_browser = self.name.words.iter().any(|word| BROWSERS.contains(&word.as_str()));
        if in_browser && (verdict.class == Write || ACTS_IN_BROWSERS.contains(&verdict.verb.as_str())) {
            return said(Execute);
        }
        let says = |words: &[&str]| self.name.words.iter().any(|word| words.contains(&word.as_str()));
        if says(&["request", "requests"]) && says(&["api", "http", "https", "rest"]) && verdict.class == Write
        {
            // Any method, any path.
            return Assessment::new(Execute, "its name says that it makes requests of any kind");
        }
        match (verdict.class, verdict.certainty) {
            (Read, certainty) => self.reading(verdict, certainty),
            (class, Certainty::Sure) => self.sure(verdict, class),
            (class, Certainty::Disputed) => match &self.description.lead {
                Some(lead) if self.of_lead(lead) == Read => {
                    Assessment::new(Read, format!("its description begins with `{}`", lead.verb))
                }
                _ => said(class),
            },
            // The word may be a noun: the description says what is done with it.
            (class, Certainty::Guess) => match &self.description.lead {
                Some(lead) if lead.place != Place::Says && class < Financial => {
                    let found = self.of_lead(lead);
                    let found = if lead.kind == Kind::Both { found.max(class) } else { found };
                    self.about_money(found).unwrap_or_else(|| Assessment::new(found, self.quote(lead)))
                }
                Some(lead) if lead.place == Place::Begins && self.of_lead(lead) == Read && !verdict.first => {
                    Assessment::new(Read, self.quote(lead))
                }
                _ => self.sure(verdict, class),
            },
        }
    }

    /// A name whose verb writes or does more.
    fn sure(&self, verdict: &Verdict, class: Class) -> Assessment {
        if class == Financial && money::is_of_things(&self.name.words, &self.first()) {
            let lead = self.description.lead.as_ref().filter(|lead| lead.place == Place::Begins);
            return match lead.map(|lead| self.of_lead(lead)) {
                Some(Read) => Assessment::new(Read, lead.map_or_else(String::new, |lead| self.quote(lead))),
                _ => Assessment::new(Execute, quote_name(verdict)),
            };
        }
        self.about_money(class).unwrap_or_else(|| {
            if verdict.verb == "generate" && self.generates_text() {
                return Assessment::new(Read, quote_name(verdict));
            }
            if verdict.verb == "cancel" || verdict.verb == "close" || verdict.verb == "archive" {
                return self.ending(verdict, class);
            }
            Assessment::new(class, quote_name(verdict))
        })
    }

    /// Cancelling, closing and archiving are as grave as what they end.
    fn ending(&self, verdict: &Verdict, class: Class) -> Assessment {
        const GRAVE: &[&str] = &[
            "account",
            "membership",
            "reservation",
            "booking",
            "appointment",
            "event",
            "meeting",
            "plan",
            "policy",
            "contract",
            "flight",
            "ticket_order",
            "order",
            "subscription",
            "domain",
        ];
        const LIGHT: &[&str] = &[
            "issue",
            "issues",
            "ticket",
            "task",
            "tasks",
            "email",
            "emails",
            "mail",
            "message",
            "messages",
            "thread",
            "conversation",
            "card",
            "note",
            "pull",
            "merge",
            "milestone",
            "incident",
            "todo",
            "item",
            "page",
            "alert",
            "discussion",
            "bug",
            "case",
        ];
        let has = |table: &[&str]| self.name.words.iter().find(|word| table.contains(&word.as_str()));
        match (has(GRAVE), has(LIGHT)) {
            (Some(word), None) if verdict.verb != "archive" => {
                Assessment::new(Destructive, format!("{} and names `{word}`", quote_name(verdict)))
            }
            (None, Some(word)) if verdict.verb != "cancel" => {
                Assessment::new(Write, format!("{} and names `{word}`", quote_name(verdict)))
            }
            _ => Assessment::new(class, quote_name(verdict)),
        }
    }

    /// What is generated only to be shown.
    fn generates_text(&self) -> bool {
        const SHOWN: &[&str] = &[
            "types",
            "summary",
            "diff",
            "url",
            "urls",
            "deeplink",
            "deeplinks",
            "link",
            "links",
            "report",
            "query",
            "description",
            "qr",
            "snippet",
            "schema",
            "preview",
            "embedding",
            "embeddings",
            "docs",
            "uuid",
            "hash",
        ];
        self.name.words.iter().any(|word| SHOWN.contains(&word.as_str()))
    }

    fn reading(&self, verdict: &Verdict, certainty: Certainty) -> Assessment {
        if certainty < Certainty::Sure {
            if money::SETTLING.contains(&verdict.verb.as_str())
                && let Some(financial) = self.about_money(Write)
            {
                return financial;
            }
            let Some(lead) = &self.description.lead else {
                // A noun such as `history` alone, or `query`, which may be a raw one.
                return match self.raw_query() {
                    Some(raw) => raw,
                    None => Assessment::new(Read, quote_name(verdict)),
                };
            };
            let class = self.of_lead(lead);
            if class > Read && lead.place == Place::Begins {
                // "Run a read-only query", "Execute a LogQL query": running is how one reads there.
                if class == Execute && verdict.verb != "script" && self.is_query(verdict) {
                    return self.raw_query().unwrap_or_else(|| Assessment::new(Read, quote_name(verdict)));
                }
                return self.about_money(class).unwrap_or_else(|| Assessment::new(class, self.quote(lead)));
            }
        }
        if self.is_query(verdict)
            && let Some(raw) = self.raw_query()
        {
            return raw;
        }
        Assessment::new(Read, quote_name(verdict))
    }

    fn is_query(&self, verdict: &Verdict) -> bool {
        verdict.verb.starts_with("quer")
            || (verdict.certainty < Certainty::Sure
                && self.name.words.iter().any(|word| word.starts_with("quer")))
            || verdict.verb == "aggregate"
    }

    /// A raw query that is not said to only read.
    fn raw_query(&self) -> Option<Assessment> {
        let mentions = |table: &[&str]| {
            self.description.mentions(table)
                || self.name.words.iter().any(|word| table.contains(&word.as_str()))
        };
        let raw = mentions(RAW_LANGUAGES) || self.arguments.code.is_some();
        if !raw || mentions(READING_LANGUAGES) || self.only_reads() {
            return None;
        }
        Some(match &self.arguments.code {
            Some(argument) => Assessment::new(Execute, format!("its argument `{argument}` is a raw query")),
            None => Assessment::new(Execute, "it takes raw queries"),
        })
    }

    fn only_reads(&self) -> bool {
        READS_ONLY.iter().any(|phrase| self.description.text.contains(phrase))
            && !["insert", "update ", "delete "].iter().any(|word| {
                self.description.text.contains(&format!("{word}query"))
                    || self.description.text.contains("write operations")
            })
    }

    /// An ordinary verb with money as its object.
    fn about_money(&self, class: Class) -> Option<Assessment> {
        if class == Read || class >= Financial {
            return None;
        }
        let word = money::object(&self.name.words, &self.first())?;
        Some(Assessment::new(Financial, format!("its name changes something and says `{word}`")))
    }

    /// What raises the class that name and description give.
    fn raised(&self, base: &Assessment) -> Vec<Assessment> {
        let mut raised = Vec::new();
        let reads = base.class == Read;
        let name_reads =
            self.name.verdict.as_ref().is_some_and(|v| v.class == Read && v.certainty == Certainty::Sure);
        if let Some((argument, value, class)) = &self.arguments.action {
            raised.push(Assessment::new(*class, format!("its argument `{argument}` can be `{value}`")));
        }
        if let Some(argument) = &self.arguments.switch
            && !reads
        {
            raised.push(Assessment::new(Destructive, format!("it has a switch `{argument}`")));
        }
        if let Some(lead) = &self.description.lead {
            let class = self.of_lead(lead);
            let runs = ["execut", "run", "evaluat", "invok", "launch"];
            let runs = runs.iter().any(|verb| lead.verb.to_lowercase().starts_with(verb));
            let believed = match class {
                Financial if money::is_of_things(&self.name.words, &self.first()) => false,
                Financial | Destructive => {
                    lead.place == Place::Begins || lead.place == Place::Joined || !name_reads
                }
                Execute => !reads && runs && lead.place == Place::Begins,
                Write => {
                    lead.place == Place::Joined
                        && WRITES_BESIDES.iter().any(|verb| lead.verb.to_lowercase().starts_with(verb))
                }
                Read => false,
            };
            if believed {
                raised.push(Assessment::new(class, self.quote(lead)));
            }
        }
        if let Some((verb, class)) = &self.description.also {
            raised.push(Assessment::new(*class, format!("its description says `and {verb}`")));
        }
        if let Some((phrase, class)) = self.description.phrase
            && (!reads || (phrase.starts_with("permanently ") && self.says_permanently()))
        {
            raised.push(Assessment::new(class, format!("its description says `{phrase}`")));
        }
        if let Some(argument) = &self.arguments.code
            && base.class < Execute
            && !name_reads
            && !self.only_reads()
            && !self.description.mentions(READING_LANGUAGES)
        {
            raised.push(Assessment::new(Execute, format!("its argument `{argument}` is run")));
        }
        let unclear = self.name.verdict.as_ref().is_none_or(|verdict| verdict.certainty < Certainty::Sure);
        if self.tool.annotations.destructive == Some(true) && unclear && !reads {
            raised.push(Assessment::new(Destructive, "annotation destructiveHint"));
        }
        raised
    }

    /// "Permanently deletes", as something that the tool does: not "lists permanently deleted files".
    fn says_permanently(&self) -> bool {
        ["deletes", "removes", "erases", "destroys"]
            .iter()
            .any(|verb| self.description.text.contains(&format!("permanently {verb}")))
    }

    /// A description that begins with running a query that only reads, reads.
    fn of_lead(&self, lead: &Lead) -> Class {
        let runs = lead.class == Execute
            && ["execute", "run", "call"].iter().any(|verb| lead.verb.to_lowercase().starts_with(verb));
        let reads = self.only_reads() || self.description.mentions(READING_LANGUAGES);
        if runs && reads { Read } else { lead.class }
    }

    /// The words of the first sentence.
    fn first(&self) -> Vec<&str> {
        self.description.first.iter().map(String::as_str).collect()
    }

    fn quote(&self, lead: &Lead) -> String {
        match lead.place {
            Place::Begins => format!("its description begins with `{}`", lead.verb),
            Place::Joined | Place::Says => format!("its description says `{}`", lead.verb),
        }
    }
}

fn quote_name(verdict: &Verdict) -> String {
    if verdict.first {
        format!("its name begins with `{}`", verdict.verb)
    } else {
        format!("its name says `{}`", verdict.verb)
    }
}
