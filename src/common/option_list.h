/*
 * Every option of a listener and of the daemon section, once. Included many
 * times on purpose: no guard. The config file, the control socket, the
 * supervisor's merge of an update and the table in mercury.conf(5) all come
 * from here. So do the options of a group, of the store and of the gateway,
 * and those of the sections proxy, exec and module of a listener.
 *
 *     OPTION(ID, "name", TYPE, member, MIN, MAX, CHANGE, "default", "help")
 *
 * TYPE      one of enum option_type (option.h in src/option)
 * member    of struct listener_spec (LISTENER_OPTION), struct
 *           daemon_settings (DAEMON_OPTION), struct group_spec
 *           (GROUP_OPTION), struct store_settings (STORE_OPTION) or struct
 *           gateway_settings (GATEWAY_OPTION), or of struct proxy_plan
 *           (PROXY_OPTION), exec_plan (EXEC_OPTION) or module_plan
 *           (MODULE_OPTION); that of a duration may have 32 or 64 bits
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
#ifndef PROXY_OPTION
#define PROXY_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)
#endif
#ifndef EXEC_OPTION
#define EXEC_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)
#endif
#ifndef MODULE_OPTION
#define MODULE_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)
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
    "What is done with the bytes: they are sent back (echo), thrown away (discard), passed on to upstreams (proxy), or given to a program (exec) or a module (module).")
LISTENER_OPTION(PROXY, "proxy", PROXY, proxy, 0, 0, LIVE, NULL,
    "A section with the options of protocol proxy, see below. An update is for new connections.")
LISTENER_OPTION(EXEC, "exec", EXEC, section, 0, 0, LIVE, NULL,
    "A section with the options of protocol exec, see below. An update is for new connections.")
LISTENER_OPTION(MODULE, "module", MODULE, section, 0, 0, LIVE, NULL,
    "A section with the options of protocol module, see below. An update is for new connections.")
LISTENER_OPTION(POOL, "pool", NAME, pool, 0, 0, BOUND, NULL,
    "Pool of workers that serves the listener; by default one of its own, named after it.")
LISTENER_OPTION(WORKERS, "workers", WORKERS, workers, 1, 1024, BOUND, "auto",
    "Worker processes of the pool; auto is one for each online CPU.")
LISTENER_OPTION(USER, "user", LOGIN, worker_ids, 0, 0, BOUND, NULL,
    "User that the pool's workers run as, and so the programs of exec and the modules; by default the user of the daemon section. Never root; only in the config file, not for mercuryctl; and unless mercuryd is started as root it can be no other than who that is.")
LISTENER_OPTION(BACKLOG, "backlog", UINT32, backlog, 1, 65535, LIVE, "1024",
    "Connections that may wait to be accepted, for each worker. The kernel caps it at net.core.somaxconn.")
LISTENER_OPTION(NODELAY, "nodelay", BOOL, nodelay, 0, 0, LIVE, "true",
    "Send small packets at once (TCP_NODELAY).")
LISTENER_OPTION(KEEPALIVE, "keepalive", KEEPALIVE, keepalive, 0, 0, LIVE, "60s/10s/3",
    "TCP keepalive as idle/interval/count; off for none.")
LISTENER_OPTION(DRAIN_TIMEOUT, "drain_timeout", DURATION, drain_timeout_ms, 0, 86400000, LIVE, "15s",
    "How long open connections may finish when the listener is removed, when its workers are replaced, and at shutdown, there never longer than shutdown_deadline.")
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
    "How long open connections may finish at shutdown, each no longer than drain_timeout of its listener.")
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
DAEMON_OPTION(SANDBOX, "sandbox", BOOL, sandbox, 0, 0, "true",
    "Whether the children may call only what their role needs of the kernel (seccomp), see mercuryd(8). false is for those who look into them with a debugger.")
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

PROXY_OPTION(UPSTREAMS, "upstreams", UPSTREAMS, upstreams_count, 0, 64, NULL,
    "Where connections are passed on to, each as host:port, [IPv6 address]:port or unix:/path, and behind it, with spaces between, what is true of this one only: weight=, max_connections=, queue= and backup. A backup is used when no other can be. Needed.")
PROXY_OPTION(BALANCE, "balance", BALANCE, balance, 0, 0, "round_robin",
    "Who gets a connection: each in turn, as often as its weight says (round_robin), who has the fewest for its weight (least_connections), always the same for a peer's address (source), or the first that has room (first).")
PROXY_OPTION(CONNECT_TIMEOUT, "connect_timeout", DURATION, connect_timeout_ms, 1, 3600000, "5s",
    "An upstream that has not taken a connection for so long has failed; with TLS, the handshake included.")
PROXY_OPTION(RETRIES, "retries", UINT32, retries, 0, 64, "2",
    "How many others are tried when an upstream has failed, before a byte was sent to it.")
PROXY_OPTION(MAX_CONNECTIONS, "max_connections", UINT32, max_connections, 0, 16777216, "0",
    "Connections that each upstream has at once, over all workers, unless it says so itself; 0 for no limit.")
PROXY_OPTION(QUEUE, "queue", UINT32, queue, 0, 1000000, "128",
    "Connections that wait for each upstream when all are full, unless it says so itself; more are closed.")
PROXY_OPTION(QUEUE_TIMEOUT, "queue_timeout", DURATION, queue_timeout_ms, 1, 86400000, "5s",
    "A connection that has waited for an upstream for so long is closed.")
PROXY_OPTION(WEIGHT, "weight", UINT32, weight, 1, 256, "1",
    "The weight of each upstream that says none itself.")
PROXY_OPTION(CHECK, "check", CHECK, check, 0, 0, "connect",
    "How upstreams are checked: not at all (off), by a connection that is closed at once (connect), or by one that is sent check_send and must answer with check_expect (expect). A check is plain, also where upstreams are connected to by TLS: there connect is the one to use.")
PROXY_OPTION(CHECK_INTERVAL, "check_interval", DURATION, check_interval_ms, 10, 86400000, "2s",
    "How often each upstream is checked.")
PROXY_OPTION(CHECK_TIMEOUT, "check_timeout", DURATION, check_timeout_ms, 1, 86400000, "2s",
    "A check that is not done after so long has failed; never more than check_interval.")
PROXY_OPTION(CHECK_RISE, "check_rise", UINT32, check_rise, 1, 1000, "2",
    "An upstream that is down is up after so many good checks in a row.")
PROXY_OPTION(CHECK_FALL, "check_fall", UINT32, check_fall, 1, 1000, "3",
    "An upstream that is up is down after so many failed checks in a row; a connection that it does not take counts as one.")
PROXY_OPTION(CHECK_SEND, "check_send", CHECK_TEXT, check_send, 0, 0, "",
    "What a check sends, with check = \"expect\"; empty for nothing. Bytes may be written as \\r, \\n, \\t, \\\\ and \\xHH.")
PROXY_OPTION(CHECK_EXPECT, "check_expect", CHECK_TEXT, check_expect, 0, 0, "",
    "What must be found in the answer, with check = \"expect\", which needs it; written as check_send.")
PROXY_OPTION(SEND_PROXY, "send_proxy", SEND_PROXY, send_proxy, 0, 0, "off",
    "Tell the upstream who the device is, by a PROXY protocol header of version v1 or v2; v2 tells of the device's TLS, too.")
PROXY_OPTION(SPLICE, "splice", BOOL, splice, 0, 0, "true",
    "Let the kernel move bytes by itself (splice(2)) where there are many of them, and no TLS.")
PROXY_OPTION(RESOLVE_EVERY, "resolve_every", DURATION, resolve_every_ms, 1000, 86400000, "30s",
    "How often the names of upstreams are resolved. While that fails, the addresses stay.")
PROXY_OPTION(RESOLVERS, "resolvers", RESOLVERS, resolvers, 0, 4, NULL,
    "Numeric addresses of the name servers to ask, port 53 unless they have another; by default the system's.")
PROXY_OPTION(TLS, "tls", UPSTREAM_TLS, server_name, 0, 0, NULL,
    "A section with the options of TLS to all upstreams, see below; without it they get what the device sent as it is.")

EXEC_OPTION(COMMAND, "command", COMMAND, command, 0, 64, NULL,
    "The program, as an absolute path, and its arguments, each by itself. Needed.")
EXEC_OPTION(DIRECTORY, "directory", DIRECTORY, directory, 0, 0, "/",
    "Absolute path of the directory that it starts in.")
EXEC_OPTION(ENVIRONMENT, "environment", ENVIRONMENT, environment, 0, 256, NULL,
    "Variables of its environment as NAME=value, beside those that tell it about the connection.")
EXEC_OPTION(MAX_PROCESSES, "max_processes", UINT32, max_processes, 0, 1000000, "0",
    "Programs that run at once, over all workers; more connections wait to be accepted. 0 for no limit.")
EXEC_OPTION(KILL_AFTER, "kill_after", DURATION, kill_after_ms, 1, 3600000, "5s",
    "How long a program that was told to end (SIGTERM) may take before it is killed, with all of its process group; and how long the rest of its group may, once it has ended by itself.")
EXEC_OPTION(STDERR, "stderr", EXEC_STDERR, stderr_to, 0, 0, "log",
    "Where goes what a program writes to its standard error: to the log, to the device (socket) or nowhere (null).")
EXEC_OPTION(CPU, "cpu", SECONDS, limit_cpu_s, 0, 31536000000, "0s",
    "CPU time after which a program is killed, in whole seconds; 0s for no limit.")
EXEC_OPTION(MEMORY, "memory", SIZE, limit_memory, 0, 1125899906842624, "0",
    "Bytes of address space that each of its processes may have; 0 for no limit.")
EXEC_OPTION(FILES, "files", UINT32, limit_files, 0, 1048576, "0",
    "Descriptors that each of its processes may have; 0 for no limit of its own.")
EXEC_OPTION(PROCESSES, "processes", UINT32, limit_processes, 0, 1000000, "0",
    "Processes and threads that its user may have, all of them counted; 0 for no limit of its own. Give the pool a user of its own for this.")

MODULE_OPTION(PATH, "path", PATH, path, 0, 0, NULL,
    "Absolute path of the module, a shared object; see mercury-protocol(3). Needed.")
MODULE_OPTION(OPTIONS, "options", MODULE_OPTIONS, texts, 0, 128, NULL,
    "What the module is told, as name=value; it says itself what it takes.")
MODULE_OPTION(CHECK_STATE, "check_state", BOOL, check_state, 0, 0, "false",
    "For those who write a module: save and restore each connection's state after every call, to see that it can.")
/* clang-format on */

#undef PROXY_OPTION
#undef EXEC_OPTION
#undef MODULE_OPTION
#undef LISTENER_OPTION
#undef DAEMON_OPTION
#undef GROUP_OPTION
#undef STORE_OPTION
#undef GATEWAY_OPTION
