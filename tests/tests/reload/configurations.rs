//! Configurations that change while they are served.

use bartizan_tests::gateway;
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::rpc;
use serde_json::json;

use crate::{FAKE, Scene, refused_by};

#[tokio::test]
async fn servers_come_change_and_go() {
    let scene = Scene::new(&[]).await;
    let allow = json!({"version": "1", "default": "allow"});
    let base = format!("http://{}/mcp", scene.serving.address());
    let initialize = async |name: &str| {
        let body = rpc::initialize(0).to_string();
        Http::default().send("POST", &format!("{base}/{name}"), POST, body).await.status
    };
    assert_eq!(initialize("second").await, 404);

    scene.reconfigure(|configuration| {
        configuration["mcpServers"]["second"] = gateway::server(FAKE, &["--tools", "echo"], &allow);
    });
    while initialize("second").await == 404 {}
    let second = Session::begin(&format!("{base}/second")).await;
    assert_eq!(refused_by(&second).await, None);
    assert_eq!(scene.refused_by().await, None, "the session with the first goes on");

    // Another command is another server: its sessions end, those of others do not.
    scene.reconfigure(|configuration| {
        configuration["mcpServers"]["second"] = gateway::server(FAKE, &["--tools", "echo,pid"], &allow);
    });
    while second.post(rpc::request(99, "ping", &json!({})).to_string()).await.status != 404 {}
    let second = Session::begin(&format!("{base}/second")).await;
    let listed = second.request("tools/list", &json!({})).await;
    assert_eq!(rpc::tools(&listed), ["echo", "pid"]);
    assert_eq!(scene.refused_by().await, None);

    scene.reconfigure(|configuration| {
        let servers = configuration["mcpServers"].as_object_mut().unwrap();
        servers.remove("second");
    });
    while initialize("second").await != 404 {}
    assert_eq!(scene.refused_by().await, None);
}

#[tokio::test]
async fn what_is_wrong_changes_nothing_and_what_needs_a_restart_is_told() {
    let scene = Scene::new(&[]).await;
    scene.reconfigure(|configuration| {
        configuration["mcpServers"]["fake"]["comand"] = json!("x");
    });
    let status = scene.admin.until("it is refused", |status| status["refused"].is_object()).await;
    let problem = status["refused"]["problems"][0].as_str().unwrap();
    assert!(problem.contains("comand"), "{problem}");
    assert_eq!(scene.refused_by().await, None);

    scene.reconfigure(|configuration| {
        let server = configuration["mcpServers"]["fake"].as_object_mut().unwrap();
        server.remove("comand");
        configuration["listen"] = json!("127.0.0.1:1");
    });
    let status = scene.admin.until("a restart is needed", |status| status["needs_restart"].is_array()).await;
    assert_eq!(status["needs_restart"], json!(["listen"]));
    assert!(status["refused"].is_null(), "{status}");
    assert_eq!(scene.refused_by().await, None);
}
