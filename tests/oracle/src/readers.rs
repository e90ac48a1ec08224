//! Interpreters that read documents for us: long-lived processes with a pipe to and from each.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::reading::Language;

/// How an interpreter is called, where it is found, and the script it runs.
struct Program {
    command: &'static str,
    needed: &'static str,
    script: &'static str,
}

impl Language {
    fn program(self) -> Program {
        match self {
            Self::Python => {
                Program { command: "python3", needed: "Python 3.9 or later", script: "readers/read.py" }
            }
            Self::JavaScript => {
                Program { command: "node", needed: "Node.js 18 or later", script: "readers/read.mjs" }
            }
        }
    }
}

/// An interpreter. It ends when this is dropped, since its input does.
pub struct Reader {
    language: Language,
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
}

impl Reader {
    /// Starts the interpreter, which must be on `PATH`.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(language: Language) -> Self {
        let Program { command, needed, script } = language.program();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
        let mut child = Command::new(command)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start `{command}`: {error}; {needed} must be on PATH"));
        let (input, output) = (child.stdin.take(), child.stdout.take().expect("its output is a pipe"));
        Self { language, child, input, output }
    }

    /// Gives it a document to read.
    ///
    /// # Errors
    /// It has ended.
    pub fn send(&mut self, document: &[u8]) -> io::Result<()> {
        let length = u32::try_from(document.len()).map_err(io::Error::other)?;
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(&[&length.to_be_bytes(), document].concat())
    }

    /// What the document that was sent means to it; the inner error is its own, for one it refuses.
    ///
    /// # Errors
    /// It has ended.
    pub fn receive(&mut self) -> io::Result<Result<String, String>> {
        let mut length = [0; 4];
        self.output.read_exact(&mut length)?;
        let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?];
        self.output.read_exact(&mut answer)?;
        let answer = String::from_utf8(answer).map_err(io::Error::other)?;
        match answer.split_at_checked(1) {
            Some(("=", reading)) => Ok(Ok(reading.to_owned())),
            Some(("!", reason)) => Ok(Err(reason.to_owned())),
            _ => Err(io::Error::other(format!("an answer that is none: {answer}"))),
        }
    }

    /// Another in its place, for one that has ended.
    pub fn restart(&mut self) {
        let language = self.language;
        *self = Self::start(language);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.input = None;
        // It may have ended already; either way it is not left behind.
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut Reader, document: &[u8]) -> Result<String, String> {
        reader.send(document).unwrap();
        reader.receive().unwrap()
    }

    /// What we refuse is what they read differently: the readings show it.
    #[test]
    fn readers_disagree_about_what_we_refuse() {
        let one = "i1=3ff0000000000000";
        let two = "i2=4000000000000000";
        let cases: [(&[u8], Option<String>, Option<&str>); 6] = [
            (
                br#"{"a":1,"\u0061":2}"#,
                Some(format!(r#"{{"0061":{one},"0061":{two}}}"#)),
                Some(r#"{"0061":d=4000000000000000}"#),
            ),
            (br#""\ud800""#, Some(r#""d800""#.to_owned()), Some(r#""d800""#)),
            (b"\"\xff\"", None, Some(r#""fffd""#)),
            (b"\xff\xfe[\0]\0", Some("[]".to_owned()), None),
            (b"[NaN]", None, None),
            (b"[1,]", None, None),
        ];
        let mut python = Reader::start(Language::Python);
        let mut javascript = Reader::start(Language::JavaScript);
        for (document, by_python, by_javascript) in cases {
            let shown = String::from_utf8_lossy(document);
            assert_eq!(read(&mut python, document).ok(), by_python, "{shown}");
            assert_eq!(read(&mut javascript, document).ok().as_deref(), by_javascript, "{shown}");
        }
    }

    #[test]
    fn a_reader_that_ended_can_be_restarted() {
        for language in [Language::Python, Language::JavaScript] {
            let mut reader = Reader::start(language);
            reader.child.kill().unwrap();
            reader.child.wait().unwrap();
            assert!(reader.send(b"1").and_then(|()| reader.receive()).is_err());
            reader.restart();
            assert_eq!(read(&mut reader, b"[true]"), Ok("[t]".to_owned()));
        }
    }
}
