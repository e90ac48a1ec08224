//! Names and sentences as words.

/// How a word differs from its base form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `delete`
    Base,
    /// `deletes`: the third person, or a plural.
    S,
    /// `deleted`: an adjective more often than not.
    Ed,
    /// `deleting`
    Ing,
}

/// Two words that are one noun, whatever they say alone.
const COMPOUNDS: &[(&str, &str)] = &[
    ("pull", "request"),
    ("merge", "request"),
    ("check", "run"),
    ("check", "suite"),
    ("test", "case"),
    ("test", "run"),
    ("test", "suite"),
    ("kill", "switch"),
    ("log", "group"),
    ("log", "stream"),
    ("key", "pair"),
    ("launch", "template"),
    ("read", "replica"),
    ("status", "check"),
    ("health", "check"),
    ("stop", "loss"),
    ("access", "list"),
    ("white", "list"),
    ("watch", "list"),
    ("work", "log"),
    ("change", "log"),
    ("to", "do"),
    ("post", "mortem"),
    ("call", "graph"),
    ("search", "index"),
    ("code", "search"),
    ("load", "balancer"),
    ("trash", "can"),
    ("clean", "room"),
    ("clear", "text"),
    ("drop", "down"),
    ("drop", "box"),
    ("print", "er"),
    ("release", "note"),
    ("run", "book"),
];

/// The words of a name, in lower case: split where case changes, at digits, and at anything that is
/// neither a letter nor a digit. Digits are dropped.
pub(crate) fn of_name(name: &str) -> Vec<String> {
    let characters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &character) in characters.iter().enumerate() {
        let previous = at.checked_sub(1).and_then(|at| characters.get(at)).copied().unwrap_or('_');
        let next = characters.get(at + 1).copied().unwrap_or('_');
        let begins = character.is_uppercase()
            && (previous.is_lowercase() || (previous.is_uppercase() && next.is_lowercase()));
        if begins || !character.is_alphabetic() {
            words.push(String::new());
        }
        if character.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        match joined.last_mut() {
            Some(before) if is_compound(before, &word) => {
                before.push('-');
                before.push_str(&word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

fn is_compound(before: &str, word: &str) -> bool {
    COMPOUNDS
        .iter()
        .any(|(first, second)| *first == before && word.strip_suffix('s').unwrap_or(word) == *second)
}

/// The base forms that a word may have come from, the likeliest first, with its form.
pub(crate) fn bases(word: &str) -> Vec<(String, Form)> {
    let mut bases = vec![(word.to_owned(), Form::Base)];
    let mut add = |base: String, form| {
        if base.chars().count() >= 2 && !word.ends_with("ss") {
            bases.push((base, form));
        }
    };
    if let Some(stem) = word.strip_suffix("ies") {
        add(format!("{stem}y"), Form::S);
    }
    if let Some(stem) = word.strip_suffix('s') {
        add(stem.to_owned(), Form::S);
        if let Some(stem) = stem.strip_suffix('e') {
            add(stem.to_owned(), Form::S);
        }
    }
    for (ending, form) in [("ed", Form::Ed), ("ing", Form::Ing)] {
        if let Some(stem) = word.strip_suffix(ending) {
            add(stem.to_owned(), form);
            add(format!("{stem}e"), form);
            if let Some(stem) = stem.strip_suffix('i') {
                add(format!("{stem}y"), form);
            }
            if let Some(last) = stem.chars().last()
                && stem.ends_with(&format!("{last}{last}"))
            {
                add(stem.strip_suffix(last).unwrap_or(stem).to_owned(), form);
            }
        }
    }
    bases
}

/// One word of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// In lower case.
    pub(crate) word: String,
    /// As it is written, for reasons.
    pub(crate) text: String,
    /// What stands between the word before and this one, without white space.
    pub(crate) before: String,
}

/// The sentences of a description, each as its words. Names of other tools (`delete_run`) are no words:
/// what they say is said of something else.
pub(crate) fn sentences(text: &str) -> Vec<Vec<Token>> {
    let mut sentences = vec![Vec::new()];
    let mut before = String::new();
    for chunk in text.split_inclusive(char::is_whitespace) {
        let line_ends = chunk.contains('\n');
        let chunk = chunk.trim_end();
        let ends = chunk.ends_with(['.', '!', '?', ';']) || line_ends;
        let inner = chunk.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
        let name_like =
            inner.contains(['_', '=', '{', '}', '<', '>']) || (inner.contains('.') && !inner.contains(' '));
        if !inner.is_empty() && !name_like {
            let mut rest = chunk;
            for part in
                inner.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|part| !part.is_empty())
            {
                let at = rest.find(part).unwrap_or_default();
                before.push_str(rest.get(..at).unwrap_or_default());
                rest = rest.get(at + part.len()..).unwrap_or_default();
                let token = Token {
                    word: part.to_lowercase(),
                    text: part.to_owned(),
                    before: std::mem::take(&mut before),
                };
                if let Some(sentence) = sentences.last_mut() {
                    sentence.push(token);
                }
            }
            before.push_str(rest);
        } else if !inner.is_empty() {
            before.push('`');
        } else {
            before.push_str(chunk);
        }
        if ends {
            sentences.push(Vec::new());
            before.clear();
        }
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_in_every_style() {
        for (name, expected) in [
            ("delete_run", "delete run"),
            ("deleteRun", "delete run"),
            ("Delete-Run", "delete run"),
            ("runs.delete", "runs delete"),
            ("mcp__github__delete_file", "mcp github delete file"),
            ("HTTPRequest", "http request"),
            ("getHTTPResponse", "get http response"),
            ("HassTurnOn", "hass turn on"),
            ("d1_database_query", "d database query"),
            ("transfer_erc20", "transfer erc"),
            ("DELETE_ALL", "delete all"),
            ("/v2/users:delete", "v users delete"),
            ("ÄndereDatei", "ändere datei"),
            ("42", ""),
            ("merge_pull_requests", "merge pull-requests"),
        ] {
            assert_eq!(of_name(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn inflected_words_have_their_bases() {
        for (word, base, form) in [
            ("deletes", "delete", Form::S),
            ("deleted", "delete", Form::Ed),
            ("deleting", "delete", Form::Ing),
            ("drops", "drop", Form::S),
            ("dropped", "drop", Form::Ed),
            ("dropping", "drop", Form::Ing),
            ("flushes", "flush", Form::S),
            ("modifies", "modify", Form::S),
            ("modified", "modify", Form::Ed),
            ("removing", "remove", Form::Ing),
        ] {
            assert!(bases(word).contains(&(base.to_owned(), form)), "{word}: {:?}", bases(word));
        }
    }

    #[test]
    fn sentences_leave_out_the_names_of_tools() {
        let words: Vec<Vec<String>> =
            sentences("Gets a run. Use `delete_run` to end it, i.e. for good\nArgs")
                .into_iter()
                .map(|sentence| sentence.into_iter().map(|token| token.word).collect())
                .collect();
        assert_eq!(
            words.iter().map(|words| words.join(" ")).collect::<Vec<_>>(),
            ["gets a run", "use to end it", "for good", "args"]
        );
    }
}
