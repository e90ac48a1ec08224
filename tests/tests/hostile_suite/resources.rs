//! What a plugin took is given back: memory, threads, descriptors.

use bartizan_tests::http::Session;
use bartizan_tests::rpc;

use crate::process::{Footprint, MIB};
use crate::{CALM, UNGRANTED, assert_passed, call, serve};

/// What takes much of something in each evaluation. The first may do so, and is never quarantined.
const GREEDY: [&str; 5] = [
    "check-uses-what-it-may",
    "check-hoards",
    "check-overlapping-notes",
    "check-grows-a-table",
    "check-recursion",
];
/// How many calls each gets: the first alone writes to 18 GiB in them.
const CALLS: u32 = 300;
/// How much more memory than before the gateway may have when they are over: less than what two of the
/// evaluations took, and far less than what would be lost if each left a hundredth of it.
const SPARE_MEMORY: u64 = 96 * MIB;
const SPARE_DESCRIPTORS: usize = 16;
const SPARE_THREADS: u64 = 32;

#[tokio::test]
async fn what_evaluations_took_is_given_back() {
    let (serving, _folder) = serve(&GREEDY.map(|plugin| (plugin, UNGRANTED))).await;
    let calm = Session::begin(serving.url(CALM)).await;
    let mut sessions = Vec::new();
    for plugin in GREEDY {
        sessions.push((plugin, Session::begin(serving.url(plugin)).await));
    }
    // Once each: what is made at the first use is no leak.
    for (_, session) in &sessions {
        call(session, 1).await;
    }
    let before = Footprint::of_gateway(&serving);
    for number in 0..CALLS {
        let number = number % 10;
        let (first, second, third, fourth, fifth, meanwhile) = tokio::join!(
            call(&sessions[0].1, number),
            call(&sessions[1].1, number),
            call(&sessions[2].1, number),
            call(&sessions[3].1, number),
            call(&sessions[4].1, number),
            call(&calm, number),
        );
        assert_passed(sessions[0].0, number, &first);
        assert_passed(CALM, number, &meanwhile);
        for answer in [second, third, fourth, fifth] {
            rpc::assert_denied(&answer);
        }
    }
    let after = Footprint::of_gateway(&serving);
    assert!(after.memory <= before.memory + SPARE_MEMORY, "{before:?}, then {after:?}");
    assert!(after.descriptors <= before.descriptors + SPARE_DESCRIPTORS, "{before:?}, then {after:?}");
    assert!(after.threads <= before.threads + SPARE_THREADS, "{before:?}, then {after:?}");
}
