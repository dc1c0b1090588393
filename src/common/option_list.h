/*
 * Every option of a listener and of the daemon section, once. Included many
 * times on purpose: no guard. The config file, the control socket, the
 * supervisor's merge of an update and the table in mercury.conf(5) all come
 * from here. So do the options of a group, of the store and of the gateway.
 *
 *     OPTION(ID, "name", TYPE, member, MIN, MAX, CHANGE, "default", "help")
 *
 * TYPE      one of enum option_type (option.h in src/option)
 * member    of struct listener_spec (LISTENER_OPTION), struct
 *           daemon_settings (DAEMON_OPTION), struct group_spec
 *           (GROUP_OPTION), struct store_settings (STORE_OPTION) or struct
 *           gateway_settings (GATEWAY_OPTION); that of
 *           a duration may have 32 or 64 bits
 * MIN, MAX  of a list MAX is its entries; for integers, and for durations in
 * milliseconds; of a path MAX is its bytes, 0 for what its member holds; else
 * 0, 0 CHANGE    of a listener only: LIVE: an update applies to new connections
 *           at once; BOUND: it is fixed when the listener is bound
 * default   in the config file's words; NULL: there is none
 */
#ifndef LISTENER_OPTION
#define LISTENER_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, CHANGE, DEFAULT, HELP)
#endif
#ifndef DAEMON_OPTION
#define DAEMON_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)
#endif
#ifndef GROUP_OPTION
#define GROUP_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)
#endif
#ifndef GATEWAY_OPTION
#define GATEWAY_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)
#endif
#ifndef STORE_OPTION
#define STORE_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)
#endif

/* clang-format off */
LISTENER_OPTION(ADDRESS, "address", ADDRESS, address, 0, 0, BOUND, "::",
    "Numeric address to listen on. \"::\" takes IPv4 too, and is 0.0.0.0 where IPv6 is off.")
LISTENER_OPTION(PORT, "port", UINT16, port, 0, 65535, BOUND, NULL,
    "TCP port. 0 lets the kernel choose one, which the listener then keeps.")
LISTENER_OPTION(PATH, "path", PATH, path, 0, 0, BOUND, NULL,
    "Absolute path of a Unix socket to listen on, instead of a port.")
LISTENER_OPTION(MODE, "mode", MODE, mode, 0, 0777, LIVE, "0660",
    "Permissions of the Unix socket, in octal.")
LISTENER_OPTION(OWNER, "owner", USER, owner, 0, 0, LIVE, NULL,
    "User that owns the Unix socket.")
LISTENER_OPTION(GROUP, "group", GROUP, group, 0, 0, LIVE, NULL,
    "Group of the Unix socket.")
LISTENER_OPTION(TRANSPORT, "transport", TRANSPORT, transport, 0, 0, BOUND, "tcp",
    "How bytes travel: tcp, tls or unix (with path).")
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
LISTENER_OPTION(MAX_CONNECTIONS, "max_connections", UINT32, max_connections, 0, 16777216, LIVE, "0",
    "Connections that may be open at once, over all workers; 0 for no limit but the descriptors. When it is lowered, nobody is sent away.")
LISTENER_OPTION(OVERFLOW, "overflow", OVERFLOW, overflow, 0, 0, LIVE, "queue",
    "What happens to those beyond max_connections: they wait to be accepted (queue), or are closed at once (reject). Those that still wait when the listener is paused or removed are closed.")
LISTENER_OPTION(ACCEPT_RATE, "accept_rate", UINT32, accept_rate, 0, 1000000, LIVE, "0",
    "Connections that are accepted in a second, over all workers; the others wait. 0 for no limit.")
LISTENER_OPTION(ACCEPT_BURST, "accept_burst", UINT32, accept_burst, 0, 1000000, LIVE, "0",
    "How many may come at once after a quiet time; 0 for as many as accept_rate.")
LISTENER_OPTION(IDLE_TIMEOUT, "idle_timeout", DURATION, idle_timeout_ms, 0, 86400000, LIVE, "0s",
    "A connection from which no byte has come for so long is closed; 0s for never.")
LISTENER_OPTION(MAX_LIFETIME, "max_lifetime", DURATION, max_lifetime_ms, 0, 2592000000, LIVE, "0s",
    "A connection that has been open for so long, less up to a tenth, is closed; 0s for never.")
