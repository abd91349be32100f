//! What every store must do, as named cases. A store passes when all of them pass on it.
//!
//! A case gets a fresh, empty data set and knows nothing of the back end but its [`Harness`]. Where time must pass it asks the
//! harness, which moves a manual clock or waits a few real milliseconds; so leases that must hold are long ones ([`LONG`]) and
//! leases that must end are [`SHORT`].
//!
//! A store's tests say `conformance!(name, harness)`, where `harness` is a path to an `async fn() -> Option<Box<dyn Harness>>`;
//! `None` skips, for a back end that is not there. Each case becomes a test of its own, named `name::group::case`.
#![allow(clippy::unwrap_used)]

pub(crate) mod claiming;
pub(crate) mod committing;
pub(crate) mod creating;
pub(crate) mod feed;
pub(crate) mod first_intents;
pub(crate) mod fixtures;
pub(crate) mod gates;
pub(crate) mod keeping;
pub(crate) mod listing;
pub(crate) mod money;
pub(crate) mod money_at_random;
pub(crate) mod reuse;
pub(crate) mod settling;
pub(crate) mod waking;
mod world;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

pub(crate) use self::world::World;
use crate::{
    domain::{ids::JobId, job::Job},
    store::Store,
};

/// A lease that outlasts any case.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// A lease or delay that a case waits for.
pub(crate) const SHORT: Duration = Duration::from_millis(5);

/// A fresh data set of one store, and what a case cannot do through the store itself.
#[async_trait]
pub(crate) trait Harness: Send + Sync {
    fn store(&self) -> Arc<dyn Store>;

    /// Returns when the store's clock has moved on by at least this much.
    async fn advance(&self, by: Duration);

    /// Replaces the record of a job by bytes that no version can read.
    async fn damage(&self, id: &JobId);

    /// Puts a readable record back.
    async fn mend(&self, job: &Job);

    /// Names that the back end shows to its operator and keeps in the clear: all keys, or all key columns.
    async fn names(&self) -> Vec<String>;

    /// Feed entries that each shard keeps at least: between 30 and 100, so that a case can outrun them.
    fn feed_kept_min(&self) -> u64;

    /// How long paid answers are remembered: at least an hour and at most a year.
    fn retention(&self) -> Duration;
}

