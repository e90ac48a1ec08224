//! What a description says.

use crate::Class;
use crate::phrases::{LEAD_INS, NEGATIONS, PHRASES};
use crate::vocabulary::{self, Kind};
use crate::words::{self, Form, Token};

/// Longer descriptions are read up to here, in bytes.
const LONGEST: usize = 4_000;

/// What a description says about its tool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Description {
    /// What it begins with.
    pub(crate) lead: Option<Lead>,
    /// The worst of its phrases, as the table has it.
    pub(crate) phrase: Option<(&'static str, Class)>,
    /// The worst verb that it says the tool does besides: "and deletes".
    pub(crate) also: Option<(String, Class)>,
    /// The worst verb anywhere, for tools that can do several things.
    pub(crate) worst: Option<(String, Class)>,
    /// The words of the first sentence, in lower case.
    pub(crate) first: Vec<String>,
    /// All of it, in lower case, with single blanks.
    pub(crate) text: String,
}

/// The verb with which a description begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lead {
    /// The worst of it and the verbs that are joined to it: "Create or update".
    pub(crate) class: Class,
    /// As it is written.
    pub(crate) verb: String,
    /// Whether that is the verb it begins with, or one further on.
    pub(crate) place: Place,
    /// Whether that may be a noun.
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is the verb it begins with.
    Begins,
    /// It is joined to that: "and delete".
    Joined,
    /// It comes after words that are no verbs.
    Says,
}

impl Description {
    pub(crate) fn read(text: &str) -> Self {
        let text = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default();
        let sentences = words::sentences(text);
        let lower = text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            lead: sentences.iter().take(3).find_map(|sentence| lead(sentence)),
            phrase: phrase(&lower),
            also: sentences.iter().filter_map(|sentence| also(sentence)).max_by_key(|(_, class)| *class),
            worst: sentences.iter().take(4).flatten().filter_map(base_verb).max_by_key(|(_, class)| *class),
            first: sentences
                .first()
                .map(|sentence| sentence.iter().map(|token| token.word.clone()).collect())
                .unwrap_or_default(),
            text: lower,
        }
    }

    /// Whether it contains one of these, as whole words.
    pub(crate) fn mentions(&self, table: &[&str]) -> bool {
        self.text.split(|c: char| !c.is_alphanumeric()).any(|word| table.contains(&word))
    }
}

fn lead(sentence: &[Token]) -> Option<Lead> {
    let mut place = Place::Begins;
    for (at, token) in sentence.iter().enumerate().take(10) {
        let word = token.word.as_str();
        let known = vocabulary::look(word);
        if LEAD_INS.contains(&word) || (word.ends_with("ly") && known.is_none()) {
            continue;
        }
        let Some((verb, form)) = known.filter(|(_, form)| *form != Form::Ed) else {
            place = Place::Says;
            continue;
        };
        // Further on, only what can be nothing but a verb in the third person or after "to".
        if place == Place::Says && (verb.kind == Kind::Both || form == Form::Ing) {
            continue;
        }
        let mut lead = Lead { class: verb.class, verb: token.text.clone(), place, kind: verb.kind };
        for (_, joined) in joined(sentence, at, form) {
            if let Some((other, _)) = vocabulary::look(&joined.word)
                && other.class > lead.class
                // To overwrite is what ordinary writing does as well.
                && !(lead.class == Class::Write && joined.word.starts_with("overwrit"))
            {
                lead = Lead {
                    class: other.class,
                    verb: joined.text.clone(),
                    place: Place::Joined,
                    kind: other.kind,
                };
            }
        }
        return Some(lead);
    }
    None
}

/// The verbs that are joined to the one at `at`: after "and", "or", "then" or a comma, in the same form.
fn joined(sentence: &[Token], at: usize, form: Form) -> impl Iterator<Item = (usize, &Token)> {
    // "Execute an INSERT or DELETE query": keywords of a language, unless all of it is in capitals.
    let capitals = |token: &Token| token.text.len() > 1 && !token.text.contains(char::is_lowercase);
    let shouts = sentence.get(at).is_some_and(capitals);
    sentence.iter().enumerate().skip(at + 1).take(14).filter(move |(here, token)| {
        let linked = sentence
            .get(here - 1)
            .is_some_and(|before| ["and", "or", "then", "also"].contains(&before.word.as_str()));
        let listed = token.before.contains([',', '/', '|', '&']);
        (linked || listed)
            && (shouts || !capitals(token))
            && vocabulary::look(&token.word)
                .is_some_and(|(verb, found)| found == form && verb.kind == Kind::Verb)
            // A noun follows: "orders, refunds and charges".
            && !sentence.get(here + 1).is_some_and(|next| ["is", "are", "was", "were"].contains(&next.word.as_str()))
    })
}

/// "and deletes it": what else a tool does, in the third person.
fn also(sentence: &[Token]) -> Option<(String, Class)> {
    sentence
        .windows(3)
        .enumerate()
        .filter_map(|(at, window)| {
            let [before, middle, last] = window else { return None };
            let links = |token: &Token| ["and", "then", "also", "afterwards"].contains(&token.word.as_str());
            let after = sentence.get(at + 3);
            let adverb = links(before) && (middle.word.ends_with("ly") || middle.word == "then");
            if !links(middle) && !adverb {
                return None;
            }
            let token = last;
            let (verb, form) = vocabulary::look(&token.word)?;
            // "orders and refunds" are things, "and refunds the buyer" is an act.
            let acts = verb.class == Class::Destructive
                || after.is_some_and(|next| {
                    ["the", "it", "them", "a", "an", "all", "any"].contains(&next.word.as_str())
                });
            let said = form == Form::S && verb.kind == Kind::Verb && verb.class >= Class::Financial && acts;
            said.then(|| (token.text.clone(), verb.class))
        })
        .max_by_key(|(_, class)| *class)
}

fn base_verb(token: &Token) -> Option<(String, Class)> {
    let (verb, form) = vocabulary::look(&token.word)?;
    (verb.kind == Kind::Verb && form != Form::Ed).then(|| (token.text.clone(), verb.class))
}

fn phrase(lower: &str) -> Option<(&'static str, Class)> {
    PHRASES
        .iter()
        .filter(|(phrase, _)| {
            lower.match_indices(phrase).any(|(at, _)| {
                let before = lower.get(..at).unwrap_or_default();
                let clause = before.rsplit(['.', ';', '\n']).next().unwrap_or_default();
                let mut words = clause.split_whitespace().rev().take(3);
                !words.any(|word| {
                    NEGATIONS.contains(&word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\''))
                })
            })
        })
        .max_by_key(|(_, class)| *class)
        .copied()
}
