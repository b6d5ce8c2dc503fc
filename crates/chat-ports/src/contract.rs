//! What every adapter must do, as cases that know the ports only.
//!
//! An adapter's tests give a function that makes a fresh fixture, and [`contract_tests!`](crate::contract_tests) makes a
//! test of each case. Ids are random, so that many cases may share one backend.

#![allow(clippy::missing_panics_doc, reason = "a case panics when the adapter breaks the contract: that is its use")]

mod given;

pub mod directory;
pub mod log;
pub mod store_accounts;
pub mod store_conversations;
pub mod store_files;
pub mod store_messages;
pub mod store_order;
pub mod tail;
pub mod tail_claims;

pub use given::{ManualClock, Seed, conversation, message_record, text, user};

/// Makes a test of each case of a suite: `contract_tests!(tail, fresh)`, where `fresh` is an async function that gives
/// a fixture of the suite. Each suite in a module of its own.
#[macro_export]
macro_rules! contract_tests {
    (log, $fresh:path) => {
        $crate::contract_tests!(@ log, $fresh: positions_grow, an_answered_append_is_below_a_later_one,
            a_batch_keeps_its_order, equal_records_make_two, what_was_appended_is_read_back, positions_fit_a_client,
            nothing_is_a_batch_too, cursors_are_taken, what_was_sent_is_found_in_the_log, is_ready);
    };
    (tail, $fresh:path) => {
        $crate::contract_tests!(@ tail, $fresh: a_new_tail_is_empty_and_keeps_its_epoch,
            rev_is_dense_whatever_the_order_of_seq, a_seq_is_appended_once, concurrent_appends_leave_no_hole,
            concurrent_appends_of_one_seq_make_one_event, since_gives_all_or_a_gap,
            a_long_tail_gives_its_end_or_a_gap, newer_than_gives_what_the_store_may_lack, persisted_only_grows,
            tails_are_apart, a_lost_tail_has_a_new_epoch, nodes_are_registered_once,
            an_append_names_the_nodes, hints_reach_their_node_in_order, hints_to_nobody_are_no_error,
            a_slow_receiver_learns_that_it_missed_something, subscribing_again_ends_the_older_channel,
            a_repair_appends_what_is_lacking, a_repair_of_a_lost_tail_begins_a_new_one,
            a_repair_does_not_bring_back_what_was_trimmed, positions_register_and_tell, is_ready);
    };
    (tail_claims, $fresh:path) => {
        $crate::contract_tests!(@ tail_claims, $fresh: a_claim_is_granted_once, one_of_many_at_once_is_granted,
            claims_are_apart, a_released_claim_is_free_at_once, a_claim_lapses, a_claim_that_is_held_does_not_lapse,
            a_claim_that_lapsed_stays_settled_once_it_is, a_settled_claim_tells_its_position,
            a_settled_claim_outlives_its_grant, what_the_log_has_is_settled_after_a_loss, a_cursor_only_grows,
            what_was_read_was_delivered, cursors_are_apart, concurrent_advances_end_at_the_highest,
            a_cursor_goes_on_from_the_store, a_cursor_is_read_back);
    };
    (store_messages, $fresh:path) => {
        $crate::contract_tests!(@ store_messages, $fresh: an_empty_timeline, the_newest_page, pages_before_cover_all_once,
            pages_after_cover_all_once, a_page_around, a_message_comes_back_whole, one_message, conversations_are_apart,
            a_second_record_of_one_send_is_superseded, a_claim_is_found_again, edits, deletes, reactions,
            unread_counts_what_others_wrote, unread_stops_at_a_hundred, a_cursor_only_grows, cursors_of_a_conversation,
            is_ready);
    };
    (store_order, $fresh:path) => {
        $crate::contract_tests!(@ store_order, $fresh: mutations_commute_and_repeat, changes_wait_for_their_message,
            an_edit_never_revives, changes_wait_for_their_conversation, the_first_creation_counts,
            a_claim_supersedes_a_later_message, superseding_touches_nothing_else, the_latest_membership_counts,
            a_role_never_brings_back);
    };
    (store_conversations, $fresh:path) => {
        $crate::contract_tests!(@ store_conversations, $fresh: a_created_conversation_is_there,
            a_deleted_conversation_is_gone, members_come_and_go, members_in_pages, owners_are_counted,
            a_list_is_pinned_then_latest_first, a_list_in_pages, preferences_are_ones_own, what_was_joined_when,
            a_pair_is_reserved_once, settings_change);
    };
    (store_accounts, $fresh:path) => {
        $crate::contract_tests!(@ store_accounts, $fresh: an_account_comes_back, a_name_is_given_once,
            one_of_many_at_once_gets_the_name, many_users_at_once, people_are_found_by_prefix, a_search_in_pages,
            a_profile_changes, last_seen_only_grows, credentials_are_kept, sessions_are_listed_and_revoked,
            a_refresh_rotates, a_late_refresh_is_recent_within_the_grace, a_reused_refresh_ends_the_family,
            one_of_many_refreshes_rotates, a_session_that_is_over_does_not_refresh, blocks_go_one_way_and_hide_both);
    };
    (store_files, $fresh:path) => {
        $crate::contract_tests!(@ store_files, $fresh: a_file_comes_back, a_file_completes_once,
            only_pending_files_are_deleted, abandoned_files_are_found, creating_again_changes_nothing);
    };
    (directory, $fresh:path) => {
        $crate::contract_tests!(@ directory, $fresh: presence_follows_connections, away_counts_when_all_are,
            only_changes_are_told, entering_again_is_the_same_connection, leaving_again_changes_nothing,
            last_seen_is_kept, whereabouts, watchers_are_told, a_quota_bursts_then_flows, quotas_are_apart,
            a_node_is_forgotten_once, a_retired_node_takes_its_entries_along);
    };
    (@ $suite:ident, $fresh:path: $($case:ident),*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            $crate::contract::$suite::$case($fresh().await).await;
        })*
    };
}

#[cfg(test)]
mod tests {
    /// A case that no list names would never run.
    #[test]
    fn every_case_is_listed() {
        let lists = include_str!("contract.rs");
        let suites = [
            include_str!("contract/directory.rs"),
            include_str!("contract/log.rs"),
            include_str!("contract/store_accounts.rs"),
            include_str!("contract/store_conversations.rs"),
            include_str!("contract/store_files.rs"),
            include_str!("contract/store_messages.rs"),
            include_str!("contract/store_order.rs"),
            include_str!("contract/tail.rs"),
            include_str!("contract/tail_claims.rs"),
        ];
        for line in suites.iter().flat_map(|suite| suite.lines()) {
            if let Some((name, _)) = line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once('(')) {
                let listed = lists.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
                assert!(listed, "no list has the case {name}");
            }
        }
    }
}
