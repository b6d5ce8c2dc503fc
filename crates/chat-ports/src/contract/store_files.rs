use chat_core::FileId;
use uuid::Uuid;

use super::given::{at, conversation, user};
use super::store_messages::StoreFixture;
use crate::store::{FileRow, FileState};

fn file(created: i64) -> FileRow {
    FileRow {
        id: FileId::new(Uuid::new_v4()),
        owner: user(),
        conversation: Some(conversation()),
        name: "Übersicht \"neu\".pdf".into(),
        size: 5_000_000_000,
        media_type: "application/pdf".into(),
        sha256: std::array::from_fn(|n| u8::try_from(n * 7).expect("below 256")),
        state: FileState::Pending,
        part_size: 8 << 20,
        created_at: at(created),
    }
}

pub async fn a_file_comes_back(fixture: impl StoreFixture) {
    let (store, new) = (fixture.store(), file(5));
    assert_eq!(store.file(new.id).await.expect("file"), None);
    store.create_file(new.clone()).await.expect("create");
    assert_eq!(store.file(new.id).await.expect("file"), Some(new));
    let avatar = FileRow { conversation: None, ..file(6) };
    store.create_file(avatar.clone()).await.expect("create");
    assert_eq!(store.file(avatar.id).await.expect("file"), Some(avatar));
}

pub async fn a_file_completes_once(fixture: impl StoreFixture) {
    let (store, new) = (fixture.store(), file(5));
    store.create_file(new.clone()).await.expect("create");
    assert!(store.complete_file(new.id, "image/png".into()).await.expect("complete"));
    let row = store.file(new.id).await.expect("file").expect("there");
    assert_eq!((row.state, row.media_type.as_str()), (FileState::Complete, "image/png"));
    assert!(!store.complete_file(new.id, "text/html".into()).await.expect("complete"));
    assert_eq!(store.file(new.id).await.expect("file").expect("there").media_type, "image/png");
    assert!(!store.complete_file(FileId::new(Uuid::new_v4()), "x/y".into()).await.expect("complete"));
}

pub async fn only_pending_files_are_deleted(fixture: impl StoreFixture) {
    let (store, pending, complete) = (fixture.store(), file(5), file(6));
    for file in [&pending, &complete] {
        store.create_file(file.clone()).await.expect("create");
    }
    store.complete_file(complete.id, "image/png".into()).await.expect("complete");
    for file in [&pending, &complete, &pending] {
        store.delete_file(file.id).await.expect("delete");
    }
    assert_eq!(store.file(pending.id).await.expect("file"), None);
    assert!(store.file(complete.id).await.expect("file").is_some());
}

pub async fn abandoned_files_are_found(fixture: impl StoreFixture) {
    let (store, old, complete, fresh) = (fixture.store(), file(5), file(5), file(50));
    for file in [&old, &complete, &fresh] {
        store.create_file(file.clone()).await.expect("create");
    }
    store.complete_file(complete.id, "image/png".into()).await.expect("complete");
    let found = store.abandoned_files(at(50), 100_000).await.expect("abandoned");
    assert!(found.contains(&old));
    assert!(found.iter().all(|file| file.id != complete.id && file.id != fresh.id));
    store.create_file(file(5)).await.expect("create");
    assert_eq!(store.abandoned_files(at(50), 1).await.expect("abandoned").len(), 1);
}

pub async fn creating_again_changes_nothing(fixture: impl StoreFixture) {
    let (store, new) = (fixture.store(), file(5));
    store.create_file(new.clone()).await.expect("create");
    store.complete_file(new.id, "image/png".into()).await.expect("complete");
    store.create_file(new.clone()).await.expect("a write may be repeated");
    assert_eq!(store.file(new.id).await.expect("file").expect("there").state, FileState::Complete);
}
