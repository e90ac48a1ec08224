//! Texts of bounded length, for messages and notes: what a call brings may be of any length, and an
//! answer that is too long is a failure.

use crate::{Condition, Path};

/// Conditions in a message have at most so many characters together.
const CONDITIONS: usize = 600;

/// A note has at most so many bytes.
const NOTE: usize = 4_000;

/// The text, cut to so many characters; an ellipsis says so.
pub fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Conditions in one line, joined by `and`; of bounded length.
pub fn joined(conditions: &[Condition]) -> String {
    let texts: Vec<_> = conditions.iter().map(ToString::to_string).collect();
    shortened(&texts.join(" and "), CONDITIONS)
}

/// The paths that conditions look at, as the JSON text of a note: a list, each once, as many as fit. No
/// value of a call is in it.
pub fn paths_note<'p>(paths: impl IntoIterator<Item = &'p Path>) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut length = 2;
    for path in paths {
        let text = serde_json::Value::from(path.as_str()).to_string();
        if texts.contains(&text) {
            continue;
        }
        length += text.len() + 1;
        if length > NOTE {
            break;
        }
        texts.push(text);
    }
    format!("[{}]", texts.join(","))
}

#[cfg(test)]
mod tests {
    use super::{joined, paths_note, shortened};
    use crate::{Condition, ConditionSettings, Path};

    fn conditions(text: &str) -> Vec<Condition> {
        Condition::list(serde_json::from_str::<Vec<ConditionSettings>>(text).unwrap()).unwrap()
    }

    #[test]
    fn texts_are_bounded() {
        assert_eq!(shortened("ééé", 3), "ééé");
        assert_eq!(shortened("éééé", 3), "ééé…");
        let one = r#"{"path":"args.a","op":"eq","value":1}"#;
        let two = conditions(&format!("[{one},{one}]"));
        assert_eq!(joined(&two), "args.a eq 1 and args.a eq 1");
        let many = conditions(&format!("[{}]", vec![one; 500].join(",")));
        assert_eq!(joined(&many).chars().count(), 601);
    }

    #[test]
    fn notes_have_each_path_once_and_as_many_as_fit() {
        let paths =
            |texts: &[String]| texts.iter().map(|text| text.parse::<Path>().unwrap()).collect::<Vec<_>>();
        let some = paths(&["args.a".to_owned(), r#"args["b"]"#.to_owned(), "args.a".to_owned()]);
        assert_eq!(paths_note(&some), r#"["args.a","args[\"b\"]"]"#);
        assert_eq!(paths_note(&[]), "[]");
        let many: Vec<_> = (0..500).map(|index| format!("args.quite_a_long_name_{index}")).collect();
        let note = paths_note(&paths(&many));
        assert!((3_900..=4_096).contains(&note.len()), "{}", note.len());
        assert!(serde_json::from_str::<Vec<String>>(&note).unwrap().len() < 500);
    }
}
