"""The fault matrix: each row, what must hold, the recovery that was aimed at, and the tests that try it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`target`: seconds at production's times; None where nothing has to recover. `tests`: file::function, which
    inject the fault as often as they note by `counted`, and once when they do not. `also`: tests that ask the same of
    the code alone; they inject nothing.

    `databases`: on which they run (a test that is for one of them skips itself on the other); `divisor`: by what the
    times of those that measure a recovery are divided.
    """

    n: int
    fault: str
    holds: str
    target: float | None
    tests: tuple[str, ...]
    note: str = ""
    also: tuple[str, ...] = ()
    databases: tuple[str, ...] = ("SQLite",)
    divisor: str = "10"


BOTH, POSTGRES = ("SQLite", "PostgreSQL"), ("PostgreSQL",)

NAMES = ("kills", "crowd", "races", "databases", "hosts", "edges", "admin")
K, C, R, D, H, E, X = (f"tests/faults/test_{n}.py" for n in NAMES)
A = "tests/test_database_away.py"

ROWS = (
    Row(1, "a hundred clicks on Iniciar at once", "robots ≤ min(max_robots, pending)", None, (
        "tests/test_clicks.py::test_a_hundred_simultaneous_clicks_on_iniciar_ask_for_exactly_max_robots_robots",
        "tests/test_robos.py::test_twenty_clicks_at_once_ask_for_max_robots_robots",
    ), databases=BOTH),
    Row(2, "click, tick and a second scheduler at once", "one reservation a place", None, (
        f"{R}::test_clicks_and_two_schedulers_at_once_never_ask_for_one_robot_too_many",
        "tests/test_agenda.py::test_schedulers_that_race_for_one_due_time_start_it_once",
    ), databases=BOTH),
    Row(3, "robot SIGKILL before its claim", "no item changes", 5, (
        f"{K}::test_a_robot_killed_before_its_claim_costs_no_item_anything",
    )),
    Row(4, "robot SIGKILL between claim and result", "its item back once, no other touched", 5, (
        f"{K}::test_a_robot_killed_with_its_item_gives_that_item_back_once_and_touches_no_other",
        f"{K}::test_robots_killed_at_random_times_lose_nothing",
        "tests/test_chain.py::test_a_robot_killed_with_its_item_is_replaced_and_the_item_answered_once_by_another",
    )),
    Row(5, "robot SIGKILL right after the result's commit", "stays answered, asked once", None, (
        f"{K}::test_a_robot_killed_right_after_its_answer_was_committed_is_not_asked_again",
        f"{K}::test_a_supervisor_killed_at_any_point_leaves_its_robot_to_the_watchdog",
    ), "The queue's message is acknowledged before the work, so there is no later acknowledgement to lose."),
    Row(6, "frozen beyond the lease, thawed after another answered", "the zombie writes nothing, gone in 10 s", 10, (
        f"{H}::test_robots_of_a_frozen_host_that_wake_after_others_answered_their_items_write_nothing",
        "tests/test_chain.py::test_a_frozen_robot_makes_no_progress_and_is_killed_and_its_item_retried",
    ), also=(
        "tests/test_verbs.py::test_a_robot_whose_item_was_taken_away_writes_nothing",
        f"{A}::test_a_zombie_that_was_given_up_for_lost_and_leaves_by_itself_is_told_of",
        "tests/test_late_robots.py::test_what_its_login_meets_does_not_end_the_batch_that_others_work_on",
    ), databases=BOTH),
    Row(7, "supervisor frozen", "its robot works on, no second one", 75, (
        f"{K}::test_a_frozen_supervisor_has_its_robot_replaced_by_nobody_while_that_works",
    )),
    Row(8, "SIGTERM to host or cluster, once and five times", "items answered or back with their attempt", 35, (
        f"{K}::test_five_sigterms_to_the_cluster_let_it_work_on_and_the_batch_ends",
        "tests/test_chain.py::test_a_host_told_to_stop_gives_the_items_back_with_their_attempts_and_leaves_nothing",
        "tests/test_commands.py::test_ctrl_c_while_a_batch_runs_gives_everything_back_and_leaves_nothing",
    )),
    Row(9, "the whole cluster SIGKILL", "robots leave by their pipe's end", 75, (
        f"{K}::test_a_cluster_killed_whole_is_replaced_and_its_robots_leave_by_their_pipes_end",
        "tests/test_chain.py::test_robot_supervisor_and_cluster_killed_together_are_repaired_by_the_living_host",
        "tests/test_chain.py::test_robot_cluster_and_host_killed_at_once_leave_no_browser_behind",
    )),
    Row(10, "one django-q2 process SIGKILL (the known wedge)", "the canary tells, the cluster is replaced", 120, (
        f"{K}::test_a_killed_process_of_the_cluster_is_noticed_and_the_next_batch_ends",
        f"{K}::test_each_idle_worker_killed_in_turn_is_replaced_or_the_whole_cluster_is",
        f"{K}::test_a_process_of_the_cluster_killed_with_a_batch_at_work_costs_no_answer_and_no_attempt",
        "tests/test_chain.py::test_a_wedged_cluster_is_noticed_by_its_canary_and_restarted",
    )),
    Row(11, "ChromeDriver, Chromium or tab killed or frozen, a page without end", "a fresh one answers", 90, (
        f"{E}::test_a_browser_that_dies_or_hangs_is_replaced_and_its_item_answered",
        f"{E}::test_a_page_that_never_ends_or_kills_its_tab_costs_one_attempt",
    ), divisor="5"),
    Row(12, "a robot out of memory", "ends by SIGKILL, counted as a crash; the third is poison", 5, (
        f"{C}::test_an_item_that_kills_its_robot_three_times_is_poison_and_all_others_are_answered",
        "tests/test_memory.py::test_a_robot_that_the_kernel_ends_for_want_of_memory_is_recorded_as_such",
    ), "The kernel kills it, in a memory cgroup of its own; where none can be made (not root), it does so itself."),
    Row(13, "PostgreSQL crashes (immediate) in a batch", "nothing lost or doubled, no attempt used up", 10, (
        f"{D}::test_a_crash_of_postgresql_in_the_middle_of_a_batch_loses_and_doubles_nothing",
        f"{D}::test_a_crash_of_postgresql_while_three_robots_start_does_not_end_their_batch",
        f"{D}::test_an_outage_longer_than_every_limit_counts_no_crash_and_restarts_no_cluster",
    ), also=(
        f"{A}::test_its_supervisor_gives_the_item_back_and_three_of_them_do_not_end_the_batch",
    ), databases=POSTGRES),
    Row(14, "a connection cut before or after its COMMIT", "answered once", None, (
        f"{D}::test_a_commit_that_is_lost_or_whose_reply_is_lost_answers_once",
        f"{D}::test_a_host_whose_start_loses_its_database_tries_again",
    ), also=(
        "tests/test_verbs.py::test_a_finish_whose_reply_was_lost_succeeds_again_even_after_the_batch_was_closed",
    ), databases=POSTGRES),
    Row(15, "SQLite held by a writer, and a crowd of writers", "time lost, nothing else", 20, (
        f"{D}::test_a_crowd_of_writers_and_one_that_sits_on_sqlite_cost_time_and_nothing_else",
        "tests/test_commands.py::test_a_database_locked_by_somebody_else_is_a_sentence",
    ), divisor="5, in full 1"),
    Row(16, "disk full", "work stops, and goes on by itself when there is room", 60, (
        f"{D}::test_a_full_disk_for_logs_and_browsers_stops_work_and_space_starts_it_again",
        f"{D}::test_a_full_disk_under_the_database_loses_nothing",
        "tests/test_envios.py::test_an_upload_on_a_full_disk_is_refused_with_507_and_a_sentence",
        "tests/test_envios.py::test_the_api_answers_an_upload_on_a_full_disk_with_a_507_problem",
        "tests/test_envios.py::test_a_full_disk_under_the_database_refuses_an_upload_with_507_and_keeps_nothing_of_it",
    ), also=(
        "tests/test_disco.py::test_a_robot_takes_no_item_while_the_disk_is_full_and_the_work_goes_on_when_it_is_not",
        "tests/test_disco.py::test_a_browser_that_breaks_on_a_full_disk_costs_its_item_no_attempt",
        "tests/test_disco.py::test_a_browser_that_does_not_start_on_a_full_disk_is_no_fault_of_ours",
    )),
    Row(17, "queue rows deleted, doubled, stale", "answered all the same, no second robot", 68, (
        f"{C}::test_messages_that_come_twice_or_with_a_lock_of_yesterday_start_no_second_robot",
        f"{C}::test_messages_that_were_lost_are_sent_again",
        "tests/test_chain_portal.py::test_a_robot_that_was_sent_and_never_started_is_lost_and_asked_for_again",
    ), "A lost message is noticed after SENT_TIMEOUT_SECONDS (60 s) and not in one tick: a slow one is not lost."),
    Row(18, "the clock jumps by an hour, or is wrong", "nobody is taken for dead; a wrong host refuses", None, (
        f"{D}::test_a_jump_of_the_wall_clock_takes_nobody_for_dead",
        f"{D}::test_a_host_whose_clock_is_wrong_refuses_to_start",
    ), also=(
        "tests/test_clock_jump.py::test_the_watchdog_kills_and_expires_nothing_right_after_a_jump",
        "tests/test_clock_jump.py::test_a_supervisor_does_not_take_its_robot_for_stuck_after_a_jump",
        "tests/test_clock_jump.py::test_the_canary_is_waited_for_by_the_monotonic_clock",
    ), databases=BOTH),
    Row(19, "web server killed, or client gone, in an upload", "no execution, no file left", None, (
        f"{E}::test_an_upload_that_breaks_off_leaves_no_execution_and_no_file",
        "tests/test_envios.py::test_an_upload_that_breaks_off_leaves_nothing",
    )),
    Row(20, "a batch of 100 000 files", "enqueued in 60 s, in one transaction", 60, (
        f"{R}::test_a_long_list_is_enqueued_whole_in_time_and_seen_by_nobody_before",
        "tests/test_nova_large.py::test_a_hundred_thousand_names_are_checked_and_enqueued_within_a_minute_and_300_mb",
    ), databases=BOTH, divisor="1"),
    Row(21, "a dead robot's pid passed to a stranger", "the stranger lives", None, (
        f"{E}::test_a_stranger_that_got_the_pid_of_a_dead_robot_is_not_killed",
        f"{E}::test_a_kill_that_finds_a_stranger_under_the_pid_spares_it_and_says_so_in_the_history",
        "tests/test_processes.py::test_the_session_of_a_stranger_that_leads_it_with_the_pid_of_a_dead_robot_is_not_the_robots",
        "tests/test_strangers.py::test_the_janitor_kills_what_a_robot_left_and_no_daemon_that_got_its_pid_long_after",
        "tests/test_strangers.py::test_a_host_that_starts_clears_its_own_and_no_daemon_that_got_the_pid_while_it_was_off",
    )),
    Row(22, "two watchdogs, a finish and a kill at once", "one winner, one crash counted", None, (
        f"{R}::test_two_watchdogs_a_robot_and_a_kill_at_once_end_an_item_once",
        "tests/test_verbs.py::test_two_watchdogs_reset_an_item_once",
        "tests/test_verbs.py::test_of_a_supervisor_and_a_watchdog_one_records_the_end_and_the_item_crashes_once",
        "tests/test_verbs.py::test_a_finish_that_races_with_an_end_has_one_winner_and_right_counters",
    ), databases=BOTH),
    Row(23, "Encerrar todos while batches are enqueued, started, claimed", "final for its generation", 10, (
        f"{C}::test_kill_all_while_batches_are_enqueued_started_and_claimed_is_final",
        "tests/test_robos.py::test_kill_all_against_clicks_leaves_no_robot_that_may_go_on",
        "tests/test_chain.py::test_killrobots_all_ends_everything_and_a_later_reopening_finishes_the_batch",
    ), databases=BOTH),
    Row(24, "an item that kills its robot", "`veneno` after three crashes, all others answered", None, (
        f"{C}::test_an_item_that_kills_its_robot_three_times_is_poison_and_all_others_are_answered",
    ), also=(
        "tests/test_verbs.py::test_three_crashes_are_poison_and_cost_no_attempt",
        "tests/test_strangers.py::test_an_item_that_takes_its_host_down_three_times_is_poison",
    )),
    Row(25, "portal down, flickering, login refused, captcha", "down: no attempt used up, few probes, resumes", 300, (
        f"{C}::test_an_outage_uses_no_attempt_up_and_the_batch_goes_on_by_itself",
        f"{C}::test_a_portal_that_fails_every_second_request_is_answered_for_in_the_end",
        f"{C}::test_a_portal_that_answers_no_login_is_down_though_its_forms_can_be_read",
        f"{C}::test_a_portal_that_answers_no_search_is_down_though_it_lets_everybody_in",
        "tests/test_chain_portal.py::test_an_outage_opens_the_breaker_uses_no_attempt_up_probes_rarely_and_ends_by_itself",
        "tests/test_commands.py::test_a_login_that_needs_a_person_ends_the_batch_after_one_try",
    ), also=(
        "tests/test_robos.py::test_a_refused_credential_ends_its_batches_and_serves_again_after_a_new_password",
        "tests/test_robos.py::test_a_refusal_of_the_old_password_does_not_refuse_the_new_one",
        "tests/test_late_robots.py::test_a_refusal_of_a_password_that_was_changed_meanwhile_ends_the_robot_alone",
        "tests/test_suspicion.py::test_logins_that_nobody_answers_open_the_breaker_though_the_forms_can_be_read",
    )),
    Row(26, "a host cut off from the database, or from the portal", "no item has two robots; the batch ends", 75, (
        f"{H}::test_a_host_cut_off_from_the_database_ends_its_browsers_before_the_other_takes_their_items",
        f"{H}::test_a_host_cut_off_from_the_portal_alone_leaves_the_work_to_the_one_that_reaches_it",
    ), also=(
        f"{A}::test_a_robot_ends_before_its_lease_and_says_whether_the_database_or_a_freeze_was_the_reason",
        "tests/test_idle_transaction.py::test_the_server_ends_the_transaction_and_its_owner_takes_the_database_for_away",
    ), databases=POSTGRES, divisor="4; from the portal 10"),
    Row(27, "a whole host gone, the last watchdog with it", "the other takes over", 90, (
        f"{H}::test_a_host_that_loses_its_power_is_replaced_by_the_other_whoever_watched_last",
        "tests/test_two_hosts.py::test_a_host_that_is_gone_loses_its_item_to_the_other_and_is_cleared_when_it_comes_back",
        "tests/test_chain.py::test_a_host_that_is_gone_loses_its_items_to_the_next_one_which_clears_what_it_left",
    ), databases=BOTH),
    Row(28, "a batch edited or deleted in the admin while it runs", "refused, or just the edit is written", None, (
        f"{X}::test_a_batch_at_work_is_edited_by_many_and_deleted_by_nobody_and_ends_right",
    ), also=(
        "tests/test_admin.py::test_nothing_is_added_nor_deleted_by_hand",
        "tests/test_admin.py::test_saving_an_execution_writes_nothing_but_what_was_edited",
    )),
    Row(29, "max_robots lowered under those that run", "no kill, no constraint broken", None, (
        f"{C}::test_lowering_max_robots_under_those_that_work_kills_nobody_and_breaks_nothing",
        f"{X}::test_eight_robots_become_two_by_an_admins_save_and_nobody_is_killed",
        "tests/test_verbs.py::test_exactly_the_surplus_leaves_when_all_ask_at_once",
    ), databases=BOTH),
)  # fmt: skip
