/*
 * Every type of health event, once: history, log, store and the table in
 * mercury-store(8) use the same. Included many times on purpose: no guard.
 *
 *     EVENT(ID, "type", SEVERITY, SENDERS, "facts", "help")
 *
 * SEVERITY is one of INFO, WARNING, ERROR; SENDERS the set of enum role whose
 * word the store takes for it; facts the keys that its detail may have
 * (fact_list.h), with a blank between them.
 */
/* clang-format off */
EVENT(DAEMON_STARTED, "daemon.started", INFO, ROLE_SUPERVISOR,
    "version pid listeners",
    "mercuryd has been started, with so many listeners.")
EVENT(DAEMON_READY, "daemon.ready", INFO, ROLE_SUPERVISOR,
    "duration_ms",
    "All its required listeners answer; or an operator has ended a drain (reason undrain).")
EVENT(DAEMON_DRAINING, "daemon.draining", INFO, ROLE_SUPERVISOR,
    "lame_duck_ms",
    "mercuryd says that it is not ready, and still serves: a shutdown was asked for, or an operator drains it (reason drain).")
EVENT(DAEMON_STOPPING, "daemon.stopping", INFO, ROLE_SUPERVISOR,
    "deadline_ms",
    "The shutdown begins: all listeners close.")
EVENT(DAEMON_STOPPED, "daemon.stopped", INFO, ROLE_SUPERVISOR,
    "finished cut duration_ms",
    "The shutdown is complete: no listener is left.")
EVENT(DAEMON_RELOADED, "daemon.reloaded", INFO, ROLE_SUPERVISOR,
    "added updated restarted removed",
    "The config file was read again, and its difference applied.")
EVENT(LISTENER_ADDED, "listener.added", INFO, ROLE_SUPERVISOR,
    "address port path origin pool workers",
    "There is a new listener.")
EVENT(LISTENER_LISTENING, "listener.listening", INFO, ROLE_SUPERVISOR,
    "address port path attempt",
    "It answers: for the first time, or again after a pause or at another place.")
EVENT(LISTENER_BIND_RETRY, "listener.bind_retry", WARNING, ROLE_SUPERVISOR,
    "address port path attempt next_retry_ms",
    "Its place is in use; another attempt to bind it is due.")
EVENT(LISTENER_BIND_FAILED, "listener.bind_failed", ERROR, ROLE_SUPERVISOR,
    "address port path attempt",
    "The last attempt to bind it has failed.")
EVENT(LISTENER_PAUSED, "listener.paused", INFO, ROLE_SUPERVISOR,
    "queue",
    "It was paused.")
EVENT(LISTENER_RESUMED, "listener.resumed", INFO, ROLE_SUPERVISOR,
    "",
    "Its pause was ended.")
EVENT(LISTENER_RESTARTED, "listener.restarted", INFO, ROLE_SUPERVISOR,
    "pool generation workers",
    "New workers serve it (a hot restart).")
EVENT(LISTENER_UPDATED, "listener.updated", INFO, ROLE_SUPERVISOR,
    "",
    "Options of it have changed; the reason names them. Or it was drained, or that was ended (reason drain or undrain).")
EVENT(LISTENER_REMOVED, "listener.removed", INFO, ROLE_SUPERVISOR,
    "finished cut",
    "It is gone, and so are its connections.")
EVENT(LISTENER_ALARM, "listener.alarm", WARNING, ROLE_SUPERVISOR,
    "level connections max_connections",
    "Its connections have reached 80, 95 or 100 percent of max_connections, or are back below that (level 0).")
EVENT(LISTENER_FAILED, "listener.failed", ERROR, ROLE_SUPERVISOR,
    "",
    "It was given up: its sockets are closed until it is restarted by hand.")
EVENT(WORKER_STARTED, "worker.started", INFO, ROLE_SUPERVISOR,
    "pool slot generation pid duration_ms restarts",
    "A worker was started, and is ready.")
EVENT(WORKER_EXITED, "worker.exited", INFO, ROLE_SUPERVISOR,
    "pool slot generation pid uptime_ms exit_code",
    "A worker ended by itself, and cleanly.")
EVENT(WORKER_CRASHED, "worker.crashed", ERROR, ROLE_SUPERVISOR,
    "pool slot generation pid uptime_ms exit_code signal",
    "A worker ended with an error or by a signal that nobody wanted, or could not be started.")
