//! Events on their way to the log: their JSON objects, one after the other.

/// Bodies of lines, in order, in one piece of memory.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    /// Where each body ends.
    ends: Vec<usize>,
    /// How many bodies at the front are done with.
    done: usize,
}

impl Batch {
    pub(crate) fn push(&mut self, body: &[u8]) {
        self.bytes.extend_from_slice(body);
        self.ends.push(self.bytes.len());
    }

    /// How many bytes the bodies have, with those that are done with.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many bodies there are to write.
    pub(crate) const fn len(&self) -> usize {
        self.ends.len() - self.done
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bodies that are to be written.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &[u8]> {
        let start = self.done.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
        let mut start = start;
        self.ends.iter().skip(self.done).filter_map(move |end| {
            let body = self.bytes.get(start..*end);
            start = *end;
            body
        })
    }

    /// Takes so many bodies off the front.
    pub(crate) fn take_off(&mut self, count: usize) {
        self.done = (self.done + count).min(self.ends.len());
        if self.is_empty() {
            self.bytes.clear();
            self.ends.clear();
            self.done = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_off_is_not_seen_again() {
        let mut batch = Batch::default();
        for body in ["a", "bb", "ccc"] {
            batch.push(body.as_bytes());
        }
        batch.take_off(1);
        batch.push(b"d");
        assert_eq!(batch.bodies().collect::<Vec<_>>(), [b"bb".as_slice(), b"ccc", b"d"]);
        assert_eq!(batch.len(), 3);
        batch.take_off(3);
        assert!(batch.is_empty());
        assert_eq!(batch.bytes(), 0);
    }
}
