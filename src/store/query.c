#include "store/query.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/event.h"
#include "common/snapshot.h"
#include "store/db.h"
#include "store/query_sql.h"

/* A slice that takes longer ends early: the disk is slow. */
#define SLICE_MS 10
#define ROWS_PER_LOOK_AT_THE_CLOCK 64

struct query {
	struct msg_events_query asked;
	enum query_access access;
	const char *value;     /* that the access goes by; NULL: none */
	struct query_key key;  /* of the last row that was looked at */
	struct query_key from; /* the answer starts behind it */
	bool backwards;        /* still looking for where to start */
	uint32_t found;        /* rows that fit, of this direction */
	struct query_key found_last;
	struct snapshot_writer page;
	bool more;
	uint64_t newest_id;
};

/* What one slice has done so far. */
struct slice {
	unsigned int looked;
	uint64_t until_ms;
	bool ended; /* before the rows did */
};

_Static_assert(EVENT_TYPE_COUNT < 64, "a filter has a bit for each type");

static int
check_range(const struct msg_events_query *m, struct err *err)
{
	const uint64_t types = ((uint64_t)1 << EVENT_TYPE_COUNT) - 1;
	const uint32_t severities = (1u << EVENT_SEVERITY_COUNT) - 1;

	if (m->order != EVENTS_BY_TIME && m->order != EVENTS_BY_ID)
		return err_set(err, ERR_INVALID, "events: no such order");
	if (m->rows < 1 || m->rows > EVENTS_PAGE_MAX)
		return err_set(err, ERR_INVALID,
		    "events: a page has 1 to %u rows", EVENTS_PAGE_MAX);
	if ((m->filter.types & ~types) != 0 ||
	    (m->filter.severities & ~severities) != 0)
		return err_set(err, ERR_INVALID,
		    "events: no such type or severity");
	if (memchr(m->filter.listener, '\0', sizeof(m->filter.listener)) ==
	    NULL)
		return err_set(err, ERR_INVALID,
		    "events: the listener's name does not end");
	return 0;
}

/* The number of the only bit in set; -1: none, or more than one. */
static int
only_bit(uint64_t set)
{
	int n = 0;

	if (set == 0 || (set & (set - 1)) != 0)
		return -1;
	while ((set >>= 1) != 0)
		n++;
	return n;
}

/* Choose the index that leaves the fewest rows to look at. */
static void
choose_access(struct query *q)
{
	const struct event_filter *f = &q->asked.filter;
	const int type = only_bit(f->types);
	const int severity = only_bit(f->severities);

	q->access = QUERY_BY_TIME;
	if (q->asked.order == EVENTS_BY_ID) {
		q->access = QUERY_BY_ID;
	} else if (f->listener[0] != '\0') {
		q->access = QUERY_BY_LISTENER;
		q->value = f->listener;
	} else if (type != -1) {
		q->access = QUERY_BY_TYPE;
		q->value = event_type_name((unsigned int)type);
	} else if (severity != -1 && severity != EVENT_SEVERITY_INFO) {
		q->access = QUERY_BY_SEVERITY;
		q->value = event_severity_name((unsigned int)severity);
	}
}

static int64_t
signed_ms(uint64_t ms)
{
	return ms > INT64_MAX ? INT64_MAX : (int64_t)ms;
}

/* Where the rows that are wanted begin and end. */
static void
set_bounds(struct query *q)
{
	struct msg_events_query *m = &q->asked;

	q->from.at_ms = signed_ms(m->after_ms);
	q->from.id = signed_ms(m->after_id);
	if (m->until_id == 0 || m->until_id > INT64_MAX)
		m->until_id = INT64_MAX;
	if (m->filter.since_ms == 0)
		m->filter.since_ms = 1;
	m->filter.since_ms = (uint64_t)signed_ms(m->filter.since_ms);
	if (m->order == EVENTS_BY_ID)
		q->from.at_ms = 0;
	else if (q->from.at_ms < (int64_t)m->filter.since_ms)
		q->from = (struct query_key){ (int64_t)m->filter.since_ms, 0 };
	q->key = q->from;
	q->backwards = m->newest > 0;
	if (q->backwards)
		q->key = (struct query_key){ INT64_MAX, INT64_MAX };
	if (q->backwards && m->order == EVENTS_BY_ID && m->until_id < INT64_MAX)
		q->key.id = (int64_t)m->until_id + 1;
}

