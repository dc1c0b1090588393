#include "json/history_json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/event.h"
#include "common/snapshot.h"
#include "json/fields.h"

/* Does it tell of a worker? */
static bool
is_of_worker(unsigned int type)
{
	const char *name = event_type_name(type);

	return name != NULL && strncmp(name, "worker.", 7) == 0;
}

/* Does it tell how long the worker had run? */
static bool
is_of_end(unsigned int type)
{
	return is_of_worker(type) && type != EVENT_WORKER_STARTED &&
	    type != EVENT_WORKER_RESTART_LIMIT;
}

/* A key and its value on each line. */
/* clang-format off */
static json_t *
record_json(const struct snapshot_record *r)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
	    "seq", field_number(r->seq),
	    "at", field_time(r->real_ms),
	    "listener", field_string(r->listener, sizeof(r->listener)),
	    "type", field_word(event_type_name(r->type)),
	    "slot", is_of_worker(r->type) ? field_number(r->slot) : json_null(),
	    "pid", field_number_or_null(r->pid),
	    "uptime_ms", is_of_end(r->type) ?
		field_number(r->uptime_ms) : json_null(),
	    "reason", field_string_or_null(r->reason, sizeof(r->reason)));
}

static json_t *
failures_json(const struct snapshot_failures *f, uint32_t window_ms)
{
	return json_pack("{s:o, s:o, s:f}",
	    "name", field_string(f->listener, sizeof(f->listener)),
	    "failures", field_number(f->failures),
	    "per_minute", f->failures * 60000.0 / window_ms);
}
/* clang-format on */

static int
by_seq(const void *a, const void *b)
{
	const struct snapshot_record *const *x = a, *const *y = b;

	if ((*x)->seq != (*y)->seq)
		return (*x)->seq < (*y)->seq ? -1 : 1;
	return strcmp((*x)->listener, (*y)->listener);
}

/* Their rows, which live as long as the snapshot, for free(). */
static const struct snapshot_record **
collect(struct snapshot_reader *reader, size_t *count)
{
	const struct snapshot_record **rows = NULL, **bigger;
	enum snapshot_kind kind;
	const void *row;
	size_t size = 0;

	*count = 0;
	while ((row = snapshot_next(reader, &kind)) != NULL) {
		if (kind != SNAPSHOT_RECORD)
			continue;
		if (*count == size) {
			size = size == 0 ? 256 : 2 * size;
			bigger = reallocarray(rows, size, sizeof(rows[0]));
			if (bigger == NULL) {
				free(rows);
				return NULL;
			}
			rows = bigger;
		}
		rows[(*count)++] = row;
	}
	return rows == NULL ? calloc(1, sizeof(rows[0])) : rows;
}

/* Leave one of those with the same number. Returns how many are left. */
static size_t
drop_doubles(const struct snapshot_record **rows, size_t count)
{
	size_t i, kept = 0;

	for (i = 0; i < count; i++)
		if (kept == 0 || rows[kept - 1]->seq != rows[i]->seq)
			rows[kept++] = rows[i];
	return kept;
}

json_t *
history_json_records(struct snapshot_reader *reader, size_t max)
{
	size_t count, i;
	const struct snapshot_record **rows = collect(reader, &count);
	json_t *all = json_array();
	int failed = rows == NULL;

	if (!failed) {
		qsort(rows, count, sizeof(rows[0]), by_seq);
		count = drop_doubles(rows, count);
	}
	for (i = count > max ? count - max : 0; !failed && i < count; i++)
		failed = json_array_append_new(all, record_json(rows[i]));
	free(rows);
	if (failed) {
		json_decref(all);
		return NULL;
	}
	return json_pack("{s:o}", "records", all);
}

json_t *
history_json_failures(struct snapshot_reader *reader, uint32_t window_ms)
{
	json_t *all = json_array();
	enum snapshot_kind kind;
	const void *row;

	while ((row = snapshot_next(reader, &kind)) != NULL) {
		if (kind != SNAPSHOT_FAILURES)
			continue;
		if (json_array_append_new(all, failures_json(row, window_ms)) ==
		    -1) {
			json_decref(all);
			return NULL;
		}
	}
	return json_pack("{s:o, s:o}", "window_ms", field_number(window_ms),
	    "listeners", all);
}
