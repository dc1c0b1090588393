#include "store/event_log.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#include "common/event_wire.h"
#include "common/utf8.h"
#include "store/db.h"
#include "store/epoch_store.h"
#include "store/queue.h"

/* A time that is so far ahead is none that the sender can have seen. */
#define AHEAD_MAX_MS (3600u * 1000u)

enum column {
	COLUMN_ID = 1,
	COLUMN_AT_MS,
	COLUMN_TYPE,
	COLUMN_SEVERITY,
	COLUMN_LISTENER,
	COLUMN_PEER,
	COLUMN_REASON,
	COLUMN_DETAIL
};

static const char insert_sql[] =
    "INSERT INTO network_health_events(id, at_ms, type, severity, listener, "
    "peer, reason, detail) VALUES(?, ?, ?, ?, ?, ?, ?, ?)";

/* What a store.dropped tells of; nobody drops 4 billion at a time. */
static uint64_t
count_dropped(const struct health_event *e)
{
	unsigned int i;

	if (e->type != EVENT_STORE_DROPPED)
		return 0;
	for (i = 0; i < e->fact_count; i++)
		if (e->facts[i].id == FACT_COUNT && e->facts[i].number > 0 &&
		    e->facts[i].number <= UINT32_MAX)
			return (uint64_t)e->facts[i].number;
	return 0;
}

uint32_t
event_log_check(const uint8_t *datagram, size_t size, enum role sender,
    uint64_t *dropped)
{
	const uint32_t count = event_batch_count(datagram, size);
	size_t at = sizeof(struct event_batch), n;
	struct health_event e;
	uint64_t told = 0;
	uint32_t i;

	*dropped = 0;
	for (i = 0; i < count; i++) {
		n = event_decode(datagram + at, size - at, &e);
		if (n == 0 || !(event_type_senders(e.type) & sender))
			return 0;
		told += count_dropped(&e);
		at += n;
	}
	if (at != size)
		return 0;
	*dropped = told;
	return count;
}

const char *
event_log_clean(const char *text, char *out, size_t size)
{
	size_t at = 0, n;

	while (*text != '\0') {
		n = utf8_length(text);
		if (at + (n == 0 ? 1 : n) >= size)
			break;
		if (n == 0)
			out[at++] = '?';
		else
			memcpy(out + at, text, n);
		at += n;
		text += n == 0 ? 1 : n;
	}
	out[at] = '\0';
	return out;
}

static json_t *
fact_json(const struct event_fact *f)
{
	char text[EVENT_FACT_TEXT_MAX + 1];

	switch (fact_kind(f->id)) {
	case FACT_NUMBER:
		return json_integer(f->number);
	case FACT_BOOL:
		return json_boolean(f->number != 0);
	case FACT_TEXT:
		break;
	}
	return json_string_nocheck(
	    event_log_clean(f->text, text, sizeof(text)));
}

/* Which pool it comes from is not the sender's to say. */
static bool
names_pool(const struct health_event *e, const struct origin *origin)
{
	return origin->role == ROLE_POOL &&
	    (e->listener == NULL || strcmp(e->listener, origin->pool) != 0);
}

static json_t *
facts_json(const struct health_event *e, const struct origin *origin)
{
	json_t *o = json_object();
	const bool from_pool = origin->role == ROLE_POOL;
	char pool[SPEC_NAME_SIZE];
	unsigned int i;
	int failed = o == NULL;

	for (i = 0; i < e->fact_count; i++)
		if (e->facts[i].id != FACT_POOL || !from_pool)
			failed |= json_object_set_new_nocheck(o,
			    fact_key(e->facts[i].id), fact_json(&e->facts[i]));
	if (names_pool(e, origin))
		failed |= json_object_set_new_nocheck(o, fact_key(FACT_POOL),
		    json_string_nocheck(
			event_log_clean(origin->pool, pool, sizeof(pool))));
	if (failed == 0)
		return o;
	json_decref(o);
	return NULL;
}

size_t
event_log_detail(const struct health_event *e, const struct origin *origin,
    char out[static EVENT_LOG_DETAIL_SIZE])
{
	json_t *o;
	size_t n;

	if (e->fact_count == 0 && !names_pool(e, origin)) {
		memcpy(out, "{}", sizeof("{}"));
		return 2;
	}
	o = facts_json(e, origin);
	if (o == NULL)
		return 0;
	n = json_dumpb(o, out, EVENT_LOG_DETAIL_SIZE - 1, JSON_COMPACT);
	json_decref(o);
	if (n >= EVENT_LOG_DETAIL_SIZE)
		n = 0;
	out[n] = '\0';
	return n;
}

uint64_t
event_log_time(uint64_t at_ms, int64_t wall_ms)
{
	const uint64_t now_ms = wall_ms > 0 ? (uint64_t)wall_ms : 0;

	return at_ms > now_ms + AHEAD_MAX_MS ? now_ms : at_ms;
}

/* buffer lives until the row is in. */
static void
bind_text(sqlite3_stmt *s, enum column c, const char *text, char *buffer,
    size_t size)
{
	if (text != NULL)
		(void)sqlite3_bind_text(s, (int)c,
		    event_log_clean(text, buffer, size), -1, SQLITE_STATIC);
}

static void
bind_word(sqlite3_stmt *s, enum column c, const char *word)
{
	(void)sqlite3_bind_text(s, (int)c, word, -1, SQLITE_STATIC);
}

int
event_log_insert(struct db *db, const struct epoch_row *row,
    const struct health_event *e, const struct origin *origin)
{
	char listener[EVENT_NAME_MAX + 1], peer[EVENT_NAME_MAX + 1];
	char reason[EVENT_REASON_MAX + 1], detail[EVENT_LOG_DETAIL_SIZE];
	const size_t len = event_log_detail(e, origin, detail);
	sqlite3_stmt *s = db_statement(db, insert_sql);

	if (s == NULL)
		return db->code;
	if (len == 0)
		return db_failed(db, SQLITE_NOMEM);
	(void)sqlite3_bind_int64(s, COLUMN_ID, (int64_t)row->id);
	(void)sqlite3_bind_int64(s, COLUMN_AT_MS, (int64_t)row->at_ms);
	bind_word(s, COLUMN_TYPE, event_type_name(e->type));
	bind_word(s, COLUMN_SEVERITY,
	    event_severity_name(event_type_severity(e->type)));
	bind_text(s, COLUMN_LISTENER, e->listener, listener, sizeof(listener));
	bind_text(s, COLUMN_PEER, e->peer, peer, sizeof(peer));
	bind_text(s, COLUMN_REASON, e->reason, reason, sizeof(reason));
	(void)sqlite3_bind_text(s, COLUMN_DETAIL, detail, (int)len,
	    SQLITE_STATIC);
	return db_run(db, s);
}
