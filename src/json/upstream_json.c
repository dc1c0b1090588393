#include "json/upstream_json.h"

#include "common/snapshot.h"
#include "common/upstream_board.h"
#include "json/fields.h"

static const char *
mode_word(uint32_t mode)
{
	return field_word(
	    mode < UPSTREAM_MODE_COUNT ? upstream_mode_words[mode] : NULL);
}

static const char *
health_word(uint32_t health)
{
	return field_word(health < UPSTREAM_HEALTH_COUNT
		? upstream_health_words[health]
		: NULL);
}

static json_t *
ago(uint64_t ms)
{
	return ms == UPSTREAM_NEVER ? json_null() : field_number(ms);
}

/* A key and its value on each line. */
/* clang-format off */
static json_t *
state_json(const struct snapshot_upstream *u)
{
	return json_pack("{s:o, s:s, s:s, s:o, s:b, s:o}",
	    "name", field_string(u->name, sizeof(u->name)),
	    "mode", mode_word(u->mode),
	    "state", health_word(u->health),
	    "since", field_time(u->since_ms),
	    "backup", u->backup != 0,
	    "weight", field_number(u->weight));
}

static json_t *
figures_json(const struct snapshot_upstream *u)
{
	char trouble[UPSTREAM_TROUBLE_SIZE];

	upstream_trouble_text(u->trouble, trouble);
	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "connections", field_number(u->connections),
	    "max_connections", field_number(u->max_connections),
	    "waiting", field_number(u->waiting),
	    "queue", field_number(u->queue),
	    "connected", field_number(u->connected),
	    "failed", field_number(u->failed),
	    "checks", field_number(u->checks),
	    "checks_failed", field_number(u->checks_failed),
	    "last_check_ms_ago", ago(u->checked_ms_ago),
	    "last_error", field_string_or_null(trouble, sizeof(trouble)));
}
/* clang-format on */

static json_t *
upstream_json(const struct snapshot_upstream *u)
{
	json_t *whole = state_json(u), *part = figures_json(u);

	if (whole == NULL || part == NULL ||
	    json_object_update(whole, part) == -1) {
		json_decref(whole);
		whole = NULL;
	}
	json_decref(part);
	return whole;
}

json_t *
upstream_json_all(struct snapshot_reader *r)
{
	json_t *all = json_array();
	enum snapshot_kind kind;
	const void *row;
	int failed = 0;

	while (!failed && (row = snapshot_next(r, &kind)) != NULL)
		if (kind == SNAPSHOT_UPSTREAM)
			failed = json_array_append_new(all, upstream_json(row));
	if (!failed)
		return json_pack("{s:o}", "upstreams", all);
	json_decref(all);
	return NULL;
}

/* --- a summary --- */

json_t *
upstream_json_summary(void)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:i}", "up", 0, "down", 0,
	    "unchecked", 0, "not_ready", 0, "waiting", 0);
}

static int
add(json_t *summary, const char *key, uint64_t n)
{
	json_t *value = json_object_get(summary, key);

	return json_integer_set(value,
	    json_integer_value(value) + (json_int_t)n);
}

int
upstream_json_count(json_t *summary, const struct snapshot_upstream *u)
{
	return add(summary, health_word(u->health), 1) == 0 &&
		add(summary, "not_ready", u->mode != UPSTREAM_MODE_READY) ==
		    0 &&
		add(summary, "waiting", u->waiting) == 0
	    ? 0
	    : -1;
}
