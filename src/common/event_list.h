/*
 * Every type of health event, once: history, log and store use the same.
 * Included many times on purpose: no guard.
 *
 *     EVENT(ID, "type", SEVERITY)
 *
 * SEVERITY is one of INFO, WARNING, ERROR.
 */
/* clang-format off */
EVENT(DAEMON_STARTED, "daemon.started", INFO)
EVENT(DAEMON_READY, "daemon.ready", INFO)
EVENT(DAEMON_DRAINING, "daemon.draining", INFO)
EVENT(DAEMON_STOPPING, "daemon.stopping", INFO)
EVENT(DAEMON_STOPPED, "daemon.stopped", INFO)
EVENT(DAEMON_RELOADED, "daemon.reloaded", INFO)
EVENT(LISTENER_ADDED, "listener.added", INFO)
EVENT(LISTENER_LISTENING, "listener.listening", INFO)
EVENT(LISTENER_BIND_RETRY, "listener.bind_retry", WARNING)
EVENT(LISTENER_BIND_FAILED, "listener.bind_failed", ERROR)
EVENT(LISTENER_PAUSED, "listener.paused", INFO)
EVENT(LISTENER_RESUMED, "listener.resumed", INFO)
EVENT(LISTENER_RESTARTED, "listener.restarted", INFO)
EVENT(LISTENER_UPDATED, "listener.updated", INFO)
EVENT(LISTENER_REMOVED, "listener.removed", INFO)
EVENT(LISTENER_FAILED, "listener.failed", ERROR)
EVENT(WORKER_STARTED, "worker.started", INFO)
EVENT(WORKER_EXITED, "worker.exited", INFO)
EVENT(WORKER_CRASHED, "worker.crashed", ERROR)
EVENT(WORKER_HUNG, "worker.hung", ERROR)
EVENT(WORKER_KILLED, "worker.killed", WARNING)
EVENT(WORKER_RESTART_LIMIT, "worker.restart_limit", ERROR)
/* clang-format on */
#undef EVENT
