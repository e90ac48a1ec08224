//! The end of the log, and what is added to it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::file::FileName;
use crate::read::{Filter, Line, ReadError};
use crate::verify::Place;

/// How often it is looked for new lines.
const POLL: Duration = Duration::from_millis(200);

/// Reads a log to its end, and on from there, over the ends of files.
#[derive(Debug)]
pub struct Tail {
    directory: PathBuf,
    filter: Filter,
    /// The file that is read. None until there is one.
    open: Option<(Place, BufReader<File>)>,
    /// A line whose end is not written yet.
    partial: Vec<u8>,
}

impl Tail {
    /// The lines of a log that a filter lets through. There need not be a log yet.
    #[must_use]
    pub fn new(directory: impl AsRef<Path>, filter: Filter) -> Self {
        Self { directory: directory.as_ref().to_owned(), filter, open: None, partial: Vec::new() }
    }

    /// The last lines that there are; the filter's limit says how many, or else all.
    ///
    /// # Errors
    /// [`ReadError`] if the log cannot be read.
    pub fn last(&mut self) -> Result<Vec<Line>, ReadError> {
        let limit = self.filter.limit.unwrap_or(usize::MAX);
        let mut last = VecDeque::new();
        self.each(|line| {
            if last.len() >= limit {
                last.pop_front();
            }
            if limit > 0 {
                last.push_back(line);
            }
        })?;
        Ok(last.into())
    }

    /// The lines that were added since the last time. The limit is not asked.
    ///
    /// # Errors
    /// [`ReadError`] if the log cannot be read.
    pub fn added(&mut self) -> Result<Vec<Line>, ReadError> {
        let mut added = Vec::new();
        self.each(|line| added.push(line))?;
        Ok(added)
    }

    /// Hands on every line that is added, until `seen` breaks. It is asked with `None` whenever there is
    /// nothing new, five times a second.
    ///
    /// # Errors
    /// [`ReadError`] if the log cannot be read.
    pub fn follow(&mut self, mut seen: impl FnMut(Option<Line>) -> ControlFlow<()>) -> Result<(), ReadError> {
        loop {
            for line in self.added()? {
                if seen(Some(line)).is_break() {
                    return Ok(());
                }
            }
            if seen(None).is_break() {
                return Ok(());
            }
            thread::park_timeout(POLL);
        }
    }

    fn each(&mut self, mut found: impl FnMut(Line)) -> Result<(), ReadError> {
        loop {
            if self.open.is_none() && !self.open_after(None)? {
                return Ok(());
            }
            // Listed before the rest of this file is read: it is complete if there is a next one.
            let file = self.open.as_ref().map(|(place, _)| place.file);
            let next = self.after(file)?;
            self.rest_of_file(&mut found)?;
            if next.is_none() || !self.open_after(file)? {
                return Ok(());
            }
        }
    }

    fn rest_of_file(&mut self, found: &mut impl FnMut(Line)) -> Result<(), ReadError> {
        let Some((place, file)) = &mut self.open else { return Ok(()) };
        loop {
            let read = file.read_until(b'\n', &mut self.partial);
            let path = || self.directory.join(place.file.to_string());
            read.map_err(|source| ReadError::Io { path: path(), source })?;
            let Some(line) = self.partial.strip_suffix(b"\n") else { return Ok(()) };
            place.line += 1;
            if let Some(line) = Line::parse(*place, line).filter(|line| self.filter.matches(line)) {
                found(line);
            }
            self.partial.clear();
        }
    }

    /// The file that comes after another, or the first.
    fn after(&self, file: Option<FileName>) -> Result<Option<FileName>, ReadError> {
        match FileName::list(&self.directory) {
            Ok(files) => Ok(files.into_iter().find(|next| file.is_none_or(|file| *next > file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ReadError::Io { path: self.directory.clone(), source }),
        }
    }

    fn open_after(&mut self, file: Option<FileName>) -> Result<bool, ReadError> {
        let mut last = file;
        while let Some(file) = self.after(last)? {
            let path = self.directory.join(file.to_string());
            match File::open(&path) {
                Ok(opened) => {
                    self.partial.clear();
                    self.open = Some((Place { file, line: 0 }, BufReader::new(opened)));
                    return Ok(true);
                }
                // Removed by retention meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => last = Some(file),
                Err(source) => return Err(ReadError::Io { path, source }),
            }
        }
        Ok(false)
    }
}
