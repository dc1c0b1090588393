/*
 * What an event can tell beside its reason, once: the keys of the column
 * detail (mercury-store(8)). Included many times on purpose: no guard.
 *
 *     FACT(ID, "key", KIND)
 *
 * KIND is one of NUMBER, BOOL, TEXT.
 */
/* clang-format off */
FACT(PID, "pid", NUMBER)
FACT(SLOT, "slot", NUMBER)
FACT(GENERATION, "generation", NUMBER)
FACT(POOL, "pool", TEXT)
FACT(EXIT_CODE, "exit_code", NUMBER)
FACT(SIGNAL, "signal", NUMBER)
FACT(UPTIME_MS, "uptime_ms", NUMBER)
FACT(DURATION_MS, "duration_ms", NUMBER)
FACT(DEADLINE_MS, "deadline_ms", NUMBER)
FACT(LAME_DUCK_MS, "lame_duck_ms", NUMBER)
FACT(ATTEMPT, "attempt", NUMBER)
FACT(NEXT_RETRY_MS, "next_retry_ms", NUMBER)
FACT(ADDRESS, "address", TEXT)
FACT(PORT, "port", NUMBER)
FACT(PATH, "path", TEXT)
FACT(ORIGIN, "origin", TEXT)
FACT(QUEUE, "queue", BOOL)
FACT(WORKERS, "workers", NUMBER)
FACT(LISTENERS, "listeners", NUMBER)
FACT(ADDED, "added", NUMBER)
FACT(REMOVED, "removed", NUMBER)
FACT(UPDATED, "updated", NUMBER)
FACT(RESTARTED, "restarted", NUMBER)
FACT(RESTARTS, "restarts", NUMBER)
FACT(MAX_RESTARTS, "max_restarts", NUMBER)
FACT(MAX_SECONDS, "max_seconds", NUMBER)
FACT(FINISHED, "finished", NUMBER)
FACT(CUT, "cut", NUMBER)
FACT(VERSION, "version", TEXT)
FACT(CONNECTION, "connection", TEXT)
FACT(BYTES_IN, "bytes_in", NUMBER)
FACT(BYTES_OUT, "bytes_out", NUMBER)
FACT(COUNT, "count", NUMBER)
FACT(FROM_MS, "from_ms", NUMBER)
FACT(UNTIL_MS, "until_ms", NUMBER)
FACT(ROWS, "rows", NUMBER)
FACT(BYTES, "bytes", NUMBER)
FACT(FILE, "file", TEXT)
/* clang-format on */
#undef FACT
