#include "supervisor/readiness.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/drain.h"
#include "supervisor/listener.h"
#include "supervisor/shutdown.h"
#include "supervisor/supervisor.h"

const char *
readiness_check_daemon(const struct readiness_daemon *d)
{
	if (d->state == DAEMON_STARTING)
		return "mercuryd is starting";
	if (d->state != DAEMON_RUNNING || d->leaving)
		return "mercuryd is shutting down";
	return d->drained ? "mercuryd is drained" : NULL;
}

bool
readiness_is_draining(const struct readiness_daemon *d)
{
	return d->state == DAEMON_STOPPING || d->leaving || d->drained;
}

/* What keeps it from serving; NULL: nothing, as far as its state says. */
static const char *
state_reason(enum listener_state state)
{
	switch (state) {
	case LISTENER_STARTING:
		return "is starting";
	case LISTENER_RETRYING:
		return "is retrying to bind";
	case LISTENER_PAUSED:
		return "is paused";
	case LISTENER_FAILED:
		return "has failed";
	case LISTENER_DRAINING:
		return "is being removed";
	case LISTENER_LISTENING:
	case LISTENER_DEGRADED:
		return NULL;
	case LISTENER_STATE_COUNT:
		break;
	}
	return "is in no state";
}

bool
readiness_check(const struct readiness_facts *f,
    char why[static READINESS_SIZE])
{
	const char *reason = state_reason(f->state);

	if (reason == NULL && f->drained)
		reason = "is drained";
	why[0] = '\0';
	if (reason != NULL)
		(void)strlcpy(why, reason, READINESS_SIZE);
	else if (f->slots == 0 || f->served < f->slots)
		(void)snprintf(why, READINESS_SIZE,
		    "is degraded: %u of %u slots served", f->served, f->slots);
	return why[0] == '\0';
}

bool
readiness_blocks(const struct readiness_facts *f)
{
	char why[READINESS_SIZE];

	return f->required && f->counts && f->state != LISTENER_DRAINING &&
	    !readiness_check(f, why);
}

/* --- as things are --- */

static struct readiness_daemon
daemon_facts(void)
{
	return (struct readiness_daemon){
		.state = supervisor_state(),
		.leaving = shutdown_is_announced(),
		.drained = drain_is_on(),
	};
}

static struct readiness_facts
facts_of(const struct listener *l)
{
	return (struct readiness_facts){
		.state = l->state,
		.slots = slots_count(l),
		.served = slots_served(l),
		.drained = l->drained,
		.required = l->spec.required,
		.counts = l->announced || l->inherited,
	};
}

bool
readiness_of_listener(const struct listener *l, struct readiness *out)
{
	const struct readiness_daemon daemon = daemon_facts();
	const char *reason = readiness_check_daemon(&daemon);
	const struct readiness_facts facts = facts_of(l);
	char why[READINESS_SIZE], text[READINESS_SIZE + 3];

	memset(out, 0, sizeof(*out));
	out->draining = l->drained || readiness_is_draining(&daemon);
	out->ready = readiness_check(&facts, why) && reason == NULL;
	(void)snprintf(text, sizeof(text), "it %s", why);
	if (!out->ready)
		(void)strlcpy(out->why, reason != NULL ? reason : text,
		    sizeof(out->why));
	return readiness_blocks(&facts);
}

/* "pos is paused, and 3 more" */
static void
name_first(const struct listener *first, unsigned int blocking,
    struct readiness *out)
{
	const struct readiness_facts facts = facts_of(first);
	char why[READINESS_SIZE], more[24] = "";
	char text[SPEC_NAME_SIZE + READINESS_SIZE + sizeof(more)];

	(void)readiness_check(&facts, why);
	if (blocking > 1)
		(void)snprintf(more, sizeof(more), ", and %u more",
		    blocking - 1);
	(void)snprintf(text, sizeof(text), "%s %s%s", first->spec.name, why,
	    more);
	(void)strlcpy(out->why, text, sizeof(out->why));
}

void
readiness_of_daemon(unsigned int blocking, const struct listener *first,
    struct readiness *out)
{
	const struct readiness_daemon daemon = daemon_facts();
	const char *reason = readiness_check_daemon(&daemon);

	memset(out, 0, sizeof(*out));
	out->draining = readiness_is_draining(&daemon);
	out->ready = reason == NULL && first == NULL;
	if (reason != NULL)
		(void)strlcpy(out->why, reason, sizeof(out->why));
	else if (first != NULL)
		name_first(first, blocking, out);
}

void
readiness_now(struct readiness *out)
{
	const struct listener *first = NULL;
	struct readiness_facts facts;
	unsigned int blocking = 0;
	struct listener *l;

	RB_FOREACH (l, listener_by_name, listeners()) {
		facts = facts_of(l);
		if (!readiness_blocks(&facts))
			continue;
		if (first == NULL)
			first = l;
		blocking++;
	}
	readiness_of_daemon(blocking, first, out);
}
