#include "store/query_sql.h"

/* clang-format off */
#define FORWARDS(INDEX)							\
	"SELECT id, at_ms, type, severity, listener, peer, reason, detail" \
	" FROM network_health_events INDEXED BY network_health_events_by_" INDEX
#define BACKWARDS(INDEX)						\
	"SELECT id, at_ms, type, severity, listener"			\
	" FROM network_health_events INDEXED BY network_health_events_by_" INDEX

/*
 * A text or a blob is greater than every number and has no place in time,
 * hence the last bound. WHERE is what the index goes by, for SQLite to see
 * that the index has all these rows.
 */
#define BY_INDEX(ACCESS, INDEX, WHERE)					\
	[ACCESS][false] = {						\
	    FORWARDS(INDEX) " WHERE " WHERE " at_ms = ?1 AND id > ?2"	\
	    " ORDER BY id",						\
	    FORWARDS(INDEX) " WHERE " WHERE " at_ms > ?1"		\
	    " AND at_ms <= 9223372036854775807 ORDER BY at_ms, id" },	\
	[ACCESS][true] = {						\
	    BACKWARDS(INDEX) " WHERE " WHERE " at_ms = ?1 AND id < ?2"	\
	    " ORDER BY id DESC",					\
	    BACKWARDS(INDEX) " WHERE " WHERE " at_ms < ?1"		\
	    " AND at_ms >= ?3 ORDER BY at_ms DESC, id DESC" }

static const struct query_sql table[QUERY_ACCESS_COUNT][2] = {
	BY_INDEX(QUERY_BY_TIME, "time", ""),
	BY_INDEX(QUERY_BY_LISTENER, "listener", "listener = ?4 AND"),
	BY_INDEX(QUERY_BY_TYPE, "type", "type = ?4 AND"),
	BY_INDEX(QUERY_BY_SEVERITY, "severity",
	    "severity = ?4 AND severity <> 'info' AND"),
	[QUERY_BY_ID][false] = { NULL,
	    "SELECT id, at_ms, type, severity, listener, peer, reason, detail"
	    " FROM network_health_events WHERE id > ?2 AND id <= ?3"
	    " ORDER BY id" },
	[QUERY_BY_ID][true] = { NULL,
	    "SELECT id, at_ms, type, severity, listener"
	    " FROM network_health_events WHERE id < ?2 AND id > ?3"
	    " ORDER BY id DESC" },
};
/* clang-format on */

const struct query_sql *
query_sql(enum query_access access, bool backwards)
{
	return &table[access][backwards];
}

int64_t
query_column_ms(sqlite3_stmt *s, int column, bool backwards)
{
	double ms;
	int64_t n;

	if (sqlite3_column_type(s, column) != SQLITE_FLOAT)
		return sqlite3_column_int64(s, column);
	ms = sqlite3_column_double(s, column);
	if (ms >= (double)INT64_MAX)
		return INT64_MAX;
	if (ms <= (double)INT64_MIN)
		return INT64_MIN;
	n = (int64_t)ms;
	if (backwards)
		return (double)n > ms ? n - 1 : n;
	return (double)n < ms ? n + 1 : n;
}
