use hyper::Method;
use serde_json::{Value, json};

use super::harness::TestNode;

#[tokio::test]
async fn a_pair_has_one_conversation_whoever_asks() {
    let node = TestNode::start(&[]);
    let (mut ada, mut bob, mut cat) = (node.person("ada").await, node.person("bob").await, node.person("cat").await);
    let body = json!({"kind": "direct", "user": bob.id()});
    let mut other = node.person("ada").await;
    let (one, two) = tokio::join!(
        other.call(Method::POST, "/v1/conversations", body.clone()),
        ada.call(Method::POST, "/v1/conversations", body)
    );
    let room = one.expect("created")["id"].clone();
    assert_eq!(two.expect("created")["id"], room);
    assert_eq!(bob.direct(&ada).await, room);
    assert_eq!(bob.get("/v1/conversations").await["items"].as_array().map(Vec::len), Some(1));
    let path = format!("/v1/conversations/{}", room.as_str().expect("id"));
    for tail in ["", "/messages", "/members", "/cursors"] {
        assert_eq!(cat.refused(Method::GET, &format!("{path}{tail}"), Value::Null).await, (404, "not_found".into()));
    }
    assert_eq!(ada.refused(Method::POST, &format!("{path}/leave"), Value::Null).await, (409, "conflict".into()));
    assert_eq!(ada.refused(Method::PATCH, &path, json!({"title": "x"})).await, (403, "forbidden".into()));
    assert_eq!(ada.refused(Method::GET, "/v1/conversations/not-an-id", Value::Null).await, (404, "not_found".into()));
    assert_eq!(
        ada.refused(Method::POST, "/v1/conversations", json!({"kind": "direct", "user": ada.id()})).await.0,
        422
    );
}

#[tokio::test]
async fn roles_decide_who_may_do_what() {
    let node = TestNode::start(&[]);
    let (mut ada, mut bob, mut cat, dan) =
        (node.person("ada").await, node.person("bob").await, node.person("cat").await, node.person("dan").await);
    let room = ada.group(&[&bob, &cat]).await;
    let path = format!("/v1/conversations/{room}");
    let members = format!("{path}/members");
    let add_dan = json!({"user": dan.id()});
    assert_eq!(bob.refused(Method::POST, &members, add_dan.clone()).await, (403, "forbidden".into()));
    assert_eq!(bob.refused(Method::PATCH, &path, json!({"title": "Mine"})).await, (403, "forbidden".into()));
    ada.call(Method::PATCH, &format!("{members}/{}", bob.id()), json!({"role": "admin"})).await.expect("promote");
    assert_eq!(bob.post(&members, add_dan).await, json!({"user": dan.id(), "role": "member"}));
    assert_eq!(bob.call(Method::PATCH, &path, json!({"title": "Ours"})).await.expect("rename")["title"], "Ours");
    assert_eq!(
        bob.refused(Method::DELETE, &format!("{members}/{}", ada.id()), Value::Null).await,
        (403, "forbidden".into())
    );
    assert_eq!(ada.refused(Method::POST, &format!("{path}/leave"), Value::Null).await, (409, "conflict".into()));
    ada.call(Method::PATCH, &format!("{members}/{}", bob.id()), json!({"role": "owner"})).await.expect("hand over");
    ada.post(&format!("{path}/leave"), Value::Null).await;
    assert_eq!(ada.refused(Method::GET, &path, Value::Null).await, (404, "not_found".into()));
    let kinds: Vec<String> = cat.get(&format!("{path}/messages")).await["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["kind"].as_str().expect("kind").to_owned())
        .collect();
    assert_eq!(kinds, ["role_changed", "member_joined", "conversation_updated", "role_changed", "member_left"]);
    let listed = cat.get(&members).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3));
    bob.call(Method::DELETE, &path, Value::Null).await.expect("delete");
    assert_eq!(cat.refused(Method::GET, &path, Value::Null).await, (404, "not_found".into()));
    assert_eq!(cat.get("/v1/conversations").await["items"], json!([]));
}

#[tokio::test]
async fn lists_and_pages_are_walked_to_their_end() {
    let node = TestNode::start(&["--limit-sends-per-user=off"]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let mut rooms = Vec::new();
    for _ in 0..5 {
        rooms.push(ada.group(&[&bob]).await);
    }
    ada.call(Method::PUT, &format!("/v1/conversations/{}/preferences", rooms[0]), json!({"pinned": true}))
        .await
        .expect("pin");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.get(&format!("/v1/conversations?limit=2{cursor}")).await;
        seen.extend(
            page["items"].as_array().expect("items").iter().map(|item| item["id"].as_str().expect("id").to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let newest_first: Vec<String> = std::iter::once(&rooms[0]).chain(rooms[1..].iter().rev()).cloned().collect();
    assert_eq!(seen, newest_first);
    assert_eq!(ada.refused(Method::GET, "/v1/conversations?cursor=nonsense", Value::Null).await.0, 422);
    assert_eq!(ada.refused(Method::GET, "/v1/conversations?limit=0", Value::Null).await.0, 422);

    let path = format!("/v1/conversations/{}/messages", rooms[1]);
    let mut seqs = Vec::new();
    for n in 0..25 {
        let posted =
            ada.post(&path, json!({"client_msg_id": uuid::Uuid::now_v7(), "body": {"text": n.to_string()}})).await;
        seqs.push(posted["seq"].as_u64().expect("seq"));
    }
    let seqs_of = |page: &Value| -> Vec<u64> {
        page["items"].as_array().expect("items").iter().map(|item| item["seq"].as_u64().expect("seq")).collect()
    };
    let newest = ada.get(&format!("{path}?limit=10")).await;
    assert_eq!((seqs_of(&newest), &newest["has_more"]), (seqs[15..].to_vec(), &json!(true)));
    let before = ada.get(&format!("{path}?before={}&limit=20", seqs[15])).await;
    assert_eq!((seqs_of(&before), &before["has_more"]), (seqs[..15].to_vec(), &json!(false)));
    let after = ada.get(&format!("{path}?after={}&limit=10", seqs[4])).await;
    assert_eq!((seqs_of(&after), &after["has_more"]), (seqs[5..15].to_vec(), &json!(true)));
    let around = ada.get(&format!("{path}?around={}&limit=6", seqs[12])).await;
    assert_eq!(seqs_of(&around), seqs[10..16].to_vec());
    assert_eq!(ada.refused(Method::GET, &format!("{path}?before=1&after=2"), Value::Null).await.0, 422);
    let huge = ada.get(&format!("{path}?before=99999999999999999&limit=3")).await;
    assert_eq!(seqs_of(&huge), seqs[22..].to_vec());
}
