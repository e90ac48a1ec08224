//! `bartizan run` loads again as well.

use bartizan_tests::gateway::{self, Document};
use bartizan_tests::rpc;
use bartizan_tests::stdio::StdioClient;
use serde_json::json;

use crate::{FAKE, edition, put};

#[tokio::test]
async fn a_plugin_is_live_for_a_client_on_pipes() {
    let policy = Document::policy(&json!({"version": "1", "default": "allow"}));
    let plugins = tempfile::tempdir().unwrap();
    let mut command = gateway::bartizan(["run", "--policy"]);
    command.arg(policy.path()).arg("--plugins-dir").arg(plugins.path()).args(["--", FAKE]);
    let mut client = StdioClient::start(command).await;
    let answer = client.call("echo", &json!({})).await;
    assert_ne!(answer["result"]["isError"], true, "{answer}");

    put(&plugins.path().join("stopped.wasm"), &edition(1));
    let told = client.message().await;
    assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
    let answer = client.call("echo", &json!({})).await;
    assert_eq!(rpc::assert_denied(&answer), "[POLICY DENIED] stopped by edition-0001");

    put(&policy.path(), json!({"version": "1", "default": "allow", "hide": ["echo"]}).to_string().as_bytes());
    let told = client.message().await;
    assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
    let answer = client.call("echo", &json!({})).await;
    rpc::assert_unknown_tool(&answer, "echo");
    client.end().await;
}