struct query *
query_new(const struct msg_events_query *asked, struct err *err)
{
	struct query *q;

	if (check_range(asked, err) == -1)
		return NULL;
	q = calloc(1, sizeof(*q));
	if (q == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "events: out of memory");
		return NULL;
	}
	q->asked = *asked;
	choose_access(q);
	set_bounds(q);
	return q;
}

void
query_free(struct query **q)
{
	if (*q == NULL)
		return;
	free((*q)->page.bytes);
	free(*q);
	*q = NULL;
}

uint32_t
query_request(const struct query *q)
{
	return q->asked.request;
}

static const char *
column(sqlite3_stmt *s, enum query_column c)
{
	return (const char *)sqlite3_column_text(s, (int)c);
}

static bool
is_type_wanted(uint64_t types, const char *type)
{
	unsigned int i;

	if (types == 0)
		return true;
	for (i = 0; type != NULL && i < EVENT_TYPE_COUNT; i++) {
		if ((types & (uint64_t)1 << i) != 0 &&
		    strcmp(type, event_type_name(i)) == 0)
			return true;
	}
	return false;
}

static bool
is_severity_wanted(uint32_t severities, const char *severity)
{
	unsigned int i;

	if (severities == 0)
		return true;
	for (i = 0; severity != NULL && i < EVENT_SEVERITY_COUNT; i++) {
		if ((severities & 1u << i) != 0 &&
		    strcmp(severity, event_severity_name(i)) == 0)
			return true;
	}
	return false;
}

static bool
is_behind(const struct query_key *a, const struct query_key *b)
{
	return a->at_ms > b->at_ms || (a->at_ms == b->at_ms && a->id > b->id);
}

/* Does the row that s stands on, with this key, pass the filter? */
static bool
fits(const struct query *q, sqlite3_stmt *s, const struct query_key *key)
{
	const struct event_filter *f = &q->asked.filter;
	const char *listener;

	if (key->id < 1 || (uint64_t)key->id > q->asked.until_id ||
	    key->at_ms < (int64_t)f->since_ms || !is_behind(key, &q->from))
		return false;
	if (!is_type_wanted(f->types, column(s, QUERY_TYPE)) ||
	    !is_severity_wanted(f->severities, column(s, QUERY_SEVERITY)))
		return false;
	if (f->listener[0] == '\0')
		return true;
	listener = column(s, QUERY_LISTENER);
	return listener != NULL && strcmp(listener, f->listener) == 0;
}

/* A detail is whole or not at all: half of an object is none. */
static const char *
detail(sqlite3_stmt *s)
{
	const char *text = column(s, QUERY_DETAIL);

	if (text == NULL || strnlen(text, EVENT_TEXT_MAX + 1) <= EVENT_TEXT_MAX)
		return text;
	return "{}";
}

static void
add_row(struct query *q, sqlite3_stmt *s, const struct query_key *key)
{
	const struct snapshot_event e = { (uint64_t)key->id,
		(uint64_t)key->at_ms };
	const char *const texts[EVENT_TEXT_COUNT] = {
		[EVENT_TEXT_TYPE] = column(s, QUERY_TYPE),
		[EVENT_TEXT_SEVERITY] = column(s, QUERY_SEVERITY),
		[EVENT_TEXT_LISTENER] = column(s, QUERY_LISTENER),
		[EVENT_TEXT_PEER] = column(s, QUERY_PEER),
		[EVENT_TEXT_REASON] = column(s, QUERY_REASON),
		[EVENT_TEXT_DETAIL] = detail(s),
	};

	snapshot_add_event(&q->page, &e, texts);
}

/* Is what is wanted of this direction there? */
static bool
is_enough(const struct query *q)
{
	if (q->backwards)
		return q->found == q->asked.newest;
	return q->found == q->asked.rows || q->page.len >= QUERY_PAGE_BYTES;
}

static void
look_at(struct query *q, struct slice *slice, sqlite3_stmt *s)
{
	const struct query_key key = { query_column_ms(s, QUERY_AT_MS,
					   q->backwards),
		sqlite3_column_int64(s, QUERY_ID) };

	q->key = key;
	if (q->access == QUERY_BY_ID)
		q->key.at_ms = 0;
	if (!q->backwards && q->key.id < 0)
		q->key.id = 0;
	slice->looked++;
	if (fits(q, s, &key)) {
		q->found++;
		q->found_last = q->key;
		if (!q->backwards)
			add_row(q, s, &key);
	}
	slice->ended = is_enough(q) || slice->looked == QUERY_SLICE_ROWS ||
	    (slice->looked % ROWS_PER_LOOK_AT_THE_CLOCK == 0 &&
		clock_mono_ms() > slice->until_ms);
}

