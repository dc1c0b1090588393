/*
 * What an event can tell beside its reason, once: the keys of the column
 * detail (mercury-store(8)). Included many times on purpose: no guard.
 *
 *     FACT(ID, "key", KIND, "help")
 *
 * KIND is one of NUMBER, BOOL, TEXT.
 */
/* clang-format off */
FACT(PID, "pid", NUMBER, "Process id.")
FACT(SLOT, "slot", NUMBER, "Slot of a worker within its pool, from 0.")
FACT(GENERATION, "generation", NUMBER, "Generation of the pool's workers.")
FACT(POOL, "pool", TEXT, "Name of the pool; of a connection only if it is not the listener's.")
FACT(EXIT_CODE, "exit_code", NUMBER, "Of a process that exited.")
FACT(SIGNAL, "signal", NUMBER, "Number of the signal that a process was killed by.")
FACT(UPTIME_MS, "uptime_ms", NUMBER, "How long a process that ended, or hangs, had run.")
FACT(DURATION_MS, "duration_ms", NUMBER, "How long it took, or a connection lasted.")
FACT(DEADLINE_MS, "deadline_ms", NUMBER, "How long connections may finish.")
FACT(LAME_DUCK_MS, "lame_duck_ms", NUMBER, "How long mercuryd goes on serving.")
FACT(ATTEMPT, "attempt", NUMBER, "Which attempt to bind it was, from 1.")
FACT(NEXT_RETRY_MS, "next_retry_ms", NUMBER, "Time to the next attempt.")
FACT(ADDRESS, "address", TEXT, "Of the listener.")
FACT(PORT, "port", NUMBER, "Of the listener; the bound one once there is one.")
FACT(PATH, "path", TEXT, "Of the listener's Unix socket, instead of address and port.")
FACT(ORIGIN, "origin", TEXT, "Where the listener comes from: file, saved or runtime.")
FACT(QUEUE, "queue", BOOL, "May clients wait in the queue meanwhile?")
FACT(WORKERS, "workers", NUMBER, "How many.")
FACT(LISTENERS, "listeners", NUMBER, "How many.")
FACT(ADDED, "added", NUMBER, "Listeners that were added.")
FACT(REMOVED, "removed", NUMBER, "Listeners that were removed.")
FACT(UPDATED, "updated", NUMBER, "Listeners that were changed in place.")
FACT(RESTARTED, "restarted", NUMBER, "Listeners that got new workers or a new socket.")
FACT(RESTARTS, "restarts", NUMBER, "Of this slot, or of the pool's workers, since the pool began.")
FACT(MAX_RESTARTS, "max_restarts", NUMBER, "As configured.")
FACT(MAX_SECONDS, "max_seconds", NUMBER, "As configured.")
FACT(LEVEL, "level", NUMBER, "Percent of max_connections that were reached.")
FACT(CONNECTIONS, "connections", NUMBER, "Open at that moment.")
FACT(MAX_CONNECTIONS, "max_connections", NUMBER, "As configured.")
FACT(FINISHED, "finished", NUMBER, "Connections that ended by themselves.")
FACT(CUT, "cut", NUMBER, "Connections that were cut at the deadline.")
FACT(VERSION, "version", TEXT, "Of mercuryd.")
FACT(CONNECTION, "connection", TEXT, "Id of the connection: the same when it opens and closes, and no other has it.")
FACT(TLS_NAME, "tls_name", TEXT, "Common name of the certificate that the client showed.")
FACT(TLS_SERIAL, "tls_serial", TEXT, "Serial number of that certificate, in hex.")
FACT(BYTES_IN, "bytes_in", NUMBER, "Bytes from the client.")
FACT(BYTES_OUT, "bytes_out", NUMBER, "Bytes to the client.")
FACT(COUNT, "count", NUMBER, "Connections that the event stands for; of store.dropped, events that are missing.")
FACT(FROM_MS, "from_ms", NUMBER, "When the first of them was.")
FACT(UNTIL_MS, "until_ms", NUMBER, "And the last.")
FACT(ROWS, "rows", NUMBER, "Events that were deleted.")
FACT(BYTES, "bytes", NUMBER, "Bytes that were given back to the file system.")
FACT(FILE, "file", TEXT, "The name that the corrupt database has now.")
/* clang-format on */
#undef FACT
