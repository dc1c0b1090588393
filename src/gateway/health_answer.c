#include "gateway/health_answer.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/health_board.h"
#include "gateway/http_text.h"
#include "json/fields.h"

/* A sentence for people. */
#define WHY_SIZE 256

/* What is known: is it ready, and why not. */
struct verdict {
	bool good;
	bool is_unknown;    /* there is no such listener */
	char why[WHY_SIZE]; /* not good */
};

static void
no(struct verdict *v, const char *why)
{
	v->good = false;
	(void)snprintf(v->why, sizeof(v->why), "%s", why);
}

/* Does the supervisor go on? */
static void
judge_life(const struct health_board *b, uint64_t now_ms, struct verdict *v)
{
	const uint64_t age_ms = health_board_age_ms(b, now_ms);

	v->is_unknown = false;
	v->why[0] = '\0';
	v->good = age_ms <= HEALTH_STALE_MS;
	if (!v->good)
		(void)snprintf(v->why, sizeof(v->why),
		    "the supervisor has not answered for %" PRIu64 " ms",
		    age_ms);
}

static void
judge_entry(const struct health_entry *e, struct verdict *v)
{
	v->good = e->ready;
	v->why[0] = '\0';
	if (!v->good)
		no(v, e->why[0] == '\0' ? "it is not ready yet" : e->why);
}

static void
judge_torn(struct verdict *v)
{
	no(v, "the supervisor stopped while it wrote down who is ready");
}

static void
judge_missing(struct verdict *v, const char *name)
{
	v->good = false;
	v->is_unknown = true;
	(void)snprintf(v->why, sizeof(v->why), "there is no listener named %s",
	    name);
}

/* One listener, or the daemon (name empty). */
static void
judge(const struct health_board *b, const char *name, struct verdict *v)
{
	struct health_entry e;

	switch (health_board_find(b, name, &e)) {
	case HEALTH_FOUND:
		judge_entry(&e, v);
		break;
	case HEALTH_NO_SUCH:
		judge_missing(v, name);
		break;
	case HEALTH_TORN:
		judge_torn(v);
	}
}

static void
set(struct http_answer *out, const struct verdict *v, bool json,
    struct http_text *text)
{
	out->status = v->good ? 200 : 503;
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

	judge_entry(e, &v);
	return json_pack("{s:o, s:b, s:o, s:b, s:b, s:b}", "name",
	    field_string(e->name, sizeof(e->name)), "ready", v.good,
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

	judge_entry(e, &v);
	(void)fprintf(f, "%s: %s%s%s\n", e->name,
	    v.good ? "ready" : "not ready: ", v.why,
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
	    v->good ? "ready" : "not ready: ", v->why);
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
	return text_of(json_pack("{s:b, s:o, s:o}", "ready", v->good,
	    "not_ready", why_of(v), "listeners", listeners));
}

static void
answer_list(const struct health_board *b, bool json, struct http_answer *out)
{
	/* Only what is used of it takes memory. */
	struct health_entry *entries =
	    malloc(HEALTH_ENTRIES * sizeof(*entries));
	struct health_entry daemon;
	struct verdict v = { .good = true };
	uint32_t count = 0;

	if (entries == NULL)
		no(&v, "out of memory");
	else if (health_board_copy(b, &daemon, entries, HEALTH_ENTRIES,
		     &count) == HEALTH_FOUND)
		judge_entry(&daemon, &v);
	else
		judge_torn(&v);
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
	if (q->is_live || v->is_unknown)
		return http_text_printf("%s%s\n", v->good ? "alive" : "",
		    v->why);
	return http_text_printf("%s%s%s%s\n", q->name == NULL ? "" : q->name,
	    q->name == NULL || q->name[0] == '\0' ? "" : " is ",
	    v->good ? "ready" : "not ready: ", v->why);
}

static struct http_text *
short_json(const struct health_question *q, const struct verdict *v)
{
	json_t *name =
	    q->name == NULL ? NULL : field_string(q->name, strlen(q->name));

	if (q->is_live)
		return text_of(json_pack("{s:b, s:o}", "alive", v->good,
		    "not_alive", why_of(v)));
	return text_of(json_pack("{s:o*, s:b, s:o}", "name", name, "ready",
	    v->good, "not_ready", why_of(v)));
}

void
health_answer(const struct health_board *b, const struct health_question *q,
    uint64_t now_ms, struct http_answer *out)
{
	struct verdict v;

	judge_life(b, now_ms, &v);
	if (v.good && !q->is_live && q->name == NULL && q->verbose) {
		answer_list(b, q->json, out);
		return;
	}
	/* What can't be a name is empty, which would be the daemon here. */
	if (v.good && q->name != NULL && q->name[0] == '\0')
		judge_missing(&v, "that");
	else if (v.good && !q->is_live)
		judge(b, q->name == NULL ? "" : q->name, &v);
	set(out, &v, q->json, q->json ? short_json(q, &v) : short_text(q, &v));
}