LISTENER_OPTION(HANDSHAKE_TIMEOUT, "handshake_timeout", DURATION, handshake_timeout_ms, 1, 3600000, LIVE, "5s",
    "A connection that is not open after so long is closed: its PROXY header and its TLS handshake together.")
LISTENER_OPTION(USER_TIMEOUT, "user_timeout", DURATION, user_timeout_ms, 0, 86400000, LIVE, "0s",
    "A connection whose peer has not acknowledged what was sent for so long is closed (TCP_USER_TIMEOUT); 0s leaves that to the kernel.")
LISTENER_OPTION(ALLOW, "allow", CIDRS, bulks[BULK_ALLOW], 0, 4096, LIVE, NULL,
    "Addresses and networks (CIDR) that may connect; without it, all. The longest match of allow and deny wins, and deny wins a tie.")
LISTENER_OPTION(DENY, "deny", CIDRS, bulks[BULK_DENY], 0, 4096, LIVE, NULL,
    "Addresses and networks that may not connect: their connections are closed at once.")
LISTENER_OPTION(PROBES, "probes", CIDRS, bulks[BULK_PROBES], 0, 4096, LIVE, NULL,
    "Addresses and networks of load balancers' checkers: their connections are counted as probes, take no place of max_connections and make no event.")
LISTENER_OPTION(PROXY_PROTOCOL, "proxy_protocol", PROXY_PROTOCOL, proxy_protocol, 0, 0, LIVE, "off",
    "Every connection begins with a PROXY protocol header of version v1, v2 or any of them; off for none. It needs proxy_trusted.")
LISTENER_OPTION(PROXY_TRUSTED, "proxy_trusted", CIDRS, bulks[BULK_PROXY_TRUSTED], 0, 4096, LIVE, NULL,
    "Addresses and networks of the proxies whose header is believed; of others the connection is refused. The peers of a Unix socket are trusted.")
LISTENER_OPTION(TLS, "tls", TLS, tls, 0, 0, LIVE, NULL,
    "A section with the options of TLS, see below: for transport tls, which needs it.")
LISTENER_OPTION(BIND_ATTEMPTS, "bind_attempts", UINT32, bind_attempts, 1, 1000, LIVE, "4",
    "How often a place that is in use is tried before binding has failed.")
LISTENER_OPTION(BIND_BACKOFF, "bind_backoff", DURATION, bind_backoff_ms, 10, 86400000, LIVE, "1s",
    "Wait before the second attempt to bind; doubled for each later one, give or take 10%.")
LISTENER_OPTION(BIND_BACKOFF_MAX, "bind_backoff_max", DURATION, bind_backoff_max_ms, 10, 86400000, LIVE, "30s",
    "The longest wait between two attempts to bind.")
LISTENER_OPTION(REQUIRED, "required", BOOL, required, 0, 0, LIVE, "true",
    "Whether mercuryd refuses to start when the listener can't be bound, and is not ready while the listener is not; if false it goes on trying.")
LISTENER_OPTION(RESTART, "restart", RESTART, restart, 0, 0, LIVE, "permanent",
    "When a worker that ended is replaced: permanent (always), transient (only after a failure) or temporary (never).")
LISTENER_OPTION(MAX_RESTARTS, "max_restarts", UINT32, max_restarts, 0, 100000, LIVE, "10",
    "Restarts of the pool's workers that are tolerated within max_seconds; one more, and its listeners have failed.")
LISTENER_OPTION(MAX_SECONDS, "max_seconds", UINT32, max_seconds, 1, 86400, LIVE, "60",
    "The time in seconds that max_restarts counts in.")
LISTENER_OPTION(HANG_TIMEOUT, "hang_timeout", DURATION, hang_timeout_ms, 1000, 86400000, LIVE, "10s",
    "A worker whose event loop has not turned for so long is killed and replaced.")
LISTENER_OPTION(HEALTH_PORT, "health_port", UINT16, health_port, 0, 65535, LIVE, "0",
    "TCP port that accepts only while the listener is ready, for load balancers that can but connect; 0 for none. It needs the gateway.")
LISTENER_OPTION(RECORD_CONNECTIONS, "record_connections", BOOL, record_connections, 0, 0, LIVE, "false",
    "Record each connect and disconnect as an event.")

