//! What a name says.

use crate::vocabulary::{self, CONNECTIVES, HARMLESS_HEADS, Kind, LOOKS_AHEAD, SHOWS, Verb};
use crate::words::Form;
use crate::{Class, words};

/// What a name says about its tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// In lower case.
    pub(crate) words: Vec<String>,
    /// The verb that decides, if there is one.
    pub(crate) verdict: Option<Verdict>,
    /// Whether it says that there is more than one thing to do (`manage_x`).
    pub(crate) wide: bool,
}

/// What a verb of a name decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) class: Class,
    /// As it stands in the name, in lower case.
    pub(crate) verb: String,
    /// Whether it is the first word.
    pub(crate) first: bool,
    pub(crate) certainty: Certainty,
}

/// How much a description may say against a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Certainty {
    /// The word may be a noun.
    Guess,
    /// A verb that says something else than the words after it: `get_delete_preview`, `delete_preview`.
    Disputed,
    /// A verb where verbs stand.
    Sure,
}

struct Found {
    at: usize,
    verb: Verb,
    form: Form,
}

impl Name {
    pub(crate) fn read(name: &str) -> Self {
        let words = words::of_name(name);
        let wide = words.iter().any(|word| vocabulary::is_wide(word));
        let verdict = verdict(&words).or_else(|| glued(&words));
        Self { words, verdict, wide }
    }
}

fn verdict(words: &[String]) -> Option<Verdict> {
    let all: Vec<Found> = words
        .iter()
        .enumerate()
        .filter_map(|(at, word)| vocabulary::look(word).map(|(verb, form)| Found { at, verb, form }))
        // Other than first, `deleted` and `processing` describe what follows.
        .filter(|found| found.form != Form::Ed && (found.form != Form::Ing || found.at == 0))
        .collect();
    let dry =
        words.windows(2).any(|pair| matches!(pair, [dry, run] if dry == "dry" && run.starts_with("run")));
    let said = |found: &Found, class, certainty| Verdict {
        class,
        verb: words.get(found.at).cloned().unwrap_or_default(),
        first: found.at == 0,
        certainty,
    };
    let last = words.len().saturating_sub(1);
    // A plural is a thing as a rule: `runs_list`, `orders_get`.
    let is_plural = |found: &Found| found.form == Form::S && found.verb.kind == Kind::Both;
    let sure = all.iter().find(|found| {
        found.verb.kind == Kind::Verb
            && (found.form != Form::S || grave(found) || (found.at == 0 && all.len() == 1))
    });
    // `refund_order`, `charge_card`, `reset_branch`: first, a word of consequence is a verb.
    let head = match (sure, all.first()) {
        (_, Some(first))
            if first.verb.kind == Kind::Both
                && grave(first)
                && !is_plural(first)
                && (first.at == 0 || sure.is_none_or(|sure| first.at < sure.at)) =>
        {
            first
        }
        (Some(sure), _) => sure,
        (None, _) => {
            let open = || all.iter().filter(|found| !is_plural(found) || found.verb.class == Class::Read);
            let first = open().min_by_key(|found| match found.at {
                0 => 0,
                at if at == last => 1,
                at => at + 1,
            })?;
            // `schedule_key_deletion`, `cache_clear`; but not `history_reset_times`.
            let graver = open().find(|found| {
                grave(found)
                    && found.form == Form::Base
                    && (first.verb.class > Class::Read || found.at == last)
                    && !words.get(found.at + 1).is_some_and(|next| HARMLESS_HEADS.contains(&next.as_str()))
            });
            let weak = graver.filter(|_| !grave(first)).unwrap_or(first);
            return Some(said(weak, weak.verb.class, Certainty::Guess));
        }
    };
    if dry {
        return Some(said(head, head.verb.class, Certainty::Disputed));
    }
    if head.verb.class == Class::Read {
        return Some(reading(words, &all, head, &said));
    }
    // The worst verb counts; of nouns among the objects (`create_run`) only what is linked.
    let mut worst = head;
    for found in all.iter().filter(|found| found.at > head.at) {
        let linked = is_linked(words, found.at);
        let grave = found.verb.class == Class::Destructive
            && (found.verb.kind == Kind::Verb || found.form == Form::Base)
            && !words.get(found.at + 1).is_some_and(|next| HARMLESS_HEADS.contains(&next.as_str()));
        if (linked || grave) && found.verb.class > worst.verb.class {
            worst = found;
        }
    }
    let shows = worst.verb.class == Class::Destructive
        && worst.at < last
        && words.last().is_some_and(|word| SHOWS.contains(&word.as_str()));
    Some(said(worst, worst.verb.class, if shows { Certainty::Disputed } else { Certainty::Sure }))
}

/// A name whose verb reads: `list_transactions`, but also `read_and_clear_queue`.
fn reading(
    words: &[String],
    all: &[Found],
    head: &Found,
    said: &impl Fn(&Found, Class, Certainty) -> Verdict,
) -> Verdict {
    let after = || all.iter().filter(|found| found.at > head.at && found.verb.class > Class::Read);
    if let Some(worst) =
        after().filter(|found| is_linked(words, found.at)).max_by_key(|found| found.verb.class)
    {
        return said(worst, worst.verb.class, Certainty::Sure);
    }
    let looks_ahead = words.get(head.at).is_some_and(|word| LOOKS_AHEAD.contains(&word.as_str()));
    let adjacent = after().find(|found| {
        found.at == head.at + 1
            && found.form == Form::Base
            && found.verb.kind == Kind::Verb
            && found.verb.class != Class::Financial
            && !looks_ahead
    });
    if let Some(found) = adjacent {
        return said(found, found.verb.class, Certainty::Disputed);
    }
    // `namespace_list_delete`: a destructive verb at the very end.
    let ending = after().find(|found| {
        found.at + 1 == words.len()
            && found.form == Form::Base
            && found.verb.kind == Kind::Verb
            && found.verb.class == Class::Destructive
            && !looks_ahead
    });
    match ending {
        Some(found) => said(found, found.verb.class, Certainty::Disputed),
        None => said(head, Class::Read, Certainty::Sure),
    }
}

fn grave(found: &Found) -> bool {
    found.verb.class >= Class::Financial
}

fn is_linked(words: &[String], at: usize) -> bool {
    at.checked_sub(1).and_then(|at| words.get(at)).is_some_and(|word| CONNECTIVES.contains(&word.as_str()))
}

fn glued(words: &[String]) -> Option<Verdict> {
    let (at, (verb, class)) = words
        .iter()
        .enumerate()
        .filter_map(|(at, word)| vocabulary::glued(word).map(|found| (at, found)))
        .max_by_key(|(_, (_, class))| *class)?;
    // A name without seams is a guess unless it warns.
    let certainty = if class >= Class::Execute { Certainty::Sure } else { Certainty::Guess };
    Some(Verdict { class, verb: verb.to_owned(), first: at == 0, certainty })
}
