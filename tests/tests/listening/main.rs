//! Connections: TLS, HTTP/2, what clients may not do, and the end.
#![expect(clippy::expect_used, reason = "a test's helper that cannot go on fails the test")]

mod browsers;
mod certificate;
mod framing;
mod http2;
mod shutdown;
mod slowness;
mod upstream;

use bartizan_tests::gateway::{self, Serving};
use serde_json::{Value, json};

/// The server whose tools misbehave.
const FAKE: &str = env!("CARGO_BIN_EXE_bartizan-fake-server");

fn allow_all() -> Value {
    json!({"version": "1", "default": "allow"})
}

/// The fake server behind a gateway with these limits.
async fn serving_under(limits: Value) -> Serving {
    let servers = json!({"fake": gateway::server(FAKE, &[], &allow_all())});
    Serving::start_with(json!({"limits": limits, "mcpServers": servers})).await
}