EVENT(WORKER_HUNG, "worker.hung", ERROR, ROLE_SUPERVISOR,
    "pool slot generation pid uptime_ms",
    "The loop of a worker has not turned for hang_timeout; it is killed.")
EVENT(WORKER_KILLED, "worker.killed", WARNING, ROLE_SUPERVISOR,
    "pool slot generation pid uptime_ms exit_code signal",
    "A worker was killed by mercuryd, which wanted its end or found that it hung.")
EVENT(WORKER_RESTART_LIMIT, "worker.restart_limit", ERROR, ROLE_SUPERVISOR,
    "pool slot generation pid restarts max_restarts max_seconds",
    "More restarts than max_restarts within max_seconds: the pool is given up, and its listeners with it.")
EVENT(CONNECTION_OPENED, "connection.opened", INFO, ROLE_POOL,
    "connection pool tls_name tls_serial",
    "A client has connected to a listener with record_connections. It is recorded with its first byte, or after a second; probes of load balancers are not.")
EVENT(CONNECTION_CLOSED, "connection.closed", INFO, ROLE_POOL,
    "connection pool tls_name tls_serial duration_ms bytes_in bytes_out",
    "And that connection has ended. The reason is one of the words that status has in ends, see mercury-control(7).")
EVENT(CONNECTION_REJECTED, "connection.rejected", WARNING, ROLE_POOL,
    "count pool",
    "So many were closed at once within a second: there were max_connections. The peer is the last of them.")
EVENT(CONNECTION_DENIED, "connection.denied", WARNING, ROLE_POOL,
    "count pool",
    "So many were closed at once within a second, for their address: deny has it, or allow or proxy_trusted does not, as the reason says. The peer is the last of them.")
EVENT(CONNECTION_HANDSHAKE_FAILED, "connection.handshake_failed", WARNING, ROLE_POOL,
    "count pool",
    "So many ended within a second before they were open, all for the same reason: a word that status has in ends, or of TLS not_tls, http, version, cipher, alpn, no_certificate, bad_certificate, unknown_ca, alert, protocol or internal. The peer is the last of them.")
EVENT(UPSTREAM_UP, "upstream.up", INFO, ROLE_POOL,
    "upstream pool",
    "An upstream of a listener that was down answers again: check_rise times in a row.")
EVENT(UPSTREAM_DOWN, "upstream.down", ERROR, ROLE_POOL,
    "upstream pool",
    "An upstream of a listener is down: check_fall times in a row it could not be reached, or did not answer as check_expect wants it. The reason says what was wrong the last time. It gets no connections while others are up.")
EVENT(APP_STARTED, "app.started", INFO, ROLE_POOL,
    "connection pool pid",
    "A program of protocol exec was started, for a listener with record_connections.")
EVENT(APP_EXITED, "app.exited", INFO, ROLE_POOL,
    "connection pool pid exit_code signal uptime_ms",
    "It has ended: with exit code 0, or because mercuryd wanted its end. Only of a listener with record_connections.")
EVENT(APP_CRASHED, "app.crashed", WARNING, ROLE_POOL,
    "count pool",
    "So many programs ended within a second with another exit code, or by a signal, or could not be started, as the reason says: exit_1 to exit_255, signal_1 to signal_64, or not_started. The peer is that of the last of them.")
EVENT(CONNECTION_REPORTED, "connection.reported", WARNING, ROLE_POOL,
    "connection text count pool tls_name tls_serial",
    "A module has something to tell of a connection (mercury-protocol(3)): the reason is its word for it.")
EVENT(STORE_RECOVERED, "store.recovered", WARNING, ROLE_STORE,
    "file",
    "The database was corrupt, was set aside, and a new one was begun.")
EVENT(STORE_DROPPED, "store.dropped", WARNING, ROLE_SUPERVISOR | ROLE_POOL | ROLE_STORE,
    "count from_ms until_ms pool",
    "So many events are missing here: there was no room for them, or a store that crashed had not written them yet.")
EVENT(CLEANUP_COMPLETED, "cleanup.completed", INFO, ROLE_STORE,
    "rows bytes duration_ms",
    "The cleanup job has run.")
/* clang-format on */
#undef EVENT
