//! How many instances may live at once.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// A counting semaphore for threads: evaluation is synchronous.
pub(crate) struct Slots {
    count: usize,
    free: Mutex<usize>,
    released: Condvar,
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self { count, free: Mutex::new(count), released: Condvar::new() }
    }

    pub(crate) fn has_spare(&self) -> bool {
        *self.free.lock() > self.count / 2
    }

    pub(crate) fn acquire(&self, patience: Duration) -> bool {
        let mut free = self.free.lock();
        if *free == 0 {
            let until = Instant::now() + patience;
            while *free == 0 {
                if self.released.wait_until(&mut free, until).timed_out() && *free == 0 {
                    return false;
                }
            }
        }
        *free -= 1;
        true
    }

    pub(crate) fn release(&self) {
        *self.free.lock() += 1;
        self.released.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_a_slot_no_longer_than_told() {
        let slots = Slots::new(1);
        assert!(slots.acquire(Duration::ZERO));
        assert!(!slots.acquire(Duration::from_millis(5)));
        slots.release();
        assert!(slots.acquire(Duration::ZERO));
    }
}
