#include "json/store_json.h"

#include "common/ipc_msg.h"
#include "common/snapshot.h"
#include "json/fields.h"

/* NULL: none. */
static const char *
trouble_word(uint32_t trouble)
{
	static const char *const words[] = {
#define X(NAME, WORD) WORD,
		STORE_TROUBLES(X)
#undef X
	};

	if (trouble == STORE_TROUBLE_NONE)
		return NULL;
	return field_word(
	    trouble < STORE_TROUBLE_COUNT ? words[trouble] : NULL);
}

/* It runs, but does not what it is there for. */
static const char *
state_word(const struct snapshot_store *s)
{
	if (s->state == CHILD_UP && s->trouble != STORE_TROUBLE_NONE)
		return "degraded";
	return field_word(child_state_name(s->state));
}

/* For how long; what can't be is not so. */
static uint64_t
held_ms(const struct snapshot_store *s, uint64_t now_ms)
{
	const uint64_t since_ms = s->figures[STORE_WAL_HELD_MS];

	return since_ms == 0 || since_ms > now_ms ? 0 : now_ms - since_ms;
}

static json_t *
figure(const struct snapshot_store *s, enum store_figure id)
{
	return field_number(s->figures[id]);
}

json_t *
store_json(const struct snapshot_store *s, uint64_t now_ms)
{
	if (s == NULL)
		return json_null();
	/* A key and its value on each line. */
	/* clang-format off */
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
	    " s:o, s:s?, s:o}",
	    "state", state_word(s),
	    "pid", field_number_or_null(s->pid),
	    "restarts", field_number(s->restarts),
	    "database", field_string(s->database, sizeof(s->database)),
	    "events", figure(s, STORE_EVENTS),
	    "dropped", field_number(s->dropped),
	    "pruned", figure(s, STORE_PRUNED),
	    "last_cleanup", field_time(s->figures[STORE_LAST_CLEANUP_MS]),
	    "database_bytes", figure(s, STORE_DATABASE_BYTES),
	    "wal_bytes", figure(s, STORE_WAL_BYTES),
	    "wal_held_ms", field_number(held_ms(s, now_ms)),
	    "trouble", trouble_word(s->trouble),
	    "error", field_string_or_null(s->text, sizeof(s->text)));
	/* clang-format on */
}
