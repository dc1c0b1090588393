#include "gateway/health_answer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/health_board.h"
#include "gateway/http_text.h"
#include "gateway/verdict.h"
#include "json/fields.h"

/* No listener has it: it has a slash (spec_check_name()). */
static const char no_name[] = "/";

/* Without a text the answer is that there is no memory. */
static const struct verdict no_memory = { .kind = VERDICT_DOWN };

static bool
is_good(const struct verdict *v)
{
	return v->kind == VERDICT_READY;
}

static void
set(struct http_answer *out, const struct verdict *v, bool json,
    struct http_text *text)
{
	out->status = is_good(v) ? 200 : 503;
	out->type = json ? HTTP_TYPE_JSON : HTTP_TYPE_TEXT;
	out->more = NULL;
	out->text = text;
}

/* --- JSON --- */

/* Takes root. NULL when out of memory. */
static struct http_text *
text_of(json_t *root)
{
	char *bytes = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);

	json_decref(root);
	return http_text_take(bytes, bytes == NULL ? 0 : strlen(bytes));
}

static json_t *
why_of(const struct verdict *v)
{
	return field_string_or_null(v->why, sizeof(v->why));
}

static json_t *
listener_json(const struct health_entry *e)
{
	struct verdict v;

	verdict_of(e, &v);
	return json_pack("{s:o, s:b, s:o, s:b, s:b, s:b}", "name",
	    field_string(e->name, sizeof(e->name)), "ready", is_good(&v),
	    "not_ready", why_of(&v), "required", e->required, "draining",
	    e->draining, "paused", e->paused);
}

/* --- the daemon with all its listeners --- */

/* A text that grows; without memory it is not whole. */
struct growing {
	FILE *file;
	char *bytes;
	size_t len;
};

static void
write_listener(FILE *f, const struct health_entry *e)
{
	struct verdict v;

	verdict_of(e, &v);
	(void)fprintf(f, "%s: %s%s%s\n", e->name,
	    is_good(&v) ? "ready" : "not ready: ", v.why,
	    e->required ? "" : " (not required)");
}

static struct http_text *
list_text(const struct verdict *v, const struct health_entry *entries,
    uint32_t count)
{
	struct growing g = { 0 };
	uint32_t i;

	g.file = open_memstream(&g.bytes, &g.len);
	if (g.file == NULL)
		return NULL;
	(void)fprintf(g.file, "%s%s\n",
	    is_good(v) ? "ready" : "not ready: ", v->why);
	for (i = 0; i < count; i++)
		write_listener(g.file, &entries[i]);
	if (fclose(g.file) == 0)
		return http_text_take(g.bytes, g.len);
	free(g.bytes);
	return NULL;
}

static struct http_text *
list_json(const struct verdict *v, const struct health_entry *entries,
    uint32_t count)
{
	json_t *listeners = json_array();
	uint32_t i;

	for (i = 0; i < count; i++)
		if (json_array_append_new(listeners,
			listener_json(&entries[i])) == -1) {
			json_decref(listeners);
			return NULL;
		}
	return text_of(json_pack("{s:b, s:o, s:o}", "ready", is_good(v),
	    "not_ready", why_of(v), "listeners", listeners));
}

static void
answer_list(const struct health_board *b, bool json, struct http_answer *out)
{
	/* Only what is used of it takes memory. */
	struct health_entry *entries =
	    malloc(HEALTH_ENTRIES * sizeof(*entries));
	struct health_entry daemon;
	struct verdict v;
	uint32_t count = 0;

	if (entries == NULL) {
		set(out, &no_memory, json, NULL);
		return;
	}
	if (health_board_copy(b, &daemon, entries, HEALTH_ENTRIES, &count) ==
	    HEALTH_FOUND)
		verdict_of(&daemon, &v);
	else
		verdict_torn(&v);
	set(out, &v, json,
	    json ? list_json(&v, entries, count)
		 : list_text(&v, entries, count));
	free(entries);
}

/* --- one answer --- */

/* "alive", "ready", "pos is ready", or not, and why. */
static struct http_text *
short_text(const struct health_question *q, const struct verdict *v)
{
	if (q->is_live || v->kind == VERDICT_UNKNOWN)
		return http_text_printf("%s%s\n", is_good(v) ? "alive" : "",
		    v->why);
	return http_text_printf("%s%s%s%s\n", q->name == NULL ? "" : q->name,
	    q->name == NULL || q->name[0] == '\0' ? "" : " is ",
	    is_good(v) ? "ready" : "not ready: ", v->why);
}

static struct http_text *
short_json(const struct health_question *q, const struct verdict *v)
{
	json_t *name =
	    q->name == NULL ? NULL : field_string(q->name, strlen(q->name));

	if (q->is_live)
		return text_of(json_pack("{s:b, s:o}", "alive", is_good(v),
		    "not_alive", why_of(v)));
	return text_of(json_pack("{s:o*, s:b, s:o}", "name", name, "ready",
	    is_good(v), "not_ready", why_of(v)));
}

/* What can't be a name is empty, which would be the daemon on the board. */
static const char *
name_to_find(const struct health_question *q)
{
	if (q->name == NULL)
		return "";
	return q->name[0] == '\0' ? no_name : q->name;
}

void
health_answer(const struct health_board *b, const struct health_question *q,
    uint64_t now_ms, struct http_answer *out)
{
	struct verdict v;

	verdict_supervisor(b, now_ms, &v);
	if (is_good(&v) && !q->is_live && q->name == NULL && q->verbose) {
		answer_list(b, q->json, out);
		return;
	}
	if (is_good(&v) && !q->is_live)
		verdict_get(b, name_to_find(q), now_ms, &v);
	set(out, &v, q->json, q->json ? short_json(q, &v) : short_text(q, &v));
}
