//! What holds on every database: each story is told on SQLite and on PostgreSQL.

mod accounts;
mod events;
mod leases;
mod opening;
mod requests;
mod runs;
mod steps;

macro_rules! told_on_both {
    ($($room:ident { $($story:ident,)+ })+) => {
        mod sqlite {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $story() {
                    crate::harness::on_sqlite(crate::contract::$room::$story).await;
                })+
            })+
        }

        mod postgres {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $story() {
                    crate::harness::on_postgres(crate::contract::$room::$story).await;
                })+
            })+
        }
    };
}

told_on_both! {
    opening {
        eight_openers_at_once_make_one_schema,
        what_was_recorded_is_there_after_a_restart,
        a_database_from_a_newer_program_is_refused_and_left_alone,
        a_schema_of_another_build_is_refused,
        a_closed_database_refuses_calls_and_other_handles_go_on,
    }
    runs {
        a_run_is_started_read_and_finished,
        a_name_is_never_used_twice,
        a_run_ends_once,
        runs_come_newest_first_page_by_page,
        a_domain_has_a_last_run,
        runs_under_an_older_fence_are_abandoned_with_their_steps,
        old_runs_are_forgotten_with_all_that_is_known_of_them,
        any_text_survives,
        a_row_changed_by_hand_is_an_error_that_names_it,
    }
    requests {
        requests_wait_in_their_order_until_a_run_answers_them,
        of_many_who_answer_a_request_one_starts_a_run,
    }
    steps {
        a_step_is_overwritten_as_it_goes_on,
        a_step_of_an_unknown_run_is_refused,
    }
    events {
        events_are_numbered_and_found_by_run_and_domain,
        a_batch_with_an_event_of_an_unknown_run_leaves_nothing,
        a_reader_that_remembers_its_last_number_misses_nothing,
        an_append_that_is_given_up_half_way_leaves_nothing,
    }
    accounts {
        a_user_is_added_once_and_changed_with_an_entry_for_each_change,
        a_user_who_is_disabled_loses_keys_and_sessions_for_good,
        a_key_is_added_used_and_revoked_once,
        a_refresh_token_that_comes_twice_ends_its_session,
        of_sixteen_who_refresh_at_once_at_most_one_goes_on,
        the_trail_is_numbered_found_by_who_and_forgotten_by_age,
    }
    leases {
        sixteen_handles_race_for_fifty_rounds_and_each_has_one_holder,
        sixteen_handles_race_for_an_expired_lease_and_one_gets_it,
        a_stale_holder_changes_nothing,
        a_lease_that_nobody_took_can_be_renewed_after_its_time,
        a_renewed_lease_does_not_expire,
        a_released_lease_is_free_at_once_and_does_not_come_back,
        a_holder_that_asks_again_is_busy_with_itself,
        leases_of_other_names_do_not_hinder_each_other,
        the_longest_time_does_not_overflow,
    }
}
