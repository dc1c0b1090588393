#include "gateway/agent_answer.h"

#include <sys/param.h>

#include <stdio.h>
#include <string.h>

/* No name has a slash in it (spec_check_name()). */
static const char no_name[] = "/";

void
agent_answer_name(const char *line, size_t len,
    char name[static SPEC_NAME_SIZE])
{
	size_t n;

	for (n = 0; n < len; n++)
		if (line[n] == '\n' || line[n] == '\r')
			break;
	if (n >= SPEC_NAME_SIZE || memchr(line, '\0', n) != NULL) {
		memcpy(name, no_name, sizeof(no_name));
		return;
	}
	memcpy(name, line, n);
	name[n] = '\0';
}

unsigned int
agent_answer_weight(const struct health_entry *e)
{
	const uint64_t max = e->max_connections;
	const uint64_t taken = MIN(e->connections, max);

	if (max == 0)
		return 100;
	return (unsigned int)MAX((max - taken) * 100 / max, 1);
}

/* The words of each verdict; a weight beside drain makes HAProxy log it. */
static const char *
words(enum verdict_kind kind)
{
	switch (kind) {
	case VERDICT_READY:
		return "up ready";
	case VERDICT_DRAINING:
		return "up drain";
	case VERDICT_PAUSED:
		return "up maint";
	case VERDICT_DOWN:
	case VERDICT_UNKNOWN:
		break;
	}
	return "down ready";
}

void
agent_answer(const struct verdict *v, unsigned int weight,
    char out[static AGENT_ANSWER_SIZE])
{
	char *p;

	if (v->kind == VERDICT_READY)
		(void)snprintf(out, AGENT_ANSWER_SIZE, "%s %u%%",
		    words(v->kind), weight);
	else
		(void)snprintf(out, AGENT_ANSWER_SIZE, "%s # %s",
		    words(v->kind), v->why);
	/* It ends up in logs and pages of others. */
	for (p = out; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	(void)strlcat(out, "\n", AGENT_ANSWER_SIZE);
}
