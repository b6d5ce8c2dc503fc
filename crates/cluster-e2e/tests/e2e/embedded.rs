use cluster_e2e::{Space, Talk, embedded};

/// What the front page promises: five lines, and people chat.
#[tokio::test(flavor = "multi_thread")]
async fn five_lines_are_a_chat() {
    let space = Space::open("e2e-embedded", "demo").await;
    space.apply(&embedded("demo")).await;
    space.ready().await;
    space.answers().await;
    let talk = Talk::begin("embedded", &space.authority().await, 1, 2, 2.0).await;
    talk.end_unnoticed().await;
    space.show(&["get", "chatcluster", "-o", "wide"]);
    space.close().await;
}
