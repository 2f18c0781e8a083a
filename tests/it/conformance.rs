//! One set of behaviours that every service is held to: a provider that is added is a subject more.

mod gateway;
mod life;
mod lost;
mod others;
mod stage;
mod subject;

use crate::support::in_moved_time;

/// One test for each behaviour, of one subject.
macro_rules! behaviours {
    ($subject:ident: $($about:ident::{$($behaviour:ident),* $(,)?}),* $(,)?) => {
        $($(
            #[test]
            fn $behaviour() {
                in_moved_time(super::$about::$behaviour(&super::subject::$subject));
            }
        )*)*
    };
}

/// Every behaviour, of each subject.
macro_rules! subjects {
    ($($name:ident = $subject:ident),* $(,)?) => {
        $(mod $name {
            use super::in_moved_time;

            behaviours! {
                $subject:
                life::{
                    a_room_is_created_once,
                    after_a_lost_state_it_is_a_conflict,
                    after_a_lost_state_it_is_adopted,
                    a_destroy_of_what_is_gone_is_done,
                    a_room_that_is_gone_is_forgotten,
                    a_second_destroy_is_of_a_missing_room,
                    what_is_not_there_is_gone,
                    a_half_made_room_is_finished,
                },
                lost::{
                    a_create_that_is_lost,
                    a_change_that_is_lost,
                    a_destroy_that_is_lost,
                    a_create_that_lands_late,
                    a_change_that_lands_late,
                    a_destroy_that_lands_late,
                    a_request_that_is_refused,
                    a_look_that_is_garbled,
                    somebody_elses_room_is_not_taken_for_ours,
                },
                gateway::{
                    too_often_slows_down_and_fails_nothing,
                    an_expired_signature_is_made_anew_once,
                    a_clock_that_stays_wrong_halts_the_provider,
                    an_unknown_user_is_told,
                    users_are_made_known_once,
                    a_plan_makes_nobody_known,
                },
                others::{
                    what_others_wrote_is_left_alone,
                    what_others_wrote_counts,
                    people_are_waited_for,
                    people_are_thrown_out_where_said,
                    one_room_is_evicted,
                },
            }
        })*
    };
}

subjects! { zim = ZIM, rtc = RTC, tencent_live = TENCENT_LIVE }
