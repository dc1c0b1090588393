#include "ctl/command_connection.h"

#include <stdio.h>

#include "ctl/conn_text.h"
#include "ctl/listener_text.h"
#include "ctl/look.h"
#include "ctl/output.h"
#include "ctl/table.h"

/* As many as the daemon has on a page. */
#define PAGE_ROWS 1000u

/* What is known from one page to the next. */
struct listing {
	const struct options *o;
	const char *name;
	struct table *table; /* NULL: no row yet, or JSON is wanted */
	struct look look;
	bool over; /* who read them has gone */
	uint64_t shown;
	json_t *next;    /* where it goes on; NULL: from the first */
	json_t *missing; /* the last slot that was said to be missing */
};

/* Returns 0, or -1 with *f. */
static int
add_text(json_t *params, const char *key, const char *text, struct failure *f)
{
	if (text == NULL ||
	    json_object_set_new(params, key, json_string(text)) == 0)
		return 0;
	return client_fail(f, CTL_USAGE, "%s: is not UTF-8", key);
}

/* The params of the next page; NULL with *f. */
static json_t *
page_params(const struct listing *l, struct failure *f)
{
	const uint64_t left = l->o->limit_rows - l->shown;
	json_t *params = json_object();

	if (l->o->limit_rows != 0 && left < PAGE_ROWS)
		(void)json_object_set_new(params, "limit",
		    json_integer((json_int_t)left));
	if (l->next != NULL)
		(void)json_object_set(params, "after", l->next);
	if (add_text(params, "name", l->name, f) == 0 &&
	    add_text(params, "peer", l->o->peer, f) == 0 &&
	    add_text(params, "min_idle", l->o->idle, f) == 0)
		return params;
	json_decref(params);
	return NULL;
}

static void
show_row(struct listing *l, const json_t *row)
{
	l->shown++;
	if (l->o->given & OPTION_JSON) {
		output_json(stdout, row);
		return;
	}
	if (l->table == NULL)
		l->table = conn_text_new(&l->look);
	conn_text_add(l->table, row);
}

/* Say whose connections are not there; each slot once. */
static void
tell_missing(struct listing *l, json_t *slots)
{
	json_t *slot;
	size_t i;

	json_array_foreach (slots, i, slot) {
		if (l->missing != NULL && json_equal(slot, l->missing))
			continue;
		json_decref(l->missing);
		l->missing = json_incref(slot);
		(void)fprintf(stderr,
		    "mercuryctl: the worker in slot %" JSON_INTEGER_FORMAT
		    " does not answer: its connections are missing\n",
		    json_integer_value(slot));
	}
}

/* Returns 0, or -1 with *f. */
static int
show_page(struct listing *l, const json_t *page, struct failure *f)
{
	const json_t *rows = json_object_get(page, "connections"), *row;
	size_t i;

	json_array_foreach (rows, i, row)
		show_row(l, row);
	if (l->table != NULL)
		table_page(l->table, stdout);
	if (output_flush(&l->over, f) == -1)
		return -1;
	tell_missing(l, json_object_get(page, "missing"));
	json_decref(l->next);
	l->next = json_incref(json_object_get(page, "next"));
	return 0;
}

static bool
is_done(const struct listing *l)
{
	return l->over || !json_is_string(l->next) ||
	    (l->o->limit_rows != 0 && l->shown >= l->o->limit_rows);
}

/* Returns 0, or -1 with *f. */
static int
show_pages(struct client *c, struct listing *l, struct failure *f)
{
	json_t *params, *page;
	int r;

	do {
		params = page_params(l, f);
		if (params == NULL)
			return -1;
		page = client_call(c, "connection.list", params,
		    command_deadline(l->o), f);
		if (page == NULL)
			return -1;
		r = show_page(l, page, f);
		json_decref(page);
	} while (r == 0 && !is_done(l));
	return r;
}

enum ctl_exit
command_connections(const struct options *o, char **args, int count)
{
	struct listing l = { .o = o,
		.name = args[0],
		.look = look_at(stdout, o) };
	struct failure failure;
	struct client client;
	int r;

	(void)count;
	if (client_open(&client, o->socket, false, command_deadline(o),
		&failure) == -1)
		return command_failed(&failure);
	r = show_pages(&client, &l, &failure);
	client_close(&client);
	if (l.table != NULL)
		table_end(&l.table, stdout);
	else if (r == 0 && !(o->given & OPTION_JSON))
		(void)fputs("no connections\n", stdout);
	json_decref(l.next);
	json_decref(l.missing);
	return r == -1 ? command_failed(&failure) : CTL_DONE;
}

enum ctl_exit
command_kick(const struct options *o, char **args, int count)
{
	json_t *params = json_object(), *result = NULL;
	struct failure failure;
	enum ctl_exit code;

	(void)count;
	if (add_text(params, "name", args[0], &failure) == -1 ||
	    add_text(params, "id", args[1], &failure) == -1) {
		json_decref(params);
		return command_failed(&failure);
	}
	code = command_change(o, "connection.kick", params, &result);
	if (code == CTL_DONE && !(o->given & OPTION_JSON)) {
		(void)fputs("kicked ", stdout);
		output_text(stdout, listener_string(result, "id"));
		(void)fputc('\n', stdout);
	}
	json_decref(result);
	return code;
}
