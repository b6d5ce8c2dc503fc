use chat_core::{ConversationId, Seq};

use crate::rig::{chatter, load, rig, until};

#[tokio::test(flavor = "multi_thread")]
async fn writers_come_and_go_and_nothing_is_lost() {
    let rig = rig(8).await;
    let mut said: Vec<(ConversationId, Vec<Seq>)> = Vec::new();
    let mut writers = std::collections::VecDeque::from([rig.writer("w-0").await]);
    for round in 1..=4 {
        said.extend(chatter(&rig, 6, 25).await);
        writers.push_back(rig.writer(&format!("w-{round}")).await);
        said.extend(chatter(&rig, 6, 25).await);
        let newest = writers.back().expect("one");
        until("the newest has its share", async || load(newest, "assigned_partitions").await > 0).await;
        said.extend(chatter(&rig, 6, 25).await);
        if let Some(oldest) = writers.pop_front() {
            oldest.shutdown().await;
        }
    }
    for (conversation, seqs) in &said {
        rig.until_stored(*conversation, seqs).await;
    }
    for writer in writers {
        writer.shutdown().await;
    }
}