/// Stamps one test per case for a store.
macro_rules! conformance {
    ($store:ident, $harness:path) => {
        mod $store {
            $crate::store::conformance::stamp! { $harness;
                creating: [
                    a_new_job_is_started_and_reads_back
                    a_claimed_creation_is_leased
                    a_repeated_creation_is_started_again_without_a_lease
                    a_repeated_creation_that_joined_a_job_is_given_it_again
                    a_hundred_creations_at_once_start_one_job
                    a_living_job_takes_later_requests
                    another_tenant_person_or_product_starts_its_own_job
                ]
                reuse: [
                    a_paid_answer_is_reused_while_it_is_young_enough
                    the_newest_paid_answer_is_reused_or_that_of_the_asked_provider
                    a_definite_no_is_reused
                    a_job_with_an_unknown_charge_comes_back_until_it_is_settled
                    a_paid_answer_goes_before_an_unknown_charge
                    a_living_job_goes_before_an_unknown_charge
                    a_job_that_cost_nothing_leaves_no_trace
                    an_older_answer_does_not_hide_a_newer_one
                    an_answer_past_the_retention_is_forgotten
                    a_job_that_is_given_again_brings_its_answer
                    a_job_with_an_unknown_charge_brings_no_answer
                    random_requests_and_ends_agree_with_the_model
                ]
                claiming: [
                    the_longest_due_is_claimed_first
                    a_claim_reaches_all_shards
                    a_leased_job_is_not_claimed_again
                    an_expired_lease_is_claimed_with_a_higher_fence
                    two_claimers_never_get_the_same_job
                    an_empty_store_has_nothing_due
                    a_released_job_is_due_at_once
                    a_stale_release_does_nothing
                    a_job_that_was_put_off_can_be_hastened
                    a_leased_job_that_is_hastened_is_due_when_its_lease_is_given_up
                    to_hasten_puts_nothing_off_and_brings_nothing_back
                    an_unreadable_record_is_reported_and_left_alone
                    a_record_that_could_not_be_read_does_not_look_stalled_when_it_can
                    a_job_that_moves_has_not_stalled
                    an_unchanged_due_time_does_not_hide_a_stall
                ]
                committing: [
                    a_commit_is_read_back_under_the_next_version
                    a_stale_version_changes_nothing
                    a_stale_fence_changes_nothing
                    a_missing_job_is_a_conflict
                    without_a_fence_the_version_decides
                    of_many_commits_at_once_one_is_done
                    a_repeated_commit_is_done_again_and_once
                    a_held_lease_is_renewed
                    a_repeated_hold_still_has_its_lease
                    a_repeated_hold_does_not_bring_back_a_lost_lease
                    a_due_time_gives_up_the_lease
                    an_unchanged_due_time_keeps_the_lease
                    an_ended_job_is_never_due
                    exactly_the_living_jobs_are_due
                    the_answer_is_kept_sealed
                    commits_and_creations_ring
                ]
                waking: [
                    the_end_of_a_job_wakes_its_dependents
                    a_dependent_that_is_leased_is_woken_when_it_gives_up_its_lease
                    a_new_claim_has_heard_the_wake
                    a_dependent_that_has_ended_stays_ended
                    a_dependent_that_is_gone_is_no_matter
                ]
                money: [
                    an_intent_opens_a_row
                    an_open_charge_blocks_its_unit
                    of_many_intents_at_once_one_is_recorded
                    an_unknown_charge_blocks_unless_a_repeat_is_allowed
                    leave_for_a_repeat_is_spent_once
                    a_paid_charge_blocks_while_it_is_fresh
                    a_charge_that_was_not_made_frees_its_unit
                    every_part_of_a_unit_tells_units_apart
                    a_reference_is_noted_while_the_charge_stays_open
                    a_late_fact_is_recorded_as_late
                    a_paid_charge_never_becomes_unknown_again
                    a_fact_about_an_older_intent_leaves_the_unit_alone
                    a_day_has_so_many_charges_per_person_and_step
                    a_charge_that_was_not_made_gives_its_place_in_the_day_back
                    a_repeated_intent_takes_one_place
                    a_refused_intent_changes_nothing
                ]
                first_intents: [
                    it_leaves_what_a_creation_and_the_commit_of_its_intent_leave
                    its_call_goes_on_as_any_other
                    the_commit_of_its_intent_was_done
                    a_unit_that_is_taken_leaves_the_job_alone
                    a_day_that_is_full_leaves_the_job_alone
                    one_that_comes_when_its_sender_calls_no_more_leaves_the_job_alone
                    a_repetition_has_neither_lease_nor_intent
                    one_that_another_job_serves_opens_no_charge
                    of_many_at_once_for_one_unit_one_has_the_intent
                    it_is_fed_and_listed_as_it_stands
                ]
                settling: [
                    an_operator_settles_unknown_charges_and_frees_their_units
                    an_operator_frees_the_unit_of_a_lost_answer
                    an_operator_frees_the_unit_of_an_answer_that_came_after_another_no
                ]
                money_at_random: [
                    calls_and_outcomes_agree_with_the_model
                ]
                listing: [
                    pages_go_from_new_to_old_over_all_shards
                    only_work_history_jobs_of_the_tenant_are_listed
                    states_filter_a_list
                    labels_filter_a_list
                    birth_times_filter_a_list
                    charges_page_from_new_to_old
                    charges_are_filtered
                ]
                feed: [
                    creations_and_events_are_fed_in_order
                    what_a_watcher_cannot_see_is_not_fed
                    a_page_is_bounded_and_goes_on_where_it_ended
                    an_old_position_has_expired
                    commits_at_once_leave_no_gap
                ]
                gates: [
                    calls_are_spread_by_the_rate
                    a_place_that_was_not_used_costs_no_call_of_the_rate
                    a_call_that_may_soon_begin_is_granted_and_told_when
                    turns_of_a_rate_follow_each_other_and_who_waits_longest_is_first
                    nobody_is_told_to_wait_for_long
                    only_the_last_call_of_a_rate_gives_its_interval_back
                    so_many_calls_go_at_a_time
                    who_leaves_calls_who_waits_longest
                    who_is_called_comes_when_the_rate_allows_it
                    who_is_called_and_does_not_come_has_no_turn
                    a_job_whose_time_is_up_is_not_called
                    nobody_is_called_to_an_open_breaker
                    a_place_is_given_up_by_itself
                    entering_twice_takes_one_place
                    failures_open_the_breaker
                    a_good_call_forgets_failures
                    one_probe_tries_a_half_open_breaker
                    a_failed_probe_opens_the_breaker_again
                    a_good_probe_closes_the_breaker
                    an_unused_probe_gives_way_to_the_next
                    leaving_twice_or_unknown_is_no_news
                    what_an_operator_must_mend_is_shown_until_it_is_mended
                    gates_of_providers_are_apart
                ]
                keeping: [
                    the_data_set_keeps_its_epoch
                    versions_are_those_that_reads_give
                    a_request_id_is_bound_once
                    a_request_id_tells_which_job_answered_it
                    a_request_id_is_forgotten_after_its_time
                    of_many_reservations_at_once_one_is_new
                    purge_removes_jobs_that_ended_long_ago
                    purge_never_removes_a_living_job
                    purge_is_bounded
                    purge_forgets_what_could_be_reused
                    purge_leaves_a_job_that_must_be_settled_but_not_its_person
                    no_name_tells_a_person_apart_by_curp
                ]
            }
        }
    };
}
pub(crate) use conformance;

macro_rules! stamp {
    ($harness:path; $($group:ident: [$($case:ident)*])*) => {
        $(mod $group {
            $(#[tokio::test]
            async fn $case() {
                if let Some(harness) = $harness().await {
                    let world = $crate::store::conformance::World::new(harness);
                    $crate::store::conformance::$group::$case(&world).await;
                }
            })*
        })*
    };
}
pub(crate) use stamp;
