//! Class 16: sessions of others. (Who may use a session is a matter of having its id; that it is also bound to
//! somebody is left to principals, which there are not yet.)

use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::rpc;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{FAKE, Record, allow};

/// No arguments.
const NOTHING: Value = Value::Null;

async fn serve(record: &Record) -> Serving {
    let servers =
        json!({"fake": record.server(FAKE, &allow()), "other": gateway::server(FAKE, &[], &allow())});
    Serving::start(&servers).await
}

/// Catches: a session that is found by less than its id, or under another server (`Front::session_and_token`).
#[tokio::test]
async fn a_session_is_had_by_its_whole_id_only() {
    let record = Record::new();
    let serving = serve(&record).await;
    let (url, http) = (serving.url("fake"), Http::default());
    let victim = Session::begin(url).await;
    let id = victim.id().to_owned();
    assert!(id.len() == 64 && id.chars().all(|digit| digit.is_ascii_hexdigit()), "256 random bits: {id}");
    assert!(!serving.log().contains(&id), "it is a secret");
    let label = {
        // What the log calls the session instead.
        victim.call("echo", &NOTHING).await;
        let log = serving.log();
        let at = log.find("session").map(|at| log[at..].chars().take(80).collect::<String>());
        at.unwrap_or_default()
    };
    let upper = id.to_uppercase();
    let (padded, listed, quoted) = (format!("{id}0"), format!("{id}, {id}"), format!("\"{id}\""));
    let echo = rpc::call(1, "echo", &json!({"x": "stolen"})).to_string();
    for guess in [
        "",
        "0",
        "1",
        "upstream-session",
        "stateless",
        "stateless/fake",
        &id[..63],
        &id[..16],
        &upper,
        &padded,
        &listed,
        &quoted,
        &label.replace(|character: char| !character.is_ascii_graphic(), ""),
    ] {
        if guess == id {
            continue;
        }
        let headers = [POST, &[("mcp-session-id", guess)]].concat();
        for (method, body) in [("POST", echo.clone()), ("GET", String::new()), ("DELETE", String::new())] {
            let answer = http.send(method, url, &headers, body).await;
            assert_eq!(answer.status, 404, "{method} {guess:?}: {answer:?}");
        }
    }
    for (method, body) in [("POST", echo.clone()), ("GET", String::new()), ("DELETE", String::new())] {
        let headers = [POST, &victim.headers()].concat();
        let answer = http.send(method, serving.url("other"), &headers, body.clone()).await;
        assert_eq!(answer.status, 404, "{method} at another server");
        let answer = http.send(method, url, POST, body).await;
        assert_eq!(answer.status, 400, "{method} without one");
        let in_query = format!("{url}?session_id={id}&mcp-session-id={id}");
        assert_eq!(
            http.send(method, &in_query, POST, String::new()).await.status,
            400,
            "{method} in the query"
        );
    }
    assert_eq!(record.count("stolen"), 0);
    victim.assert_usable("all attempts").await;
}

/// Catches: events of one session that another gets by their ids (`Tracks`, `Mailbox` of its own each).
#[tokio::test]
async fn no_stream_of_another_session_is_taken_up() {
    let record = Record::new();
    let serving = serve(&record).await;
    let url = serving.url("fake");
    let (victim, thief) = (Session::begin(url).await, Session::begin(url).await);
    // A stream of an exchange, with a question on it, and one more that waits for a reader.
    let hold = json!({"name": "hold", "arguments": {}, "_meta": {"progressToken": 1}});
    let hold = rpc::request(7, "tools/call", &hold);
    let release = async {
        record.until("\"hold\"", 1).await;
        victim.call("release", &NOTHING).await;
    };
    let (events, ()) = tokio::join!(victim.stream(&hold), release);
    assert_eq!(events.rest().await.len(), 2);
    let mut question = victim.listen().await;
    let ask = rpc::call(8, "ask", &NOTHING).to_string();
    let answer = async {
        assert_eq!(question.message().await["id"], "ask-1");
        // A client that was asked nothing has no answer, whatever id it gives it.
        let forged = json!({"jsonrpc": "2.0", "id": "ask-1", "result": {"forged": true}});
        thief.answer(&forged).await;
        thief.assert_usable("an answer to nothing").await;
        victim.answer(&json!({"jsonrpc": "2.0", "id": "ask-1", "result": {"real": true}})).await;
    };
    tokio::join!(victim.post(ask), answer);
    assert_eq!((record.count("forged"), record.count("\"real\"")), (0, 1));

    for last in ["1-0", "1-1", "2-0", "0-0", "0-1", "1-9", "-1", "x", "1-1-1", ""] {
        let headers =
            [&[("accept", "text/event-stream"), ("last-event-id", last)][..], &thief.headers()].concat();
        let response = Http::default().open("GET", url, &headers, Bytes::new()).await;
        if response.status().as_u16() == 200 {
            // The thief's own stream, which is silent: what comes first on it is the thief's own.
            assert!(last.starts_with("0-"), "{last}");
            drop(response);
        } else {
            assert_eq!(response.status().as_u16(), 400, "{last}");
        }
    }
    // Its own stream of an exchange ends what it was asked about, and cancels nothing of others.
    thief.notify("notifications/cancelled", &json!({"requestId": 7})).await;
    victim.assert_usable("it").await;
}

