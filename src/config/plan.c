#include "config/plan.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* Bytes of a file name that a message has room for. */
#define FILE_BYTES 160

static void __attribute__((noreturn)) out_of_memory(void)
{
	log_error(NULL, NULL, "out of memory");
	exit(1);
}

/* Make room for one more of size bytes; *room doubles. */
static void *
grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room == 0 ? 16 : *room * 2;
	array = reallocarray(array, *room, size);
	if (array == NULL)
		out_of_memory();
	return array;
}

/* libConfuse repeats what it was given; a message stays one line. */
static void
make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

static void add_text(struct plan_texts *list, const char *file,
    unsigned int line, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

static void
add_text(struct plan_texts *list, const char *file, unsigned int line,
    const char *fmt, va_list ap)
{
	const size_t len = strlen(file);
	const bool cut = len > FILE_BYTES;
	size_t used;
	char *text;

	list->texts =
	    grow(list->texts, list->count, &list->room, sizeof(list->texts[0]));
	memset(&list->texts[list->count], 0, sizeof(list->texts[0]));
	text = list->texts[list->count++].text;
	(void)snprintf(text, IPC_TEXT_SIZE, "%s%s:", cut ? "..." : "",
	    cut ? file + len - FILE_BYTES : file);
	used = strlen(text);
	if (line != 0)
		(void)snprintf(text + used, IPC_TEXT_SIZE - used, "%u:", line);
	used = strlen(text);
	text[used++] = ' ';
	(void)vsnprintf(text + used, IPC_TEXT_SIZE - used, fmt, ap);
	make_printable(text);
}

void
plan_error(struct plan *p, const char *file, unsigned int line, const char *fmt,
    ...)
{
	va_list ap;

	if (p->errors.count == PLAN_ERRORS_KEPT) {
		p->errors_dropped++;
		return;
	}
	va_start(ap, fmt);
	add_text(&p->errors, file, line, fmt, ap);
	va_end(ap);
}

void
plan_count_dropped(struct plan *p, const char *file)
{
	const size_t dropped = p->errors_dropped;

	if (dropped == 0)
		return;
	/* Make room for the one that says so. */
	p->errors.count--;
	p->errors_dropped = 0;
	plan_error(p, file, 0, "and %zu more errors", dropped + 1);
}

void
plan_warning(struct plan *p, const char *file, unsigned int line,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_text(&p->warnings, file, line, fmt, ap);
	va_end(ap);
}

void
plan_listener(struct plan *p, const struct wanted *wanted)
{
	p->listeners = grow(p->listeners, p->listener_count, &p->listener_room,
	    sizeof(p->listeners[0]));
	wanted_copy(&p->listeners[p->listener_count++], wanted);
}

void
plan_group(struct plan *p, const struct group_spec *spec, const char *file,
    unsigned int line)
{
	struct plan_group *g;

	p->groups = grow(p->groups, p->group_count, &p->group_room,
	    sizeof(p->groups[0]));
	g = &p->groups[p->group_count++];
	memset(g, 0, sizeof(*g));
	memcpy(&g->spec, spec, sizeof(g->spec));
	g->file = strdup(file);
	g->line = line;
	if (g->file == NULL)
		out_of_memory();
}

void
plan_child(struct plan *p, const char *name, unsigned int line)
{
	struct plan_group *g = &p->groups[p->group_count - 1];
	struct plan_child *c;

	g->children = grow(g->children, g->child_count, &g->child_room,
	    sizeof(g->children[0]));
	c = &g->children[g->child_count++];
	memset(c, 0, sizeof(*c));
	(void)snprintf(c->child.name, sizeof(c->child.name), "%s", name);
	c->line = line;
	g->spec.children = (uint32_t)g->child_count;
}

void
plan_clear(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->group_count; i++) {
		free(p->groups[i].file);
		free(p->groups[i].children);
	}
	for (i = 0; i < p->listener_count; i++)
		wanted_clear(&p->listeners[i]);
	bulks_drop(&p->gateway.bulks);
	free(p->groups);
	free(p->listeners);
	free(p->errors.texts);
	free(p->warnings.texts);
	memset(p, 0, sizeof(*p));
}
