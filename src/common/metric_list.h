/*
 * Every metric of GET /metrics, once, in the order in which they are written.
 * Included many times on purpose: no guard. The gateway's output and the table
 * in mercury-gateway(8) come from here; src/gateway/metrics.c says where each
 * value comes from.
 *
 *     METRIC(ID, "name", TYPE, "labels", "help")
 *
 * TYPE    COUNTER, GAUGE or HISTOGRAM(one of those in common/histogram.h)
 * labels  beside le of a histogram, with a space between two. Nothing that a
 *         peer can choose may become a label.
 * help    one sentence
 */
/* clang-format off */

/* --- the daemon --- */
METRIC(INFO, "mercury_info", GAUGE, "version",
    "1 always; the label is the version of the daemon.")
METRIC(STATE, "mercury_state", GAUGE, "state",
    "1 for the state that the daemon is in, 0 for the others.")
METRIC(READY, "mercury_ready", GAUGE, "",
    "1 if the daemon is ready: it runs, is not draining, and every required listener is ready.")
METRIC(DRAINING, "mercury_draining", GAUGE, "",
    "1 if the daemon is drained by an operator, or shuts down.")
METRIC(UPTIME, "mercury_uptime_seconds", GAUGE, "",
    "Time since mercuryd was started.")
METRIC(LISTENERS, "mercury_listeners", GAUGE, "state",
    "Listeners in each state.")
METRIC(LOOP_LAG, "mercury_supervisor_loop_lag_seconds", HISTOGRAM(LOOP_LAG), "",
    "How late the supervisor's event loop came to a timer that is due each second.")
METRIC(LOOP_LAG_MAX, "mercury_supervisor_loop_lag_max_seconds", GAUGE, "",
    "The highest of these since mercuryd was started.")

/* --- each listener --- */
METRIC(LISTENER_STATE, "mercury_listener_state", GAUGE, "listener state",
    "1 for the state that the listener is in, 0 for the others.")
METRIC(LISTENER_READY, "mercury_listener_ready", GAUGE, "listener",
    "1 if the listener is ready; mercuryctl status says why it is not.")
METRIC(LISTENER_DRAINING, "mercury_listener_draining", GAUGE, "listener",
    "1 if an operator has drained it: it serves on, and is not ready.")
METRIC(LISTENER_REQUIRED, "mercury_listener_required", GAUGE, "listener",
    "1 if the daemon is not ready without it.")
METRIC(LISTENER_QUEUEING, "mercury_listener_queueing", GAUGE, "listener",
    "1 if it is paused and clients wait in its queue.")
METRIC(LISTENER_CONNECTIONS, "mercury_listener_connections", GAUGE, "listener",
    "Open connections, also of workers that drain.")
METRIC(LISTENER_CONNECTIONS_LIMIT, "mercury_listener_connections_limit", GAUGE, "listener",
    "Its max_connections; 0: no limit.")
METRIC(LISTENER_ALARM, "mercury_listener_alarm_ratio", GAUGE, "listener",
    "How near to the limit it was alarmed last: 0.8, 0.95 or 1; 0: no alarm.")
METRIC(LISTENER_ACCEPTED, "mercury_listener_accepted_total", COUNTER, "listener",
    "Connections accepted, probes included.")
METRIC(LISTENER_ENDED, "mercury_listener_ended_total", COUNTER, "listener reason",
    "Connections that ended, by the reason.")
METRIC(LISTENER_REJECTED, "mercury_listener_rejected_total", COUNTER, "listener",
    "Connections closed at once because there were too many.")
METRIC(LISTENER_DENIED, "mercury_listener_denied_total", COUNTER, "listener",
    "Connections of peers that may not connect.")
METRIC(LISTENER_PROBES, "mercury_listener_probes_total", COUNTER, "listener kind",
    "Probes: closed by the peer (fin), reset by it (rst), called LOCAL by a PROXY header (local), no more than a TLS handshake (tls).")