DAEMON_OPTION(USER, "user", STRING, user, 0, 0, "mercury",
    "User that the workers and the control process run as; of no effect unless mercuryd is started as root.")
DAEMON_OPTION(SHUTDOWN_DEADLINE, "shutdown_deadline", DURATION, shutdown_deadline_ms, 0, 86400000, "15s",
    "How long open connections may finish at shutdown.")
DAEMON_OPTION(LAME_DUCK, "lame_duck", DURATION, lame_duck_ms, 0, 86400000, "0s",
    "How long mercuryd says that it is not ready, and still serves, before a shutdown begins.")
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

GROUP_OPTION(CHILDREN, "children", NAMES, children, 0, 0, NULL,
    "Names of listeners, in the order in which they are started. Needed, and at least one.")
GROUP_OPTION(STRATEGY, "strategy", STRATEGY, strategy, 0, 0, "one_for_one",
    "What is restarted when a worker of a child has ended: that worker (one_for_one), all children (one_for_all), or its child and those after it (rest_for_one).")
GROUP_OPTION(MAX_RESTARTS, "max_restarts", UINT32, max_restarts, 0, 100000, "10",
    "Restarts within the group that are tolerated within max_seconds; one more, and all its children have failed.")
GROUP_OPTION(MAX_SECONDS, "max_seconds", UINT32, max_seconds, 1, 86400, "60",
    "The time in seconds that max_restarts counts in.")

/* The files beside it have longer names, with up to 32 bytes more. */
STORE_OPTION(DATABASE, "database", OPTIONAL_PATH, database, 0, 220, NULL,
    "Absolute path of the SQLite database; by default health.db in state_dir. If it is empty there is no store: nothing is recorded.")
STORE_OPTION(RETENTION, "retention", DURATION, retention_ms, 1000, 315360000000, "30d",
    "How long events are kept; what is older is deleted.")
STORE_OPTION(MAX_EVENTS, "max_events", UINT32, max_events, 1, 1000000000, "1000000",
    "How many events are kept; of more, the oldest are deleted.")
STORE_OPTION(CLEANUP_EVERY, "cleanup_every", DURATION, cleanup_every_ms, 1000, 604800000, "1h",
    "How often that is done, give or take 10%; and once within half a minute after the start.")

GATEWAY_OPTION(LISTEN, "listen", PLACE, places[GATEWAY_HTTP], 0, 0, "127.0.0.1:9180",
    "Numeric address and port of HTTP: health checks, metrics, the dashboard and the API. IPv6 in brackets: [::]:9180. Empty for none.")
GATEWAY_OPTION(AGENT_LISTEN, "agent_listen", PLACE, places[GATEWAY_AGENT], 0, 0, "",
    "Address and port of HAProxy's agent-check; empty for none.")
GATEWAY_OPTION(AGENT_WEIGHT, "agent_weight", AGENT_WEIGHT, agent_weight, 0, 0, "full",
    "The weight that the agent tells while ready: always 100% (full), or the share of max_connections that is free (load).")
GATEWAY_OPTION(TCP_CHECK_LISTEN, "tcp_check_listen", PLACE, places[GATEWAY_TCP_CHECK], 0, 0, "",
    "Address and port that take connections only while mercuryd is ready; empty for none.")
GATEWAY_OPTION(TOKEN, "token", SECRET, token, 0, 0, "",
    "What a client of metrics and API has to send as \"Authorization: Bearer TOKEN\"; empty for nothing. Health checks need none.")
GATEWAY_OPTION(ALLOW, "allow", CIDRS, bulks[BULK_ALLOW], 0, 4096, NULL,
    "Addresses and networks (CIDR) that may use HTTP; without it, all that can reach it.")
GATEWAY_OPTION(HOSTS, "hosts", OPTIONAL_STRING, hosts, 0, 0, "",
    "Names, with spaces between, that clients may give in the Host header, beside localhost and numeric addresses.")
GATEWAY_OPTION(TLS, "tls", TLS, bulks[BULK_TLS], 0, 0, NULL,
    "A section with the options of TLS, as in a listener: HTTP is HTTPS then.")
/* clang-format on */

#undef LISTENER_OPTION
#undef DAEMON_OPTION
#undef GROUP_OPTION
#undef STORE_OPTION
#undef GATEWAY_OPTION
