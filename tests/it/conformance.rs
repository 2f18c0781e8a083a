//! The conformance suite of the services: every rule runs on every service. A new service is one more
//! subject.

mod gateway;
mod life;
mod lost;
mod others;
mod stage;
mod subject;

use crate::support::with_paused_clock;

/// Defines one test for each behaviour of one subject.
macro_rules! behaviours {
    ($subject:ident: $($about:ident::{$($behaviour:ident),* $(,)?}),* $(,)?) => {
        $($(
            #[test]
            fn $behaviour() {
                with_paused_clock(super::$about::$behaviour(&super::subject::$subject));
            }
        )*)*
    };
}

/// Defines every test for each subject.
macro_rules! subjects {
    ($($name:ident = $subject:ident),* $(,)?) => {
        $(mod $name {
            use super::with_paused_clock;

            behaviours! {
                $subject:
                life::{
                    a_room_is_created_once,
                    a_room_of_a_lost_state_is_a_conflict,
                    a_room_of_a_lost_state_can_be_adopted,
                    a_destroy_of_a_missing_room_succeeds,
                    an_undeclared_room_that_vanished_is_forgotten,
                    a_second_destroy_reports_a_missing_room,
                    a_missing_room_is_observed_as_gone,
                    a_partly_created_room_is_finished_by_the_next_run,
                },
                lost::{
                    a_lost_create_is_looked_up,
                    a_lost_change_is_looked_up,
                    a_lost_destroy_is_looked_up,
                    a_late_create_is_not_repeated,
                    a_late_change_is_not_repeated,
                    a_late_destroy_is_not_repeated,
                    a_refused_connection_is_retried_without_a_lookup,
                    a_query_without_a_readable_answer_is_retried,
                    a_foreign_room_created_during_our_create_is_not_ours,
                },
                gateway::{
                    throttling_slows_a_run_down_without_failures,
                    an_expired_signature_is_renewed_once,
                    a_wrong_clock_stops_the_provider,
                    an_unknown_user_is_classified_as_such,
                    users_are_registered_once,
                    a_plan_registers_no_user,
                },
                others::{
                    foreign_attributes_and_rooms_are_left_alone,
                    foreign_attributes_count_towards_the_limit,
                    an_occupied_room_defers_its_destroy,
                    on_occupied_destroy_destroys_an_occupied_room,
                    evict_destroys_an_occupied_room,
                },
            }
        })*
    };
}

subjects! { zim = ZIM, rtc = RTC, tencent_live = TENCENT_LIVE }