METRIC(LISTENER_HANDSHAKE_FAILURES, "mercury_listener_handshake_failures_total", COUNTER, "listener",
    "Connections whose PROXY header or TLS handshake failed.")
METRIC(LISTENER_HANDSHAKE, "mercury_listener_handshake_seconds", HISTOGRAM(HANDSHAKE), "listener",
    "From accept to ready: PROXY header and TLS handshake of those that succeeded, without listed probes; a listener that wants neither has none.")
METRIC(LISTENER_LIFE, "mercury_listener_connection_seconds", HISTOGRAM(LIFE), "listener",
    "How long connections lasted, at their end; not of probes, of those that were never ready, and of those that a crash of their worker ended.")
METRIC(LISTENER_RECEIVED, "mercury_listener_received_bytes_total", COUNTER, "listener",
    "Bytes that peers sent; of TLS, what was in its records.")
METRIC(LISTENER_SENT, "mercury_listener_sent_bytes_total", COUNTER, "listener",
    "Bytes sent to peers; of TLS, what was in its records.")
METRIC(LISTENER_ACCEPT_ERRORS, "mercury_listener_accept_errors_total", COUNTER, "listener",
    "Times that accepting paused for want of descriptors or memory.")
METRIC(LISTENER_DRAINED, "mercury_listener_drained_total", COUNTER, "listener",
    "Connections that ended by themselves while they were drained.")
METRIC(LISTENER_CUT, "mercury_listener_cut_total", COUNTER, "listener",
    "Connections that were cut at a drain deadline.")
METRIC(LISTENER_MODULE, "mercury_listener_module_total", COUNTER, "listener counter",
    "What its module counts, by the name that it has for it.")
METRIC(LISTENER_GENERATION, "mercury_listener_generation", GAUGE, "listener",
    "Generation of its pool; a hot restart counts it up.")
METRIC(LISTENER_WORKERS, "mercury_listener_workers", GAUGE, "listener",
    "Worker slots of its pool.")
METRIC(LISTENER_WORKERS_UP, "mercury_listener_workers_up", GAUGE, "listener",
    "Those whose worker runs.")
METRIC(LISTENER_RESTARTS, "mercury_listener_worker_restarts_total", COUNTER, "listener",
    "Restarts of its pool's workers after they had ended by themselves.")
METRIC(LISTENER_BIND_ATTEMPTS, "mercury_listener_bind_attempts", GAUGE, "listener",
    "Attempts to bind it that were needed the last time, or were made so far.")
METRIC(LISTENER_RETRY, "mercury_listener_retry_seconds", GAUGE, "listener",
    "While it is retrying, time to the next attempt to bind it; else 0.")
METRIC(LISTENER_DRAIN_LEFT, "mercury_listener_drain_left_seconds", GAUGE, "listener",
    "While it is draining, time until its connections are cut; else 0.")

/* --- each listener of protocol exec --- */
METRIC(EXEC_RUNNING, "mercury_exec_running", GAUGE, "listener",
    "Programs that run.")
METRIC(EXEC_STARTED, "mercury_exec_started_total", COUNTER, "listener",
    "Programs that were started.")
METRIC(EXEC_FAILED, "mercury_exec_failed_total", COUNTER, "listener",
    "Programs that could not be started.")
METRIC(EXEC_EXITS, "mercury_exec_exits_total", COUNTER, "listener code",
    "Programs that exited, by their exit code.")
METRIC(EXEC_SIGNALS, "mercury_exec_signals_total", COUNTER, "listener signal",
    "Programs that were killed, by the number of the signal.")

/* --- each upstream of a listener of protocol proxy --- */
METRIC(UPSTREAM_UP, "mercury_upstream_up", GAUGE, "listener upstream",
    "1 unless it is known to be down.")
METRIC(UPSTREAM_MODE, "mercury_upstream_mode", GAUGE, "listener upstream mode",
    "1 for what an operator wants of it (ready, drain, maint), 0 for the others.")
