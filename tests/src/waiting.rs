//! Waiting for conditions, never for time to pass.

use std::time::Duration;

/// How long anything may take that answers at once on an idle machine.
pub const SOON: Duration = Duration::from_secs(20);
/// How long a real server may take to start: MLflow is large, and tests run side by side.
pub const START: Duration = Duration::from_secs(120);

/// How often a condition is looked at that cannot be waited for.
const LOOK: Duration = Duration::from_millis(5);

/// Waits for a future, and fails the test if it takes longer than `limit`.
pub async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, future).await {
        Ok(value) => value,
        Err(_elapsed) => panic!("{what}: not within {} s", limit.as_secs_f32()),
    }
}

/// Waits until a condition holds that only looking at it can tell.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut look = tokio::time::interval(LOOK);
    within(SOON, what, async {
        while !holds() {
            look.tick().await;
        }
    })
    .await;
}
