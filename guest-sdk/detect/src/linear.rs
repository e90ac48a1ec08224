//! Time grows with the text and not with its square, whatever the text is.

use std::time::{Duration, Instant};

use crate::Detector;
use crate::json::Search;

/// Texts that make naive scanners go back again and again, each repeated to this length.
const LENGTH: usize = 1 << 17;

const UNITS: [&str; 32] = [
    "a",
    "1",
    "@",
    ".",
    ":",
    "-",
    "a@",
    "a.",
    "a@a.",
    "1.",
    "1 ",
    "4111 ",
    "::",
    "1:",
    "eyJ",
    "-eyJ",
    "eyJ.",
    "sk-",
    "sk-sk-1",
    "token=",
    "password=\"",
    "Authorization: ",
    "authorization=",
    "Bearer ",
    "://a:",
    "://",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "LS0tLS1CRUdJTi",
    "b3BlbnNzaC1rZXktdjE ",
    "Private-Lines:",
    "DE89 ",
];

/// Generous, since machines are slow and busy: a square would take minutes.
const MOST: Duration = Duration::from_secs(5);

#[test]
fn no_text_takes_long() {
    for unit in UNITS {
        let text = unit.repeat(LENGTH / unit.len());
        for detector in Detector::ALL {
            let begin = Instant::now();
            let found = detector.find(&text);
            let took = begin.elapsed();
            assert!(took < MOST, "{} took {took:?} for {unit:?}, found {}", detector.name(), found.len());
        }
    }
}

#[test]
fn no_json_takes_long() {
    let finder = crate::Finder::new(Some("x+y"), Detector::ALL).unwrap();
    let search = Search::new(Vec::new(), Some(finder));
    let nested = format!("{}{}", "[".repeat(LENGTH / 2), "]".repeat(LENGTH / 2));
    let keys: Vec<_> = (0..LENGTH / 16).map(|number| format!("\"{number}@x.org\":1")).collect();
    let escaped = serde_json::to_string(&"\\u0041\"".repeat(LENGTH / 16)).unwrap();
    for (name, text) in [
        ("deep", format!("{{\"structuredContent\":{nested}}}")),
        ("deep in a text", format!("{{\"content\":[{{\"type\":\"text\",\"text\":\"{nested}\"}}]}}")),
        ("keys that become equal", format!("{{\"structuredContent\":{{{}}}}}", keys.join(","))),
        ("escapes", format!("{{\"structuredContent\":{{\"a\":{escaped}}}}}")),
    ] {
        let begin = Instant::now();
        let found = search.result(&text, Some("[REDACTED]"));
        let took = begin.elapsed();
        assert!(took < MOST, "{name}: {took:?}, {}", found.count);
    }
}

/// Prints how long 128 KiB take: `cargo test --release -p bartizan-detect -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn measure() {
    let prose =
        "The run 42 of experiment alpha-7 finished at 2026-01-02T03:04:05Z with loss 0.1234; see notes. ";
    let log =
        "10:20:30 GET /api/v1/runs?id=0123456789abcdef 200 user=alice latency_ms=12.5 host=node-7.local\n";
    for (name, unit) in [("prose", prose), ("log", log)].into_iter().chain(UNITS.map(|unit| (unit, unit))) {
        let text = unit.repeat(LENGTH / unit.len());
        let times = Detector::ALL.map(|detector| {
            let begin = Instant::now();
            let _found = detector.find(&text);
            format!("{} {:.1}", detector.name(), begin.elapsed().as_secs_f64() * 1e3)
        });
        println!("{name:30} ms for 128 KiB: {}", times.join(", "));
    }
    let items: Vec<_> = (0..LENGTH / 64)
        .map(|number| format!("{{\"id\":{number},\"name\":\"item {number}\",\"score\":1.10,\"note\":\"x\"}}"))
        .collect();
    let list = format!("[{}]", items.join(","));
    let text = serde_json::to_string(&list).unwrap();
    let result = format!(
        "{{\"content\":[{{\"type\":\"text\",\"text\":{text}}}],\"structuredContent\":{{\"result\":{list}}}}}"
    );
    for (name, pattern, detectors) in [
        ("all detectors", None, Detector::ALL.to_vec()),
        ("secret", None, vec![Detector::Secret]),
        ("a pattern", Some("(?i)internal-[0-9]{4}"), vec![]),
    ] {
        let search = Search::new(Vec::new(), Some(crate::Finder::new(pattern, detectors).unwrap()));
        let begin = Instant::now();
        let found = search.result(&result, Some("[REDACTED]"));
        println!("{name}: a result of {} bytes {:?}, {} found", result.len(), begin.elapsed(), found.count);
    }
    let text = prose.repeat((1 << 20) / prose.len());
    for pattern in ["(?i)internal-[0-9]{4}", r"\b\d{3}-\d{2}-\d{4}\b", r"\p{Lu}\w+ secret"] {
        let finder = crate::Finder::new(Some(pattern), []).unwrap();
        let begin = Instant::now();
        let found = finder.find_pattern(&text);
        println!("{pattern}: 1 MiB of prose {:?}, {} found", begin.elapsed(), found.len());
    }
}
