//! Reading the log back.
//!
//! Reading is tolerant: a line of a kind or shape that this version does not know is a line all the
//! same, fields that it does not know are passed over, and what is not a line at all (the piece at a torn
//! end) is skipped. It takes no locks, and proves nothing: that is [`verify`](mod@crate::verify)'s.

mod filter;
mod line;
mod stats;
mod tail;

pub use filter::{Filter, NotTime, instant};
pub use line::{Entry, Line, Other};
pub use stats::{Count, Stats};
pub use tail::Tail;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::file::FileName;
use crate::verify::Place;

/// The log cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// There is no log.
    #[error("there is no audit log in {}", directory.display())]
    NoLog {
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// The system refused it.
    #[error("cannot read {}", path.display())]
    Io {
        /// What cannot be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The lines of a log that a filter lets through, oldest first.
///
/// # Errors
/// [`ReadError`] if there is no log, or its directory cannot be read.
pub fn query(
    directory: impl AsRef<Path>,
    filter: Filter,
) -> Result<impl Iterator<Item = Result<Line, ReadError>>, ReadError> {
    let limit = filter.limit.unwrap_or(usize::MAX);
    let lines = Lines::open(directory)?;
    Ok(lines.filter(move |line| line.as_ref().map_or(true, |line| filter.matches(line))).take(limit))
}

/// All lines of a log, oldest first, over all its files.
#[derive(Debug)]
pub struct Lines {
    directory: PathBuf,
    files: VecDeque<FileName>,
    open: Option<(Place, BufReader<File>)>,
}

impl Lines {
    /// The lines of the log in a directory.
    ///
    /// # Errors
    /// [`ReadError`] if there is no log, or its directory cannot be read.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, ReadError> {
        let directory = directory.as_ref().to_owned();
        let files = list(&directory)?.into();
        Ok(Self { directory, files, open: None })
    }

    /// The lines of a single file, whatever its name.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be read.
    pub fn of_file(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        let place = Place { file: name.unwrap_or(FileName::FIRST), line: 0 };
        let open = Some((place, BufReader::new(file)));
        Ok(Self { directory: path.to_owned(), files: VecDeque::new(), open })
    }

    fn next_line(&mut self) -> Result<Option<Line>, ReadError> {
        let mut bytes = Vec::new();
        loop {
            let Some((place, file)) = &mut self.open else {
                let Some(file) = self.files.pop_front() else { return Ok(None) };
                let path = self.directory.join(file.to_string());
                match File::open(&path) {
                    Ok(opened) => self.open = Some((Place { file, line: 0 }, BufReader::new(opened))),
                    // Removed by retention meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(source) => return Err(ReadError::Io { path, source }),
                }
                continue;
            };
            bytes.clear();
            let read = file.read_until(b'\n', &mut bytes);
            let path = || self.directory.join(place.file.to_string());
            if read.map_err(|source| ReadError::Io { path: path(), source })? == 0 {
                self.open = None;
                continue;
            }
            place.line += 1;
            if let Some(line) = bytes.strip_suffix(b"\n").and_then(|line| Line::parse(*place, line)) {
                return Ok(Some(line));
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Line, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_line();
        if next.is_err() {
            self.open = None;
            self.files.clear();
        }
        next.transpose()
    }
}

fn list(directory: &Path) -> Result<Vec<FileName>, ReadError> {
    match FileName::list(directory) {
        Ok(files) if files.is_empty() => Err(ReadError::NoLog { directory: directory.to_owned() }),
        Ok(files) => Ok(files),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(ReadError::NoLog { directory: directory.to_owned() })
        }
        Err(source) => Err(ReadError::Io { path: directory.to_owned(), source }),
    }
}
