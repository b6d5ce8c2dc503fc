//! Over TLS and with passwords, to all three.

use cluster_tests::{Rig, Shape, Trial, until};

/// Nodes and writers with the files that their flags name do all that they do without, also when connections have to be made
/// anew.
#[tokio::test(flavor = "multi_thread")]
async fn over_tls_and_with_passwords_people_talk() {
    let rig = Rig::start(Shape::Secured);
    let restart = async |rig: &Rig| {
        rig.act(|stack| stack.kill("redis-1").and_then(|()| stack.start(&["redis-1"]))).await;
    };
    Trial::new("kill -9 and restart of Redis, over TLS with passwords").run(&rig, restart).await;
    until("the writers to catch up", async || (rig.lag().await? == 0).then_some(())).await;
}
