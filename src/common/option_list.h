/*
 * Every option of a listener and of the daemon section, once. Included many
 * times on purpose: no guard. The config file, the control socket, the
 * supervisor's merge of an update and the table in mercury.conf(5) all come
 * from here.
 *
 *     OPTION(ID, "name", TYPE, member, MIN, MAX, CHANGE, "default", "help")
 *
 * TYPE      one of enum option_type (option.h in src/option)
 * member    of struct listener_spec (LISTENER_OPTION) or struct
 *           daemon_settings (DAEMON_OPTION)
 * MIN, MAX  for integers, and for durations in milliseconds; of a path MAX
 *           is its bytes, 0 for what its member holds; else 0, 0
 * CHANGE    LIVE: an update applies to new connections at once;
 *           BOUND: it is fixed when the listener is bound
 * default   in the config file's words; NULL: there is none
 */
#ifndef LISTENER_OPTION
#define LISTENER_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, CHANGE, DEFAULT, HELP)
#endif
#ifndef DAEMON_OPTION
#define DAEMON_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)
#endif

/* clang-format off */
LISTENER_OPTION(ADDRESS, "address", ADDRESS, address, 0, 0, BOUND, "::",
    "Numeric address to listen on. \"::\" takes IPv4 too, and is 0.0.0.0 where IPv6 is off.")
LISTENER_OPTION(PORT, "port", UINT16, port, 0, 65535, BOUND, NULL,
    "TCP port. 0 lets the kernel choose one, which the listener then keeps.")
LISTENER_OPTION(PATH, "path", PATH, path, 0, 0, BOUND, NULL,
    "Absolute path of a Unix socket to listen on, instead of a port.")
LISTENER_OPTION(MODE, "mode", MODE, mode, 0, 0777, BOUND, "0660",
    "Permissions of the Unix socket, in octal.")
LISTENER_OPTION(OWNER, "owner", USER, owner, 0, 0, BOUND, NULL,
    "User that owns the Unix socket.")
LISTENER_OPTION(GROUP, "group", GROUP, group, 0, 0, BOUND, NULL,
    "Group of the Unix socket.")
LISTENER_OPTION(TRANSPORT, "transport", TRANSPORT, transport, 0, 0, BOUND, "tcp",
    "How bytes travel: tcp or unix (with path).")
LISTENER_OPTION(PROTOCOL, "protocol", PROTOCOL, protocol, 0, 0, BOUND, NULL,
    "What is done with the bytes: echo or discard.")
LISTENER_OPTION(POOL, "pool", NAME, pool, 0, 0, BOUND, NULL,
    "Pool of workers that serves the listener; by default one of its own, named after it.")
LISTENER_OPTION(WORKERS, "workers", WORKERS, workers, 1, 1024, BOUND, "auto",
    "Worker processes of the pool; auto is one for each online CPU.")
LISTENER_OPTION(BACKLOG, "backlog", UINT32, backlog, 1, 65535, LIVE, "1024",
    "Connections that may wait to be accepted, for each worker. The kernel caps it at net.core.somaxconn.")
LISTENER_OPTION(NODELAY, "nodelay", BOOL, nodelay, 0, 0, LIVE, "true",
    "Send small packets at once (TCP_NODELAY).")
LISTENER_OPTION(KEEPALIVE, "keepalive", KEEPALIVE, keepalive, 0, 0, LIVE, "60s/10s/3",
    "TCP keepalive as idle/interval/count; off for none.")
LISTENER_OPTION(DRAIN_TIMEOUT, "drain_timeout", DURATION, drain_timeout_ms, 0, 86400000, LIVE, "15s",
    "How long open connections may finish when the listener is removed.")

DAEMON_OPTION(USER, "user", STRING, user, 0, 0, "mercury",
    "User that the workers and the control process run as; of no effect unless mercuryd is started as root.")
DAEMON_OPTION(SHUTDOWN_DEADLINE, "shutdown_deadline", DURATION, shutdown_deadline_ms, 0, 86400000, "15s",
    "How long open connections may finish at shutdown.")
/* It is bound under a longer name first, with up to 8 bytes more. */
DAEMON_OPTION(CONTROL_SOCKET, "control_socket", PATH, control_socket, 0, 99, "/run/mercury/control.sock",
    "Absolute path of the control socket.")
DAEMON_OPTION(CONTROL_GROUP, "control_group", GROUP, control_gid, 0, 0, "mercury",
    "Group whose members may do everything; empty for none.")
DAEMON_OPTION(CONTROL_READERS, "control_readers", GROUP, readers_gid, 0, 0, "",
    "Group whose members may only look; empty for none.")
DAEMON_OPTION(STATE_DIR, "state_dir", PATH, state_dir, 0, 0, "/var/lib/mercury",
    "Absolute path of the directory for what must outlive the daemon.")
DAEMON_OPTION(LOG, "log", LOG_TARGET, log.target, 0, 0, "syslog",
    "Where log lines go: syslog or stderr.")
DAEMON_OPTION(LOG_FORMAT, "log_format", LOG_FORMAT, log.format, 0, 0, "text",
    "text or json, one object a line.")
DAEMON_OPTION(LOG_LEVEL, "log_level", LOG_LEVEL, log.level, 0, 0, "info",
    "The least important level that is logged: error, warning, info or debug.")
/* clang-format on */

#undef LISTENER_OPTION
#undef DAEMON_OPTION
