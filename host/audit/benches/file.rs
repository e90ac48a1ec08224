//! How fast records are taken and written: eight threads, one sink.

#![allow(clippy::unwrap_used, reason = "a bench says what is wrong by failing")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::thread;
use std::time::{Duration, Instant};

use bartizan_audit::event::Event;
use bartizan_audit::file::{FileSink, Options};
use bartizan_audit::log::Sink as _;
use bartizan_audit::verify::verify;

const THREADS: u32 = 8;
const EACH: u32 = 50_000;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let event = Event::from(common::record("7"));
    let bytes = event.to_line().unwrap().len();

    // With room for everything: what `record` costs its caller.
    let roomy = Options { queue: 1 << 30, ..Options::default() };
    for (name, options, count) in
        [("roomy queue, one thread", roomy, 1), ("default", Options::default(), THREADS)]
    {
        let audit = directory.path().join(name);
        let sink = FileSink::open(&audit, options).unwrap();
        let start = Instant::now();
        let busy: Duration = thread::scope(|scope| {
            let caller = || {
                let start = Instant::now();
                (0..EACH).for_each(|_| sink.record(&event).unwrap());
                start.elapsed()
            };
            let callers: Vec<_> = (0..count).map(|_| scope.spawn(caller)).collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).sum()
        });
        sink.flush().unwrap();
        let elapsed = start.elapsed();
        drop(sink);
        let records = count * EACH;
        let rate = f64::from(records) / elapsed.as_secs_f64();
        println!(
            "{name}: {records} records of {bytes} bytes, {rate:.0}/s to the disk, record() {:?}",
            busy / records
        );
        let start = Instant::now();
        let lines = verify(&audit).unwrap().lines;
        println!("  verify: {:.0} lines/s", lines as f64 / start.elapsed().as_secs_f64());
    }
}
