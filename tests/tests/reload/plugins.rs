//! The plugins folder of a gateway that serves.

use std::fs;
use std::io::Write as _;

use crate::{Scene, edition, name, plugin};

#[tokio::test]
async fn a_plugin_is_live_when_it_is_dropped_and_gone_when_it_is_deleted() {
    let scene = Scene::new(&[]).await;
    assert_eq!(scene.refused_by().await, None);
    fs::write(scene.plugin("stopped.wasm"), edition(1)).unwrap();
    scene.until_refused_by(Some(1)).await;
    let live = scene.until_plugin("stopped", Some("live")).await;
    assert_eq!(live["in_force"]["name"], "stopped");
    fs::remove_file(scene.plugin("stopped.wasm")).unwrap();
    scene.until_refused_by(None).await;
    scene.until_plugin("stopped", None).await;
}

#[tokio::test]
async fn clients_are_told_that_their_lists_may_be_others() {
    let scene = Scene::new(&[]).await;
    let mut stream = scene.session.listen().await;
    scene.put("stopped.wasm", &edition(1));
    let told = stream.message().await;
    assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
}

#[tokio::test]
async fn a_plugin_that_changes_is_replaced_however_it_is_written() {
    let scene = Scene::new(&[("stopped.wasm", &edition(0))]).await;
    assert_eq!(scene.refused_by().await, Some(name(0)));
    scene.put("stopped.wasm", &edition(1));
    scene.until_refused_by(Some(1)).await;
    fs::write(scene.plugin("stopped.wasm"), edition(2)).unwrap();
    scene.until_refused_by(Some(2)).await;
    // Ten times in a second: the last one is in force in the end.
    for number in 3..13 {
        scene.put("stopped.wasm", &edition(number));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    scene.until_refused_by(Some(12)).await;
}

#[tokio::test]
async fn a_file_that_is_written_half_changes_nothing_until_it_is_whole() {
    let scene = Scene::new(&[("stopped.wasm", &edition(0))]).await;
    let whole = edition(1);
    let (half, rest) = whole.split_at(whole.len() / 2);
    let mut file = fs::File::create(scene.plugin("stopped.wasm")).unwrap();
    file.write_all(half).unwrap();
    let kept = scene.until_plugin("stopped", Some("kept")).await;
    let problem = kept["problem"].as_str().unwrap();
    assert!(problem.contains("stopped.wasm") && problem.contains("not a usable plugin"), "{problem}");
    assert_eq!(scene.refused_by().await, Some(name(0)));
    file.write_all(rest).unwrap();
    scene.until_refused_by(Some(1)).await;
    scene.until_plugin("stopped", Some("live")).await;
}

#[tokio::test]
async fn what_cannot_be_used_leaves_the_last_good_version_in_force() {
    let scene = Scene::new(&[("stopped.wasm", &edition(0))]).await;
    let huge = fs::File::create(scene.plugin("huge.new")).unwrap();
    huge.set_len(100 << 20).unwrap();
    let path = scene.plugin("stopped.wasm");
    let cases: [(&str, &dyn Fn(), &str); 5] = [
        ("garbage", &|| scene.put("stopped.wasm", b"garbage"), "not WebAssembly"),
        ("an empty file", &|| scene.put("stopped.wasm", b""), "not WebAssembly"),
        (
            "a hundred megabytes",
            &|| fs::rename(scene.plugin("huge.new"), &path).unwrap(),
            "more than the limit",
        ),
        (
            "a link that leads nowhere",
            &|| {
                fs::remove_file(&path).unwrap();
                std::os::unix::fs::symlink("nowhere", &path).unwrap();
            },
            "cannot be read",
        ),
        (
            "a directory",
            &|| {
                fs::remove_file(&path).unwrap();
                fs::create_dir(&path).unwrap();
            },
            "no regular file",
        ),
    ];
    for (case, change, expected) in cases {
        change();
        scene
            .admin
            .until(case, |status| {
                let problem = plugin(status, "stopped").and_then(|plugin| plugin["problem"].as_str());
                problem.is_some_and(|problem| problem.contains(expected))
            })
            .await;
        scene.until_plugin("stopped", Some("kept")).await;
        assert_eq!(scene.refused_by().await, Some(name(0)), "{case}");
        let logged = || scene.serving.log().contains(expected);
        bartizan_tests::waiting::until(&format!("{case}: the reason is in the log"), logged).await;
    }
    fs::remove_dir(&path).unwrap();
    scene.put("stopped.wasm", &edition(1));
    scene.until_refused_by(Some(1)).await;
}

#[tokio::test]
async fn what_never_was_good_is_told_and_left_out() {
    let scene = Scene::new(&[]).await;
    scene.put("garbage.wasm", b"garbage");
    scene.put("stopped.wasm", &edition(1));
    scene.until_refused_by(Some(1)).await;
    scene.until_plugin("garbage", Some("unusable")).await;
    fs::remove_file(scene.plugin("garbage.wasm")).unwrap();
    scene.until_plugin("garbage", None).await;
    assert_eq!(scene.refused_by().await, Some(name(1)));
}

#[tokio::test]
async fn links_are_followed_as_volumes_in_containers_have_them() {
    let scene = Scene::new(&[]).await;
    for number in 1..3 {
        let version = scene.plugin(&format!("..version-{number}"));
        fs::create_dir(&version).unwrap();
        fs::write(version.join("stopped.wasm"), edition(number)).unwrap();
    }
    let data = scene.plugin("..data");
    std::os::unix::fs::symlink("..version-1", &data).unwrap();
    std::os::unix::fs::symlink("..data/stopped.wasm", scene.plugin("stopped.wasm")).unwrap();
    scene.until_refused_by(Some(1)).await;
    std::os::unix::fs::symlink("..version-2", scene.plugin("..data_new")).unwrap();
    fs::rename(scene.plugin("..data_new"), &data).unwrap();
    scene.until_refused_by(Some(2)).await;
}