/// Catches: one client's request given up by another (`Flights` of its own each).
#[tokio::test]
async fn no_request_of_another_session_is_cancelled() {
    let record = Record::new();
    let serving = serve(&record).await;
    let (victim, thief) =
        (Session::begin(serving.url("fake")).await, Session::begin(serving.url("fake")).await);
    let hold = rpc::call(7, "hold", &NOTHING).to_string();
    let meanwhile = async {
        record.until("\"hold\"", 1).await;
        for id in [json!(7), json!("7"), json!(1), json!(2), json!(3)] {
            thief.notify("notifications/cancelled", &json!({"requestId": id})).await;
        }
        thief.assert_usable("its attempts").await;
        victim.call("release", &NOTHING).await;
    };
    let (answer, ()) = tokio::join!(victim.post(hold), meanwhile);
    assert_eq!(rpc::text(&answer.json()), "held");
    assert_eq!(record.count("notifications/cancelled"), 0);
}

/// Catches: the same over HTTP+SSE, whose sessions are named in a URL (`Front::pair`).
#[tokio::test]
async fn a_pair_of_streams_is_one_clients() {
    let record = Record::new();
    let serving = serve(&record).await;
    let streamable = Session::begin(serving.url("fake")).await;
    let http = Http::default();
    let open = serving.url("fake").replace("/mcp/", "/sse/");
    let response = http.open("GET", &open, &[("accept", "text/event-stream")], Bytes::new()).await;
    let mut body = response.into_body();
    let endpoint = loop {
        let frame = http_body_util::BodyExt::frame(&mut body).await.expect("it goes on").expect("whole");
        let text = String::from_utf8_lossy(frame.data_ref().expect("events are data")).into_owned();
        if let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) {
            break data.to_owned();
        }
    };
    let origin = format!("http://{}", serving.address());
    let initialize = rpc::initialize("stolen").to_string();
    for (case, url) in [
        ("another server", format!("{origin}{}", endpoint.replace("/fake", "/other"))),
        ("cut", format!("{origin}{}", &endpoint[..endpoint.len() - 1])),
        ("no session", format!("{origin}/messages/fake")),
        ("an empty one", format!("{origin}/messages/fake?session_id=")),
        ("one that has no such stream", format!("{origin}/messages/fake?session_id={}", streamable.id())),
    ] {
        assert_eq!(http.send("POST", &url, POST, initialize.clone()).await.status, 404, "{case}");
    }
    assert_eq!(record.count("stolen"), 0);
    let own = format!("{origin}{endpoint}");
    assert_eq!(http.send("POST", &own, POST, initialize).await.status, 202);
    record.until("\"initialize\"", 2).await;
    // The session ends with its stream.
    drop(body);
    bartizan_tests::waiting::within(bartizan_tests::waiting::SOON, "the session ends", async {
        let ping = rpc::request(1, "ping", &json!({})).to_string();
        while http.send("POST", &own, POST, ping.clone()).await.status != 404 {}
    })
    .await;
}