METRIC(UPSTREAM_CONNECTIONS, "mercury_upstream_connections", GAUGE, "listener upstream",
    "Connections that it has, with those that are being made.")
METRIC(UPSTREAM_CONNECTIONS_LIMIT, "mercury_upstream_connections_limit", GAUGE, "listener upstream",
    "Its max_connections; 0: no limit.")
METRIC(UPSTREAM_WAITING, "mercury_upstream_waiting", GAUGE, "listener upstream",
    "Connections that wait for it.")
METRIC(UPSTREAM_CONNECTED, "mercury_upstream_connected_total", COUNTER, "listener upstream",
    "Connections to it that were made.")
METRIC(UPSTREAM_FAILURES, "mercury_upstream_failures_total", COUNTER, "listener upstream",
    "Attempts to connect to it that failed.")
METRIC(UPSTREAM_CHECKS, "mercury_upstream_checks_total", COUNTER, "listener upstream",
    "Checks of it that have ended.")
METRIC(UPSTREAM_CHECK_FAILURES, "mercury_upstream_check_failures_total", COUNTER, "listener upstream",
    "Those of them that failed.")

/* --- each worker of a listener --- */
METRIC(WORKER_UP, "mercury_worker_up", GAUGE, "listener slot",
    "1 if the slot's worker runs.")
METRIC(WORKER_CONNECTIONS, "mercury_worker_connections", GAUGE, "listener slot",
    "Open connections of the listener in this worker.")
METRIC(WORKER_RESTARTS, "mercury_worker_restarts_total", COUNTER, "listener slot",
    "Restarts of the slot's worker.")
METRIC(WORKER_UPTIME, "mercury_worker_uptime_seconds", GAUGE, "listener slot",
    "Time since it was started; 0: it does not run.")

/* --- the store --- */
METRIC(STORE_UP, "mercury_store_up", GAUGE, "",
    "1 if the store runs; there are no metrics of the store without one.")
METRIC(STORE_TROUBLE, "mercury_store_trouble", GAUGE, "kind",
    "1 for what keeps the store from writing; all 0: nothing does.")
METRIC(STORE_EVENTS, "mercury_store_events_total", COUNTER, "",
    "Events written to the database.")
METRIC(STORE_DROPPED, "mercury_store_dropped_events_total", COUNTER, "",
    "Events that could not be kept, with those that never reached the store.")
METRIC(STORE_PRUNED, "mercury_store_pruned_events_total", COUNTER, "",
    "Events deleted by the cleanup job.")
METRIC(STORE_LAST_CLEANUP, "mercury_store_last_cleanup_timestamp_seconds", GAUGE, "",
    "When the last cleanup ended, since 1970; 0: none has.")
METRIC(STORE_DATABASE, "mercury_store_database_bytes", GAUGE, "",
    "Size of the database.")
METRIC(STORE_WAL, "mercury_store_wal_bytes", GAUGE, "",
    "Size of its write-ahead log.")
METRIC(STORE_WAL_HELD, "mercury_store_wal_held_seconds", GAUGE, "",
    "How long a reader has kept that log from being emptied; 0: none does.")

/* --- processes --- */
METRIC(PROCESSES, "mercury_processes", GAUGE, "role",
    "Processes that run, also those that drain.")
METRIC(PROCESS_RESTARTS, "mercury_process_restarts_total", COUNTER, "role",
    "Restarts of a role that has one process; those of workers are counted by listener.")
METRIC(PROCESS_MEMORY, "mercury_process_resident_memory_bytes", GAUGE, "role",
    "Resident memory, shared pages counted in each process; at most 128 processes are looked at for a scrape, the others count as they were.")
METRIC(PROCESS_CPU, "mercury_process_cpu_seconds_total", COUNTER, "role",
    "CPU time in user and system mode, as far as the same look has seen it.")
/* clang-format on */
#undef METRIC