/* Bind n, if the statement has a place for it. */
static int
bind_number(sqlite3_stmt *s, enum query_bind place, int64_t n)
{
	if ((int)place > sqlite3_bind_parameter_count(s))
		return SQLITE_OK;
	return sqlite3_bind_int64(s, (int)place, n);
}

static int
bind(const struct query *q, sqlite3_stmt *s)
{
	int64_t bound = q->from.at_ms;
	int rc;

	if (q->access == QUERY_BY_ID)
		bound = q->backwards ? q->from.id : (int64_t)q->asked.until_id;
	rc = bind_number(s, QUERY_BIND_MS, q->key.at_ms);
	if (rc == SQLITE_OK)
		rc = bind_number(s, QUERY_BIND_ID, q->key.id);
	if (rc == SQLITE_OK)
		rc = bind_number(s, QUERY_BIND_BOUND, bound);
	if (rc == SQLITE_OK && q->value != NULL)
		rc = sqlite3_bind_text(s, QUERY_BIND_VALUE, q->value, -1,
		    SQLITE_STATIC);
	return rc;
}

/* Look at the rows of one statement. Returns 0, or a code. */
static int
walk(struct query *q, struct slice *slice, struct db *db, const char *sql)
{
	sqlite3_stmt *s = db_statement(db, sql);
	int rc;

	if (s == NULL)
		return db->code;
	rc = bind(q, s);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = slice->ended ? SQLITE_DONE : sqlite3_step(s);
		if (rc == SQLITE_ROW)
			look_at(q, slice, s);
	}
	rc = db_failed(db, rc);
	(void)sqlite3_reset(s);
	return rc;
}

/*
 * Rows of the time where we are first, then those beyond: one comparison of
 * (at_ms, id) would go over all of that time again and again.
 */
static int
walk_on(struct query *q, struct slice *slice, struct db *db)
{
	const struct query_sql *sql = query_sql(q->access, q->backwards);
	int rc = 0;

	if (sql->same_time != NULL)
		rc = walk(q, slice, db, sql->same_time);
	if (rc == 0 && !slice->ended)
		rc = walk(q, slice, db, sql->beyond);
	return rc;
}

/*
 * A slice went backwards: is the start found? Then go forwards from there. If
 * nothing fits, the page is complete.
 */
static enum query_result
turn_round(struct query *q, const struct slice *slice)
{
	const struct query_key *k = &q->found_last;

	if (slice->ended && q->found < q->asked.newest &&
	    is_behind(&q->key, &q->from))
		return QUERY_MORE;
	q->key = q->from;
	if (q->found == 0)
		return QUERY_READY;
	q->key = (struct query_key){ k->at_ms, k->id - 1 };
	q->backwards = false;
	q->found = 0;
	return QUERY_MORE;
}

/* Without the index, say in a database that somebody has made, go by time. */
static enum query_result
failed(struct query *q, int code)
{
	if (code != SQLITE_ERROR || q->value == NULL)
		return QUERY_FAILED;
	q->access = QUERY_BY_TIME;
	q->value = NULL;
	return QUERY_MORE;
}

/*
 * Does the next page begin behind the start of this one? If not, the rows are
 * out of order, and who asks for all pages would never come to the end.
 */
static bool
goes_on(const struct query *q)
{
	return !q->more || is_behind(&q->key, &q->from);
}

enum query_result
query_step(struct query *q, struct db *db)
{
	struct slice slice = { .until_ms = clock_mono_ms() + SLICE_MS };
	int rc;

	q->newest_id = db_last_id(db);
	if (q->asked.order == EVENTS_BY_ID &&
	    q->asked.after_id == EVENTS_FROM_NOW) {
		q->key.id = (int64_t)q->newest_id;
		return QUERY_READY;
	}
	rc = walk_on(q, &slice, db);
	if (rc != 0)
		return failed(q, rc);
	if (q->backwards)
		return turn_round(q, &slice);
	q->more = slice.ended;
	if (goes_on(q))
		return QUERY_READY;
	(void)db_refuse(db, SQLITE_CORRUPT, "rows are out of order");
	return QUERY_FAILED;
}

int
query_seal(struct query *q, struct err *err)
{
	const struct snapshot_page page = { .last_ms = (uint64_t)q->key.at_ms,
		.last_id = (uint64_t)q->key.id,
		.newest_id = q->newest_id,
		.more = q->more };

	snapshot_add(&q->page, SNAPSHOT_PAGE, &page, sizeof(page));
	return snapshot_seal(&q->page, err);
}
