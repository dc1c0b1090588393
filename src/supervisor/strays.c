#include "supervisor/strays.h"

#include <sys/param.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/helper_task.h"

/* After the deadline of an earlier run's workers, which end then. */
#define GRACE_MS 1000

#define SEARCH_MS 5000     /* for a look at all processes */
#define LAST_SEARCH_MS 150 /* at the end of a shutdown nobody waits so long */

/* What the log shows of those that were found in one line. */
#define NAMES_SIZE 600

static struct {
	struct event_base *base;
	struct event *timer; /* the search for those of earlier runs */
	char control_socket[SPEC_PATH_SIZE];
	char run[RUN_SIZE]; /* empty: not begun */
	uint64_t started_ms;
	char names[NAMES_SIZE]; /* of this search */
	unsigned int found;
	void (*done)(void); /* of the search at the end */
} st;

static void
arm(uint32_t ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	if (event_add(st.timer, &tv) == -1)
		log_error(NULL, NULL, "no timer: out of memory");
}

static void
on_stray(const struct msg_stray *m)
{
	const size_t used = strlen(st.names);

	(void)snprintf(st.names + used, sizeof(st.names) - used,
	    "%s%.*s (pid %u)", used == 0 ? "" : ", ", PROCESS_NAME_SIZE - 1,
	    m->name, m->pid);
	log_warning(NULL, NULL, "stray pid %u of run %.*s", m->pid,
	    RUN_SIZE - 1, m->run);
	st.found++;
}

static void
tell(const char *whose)
{
	if (st.found > 0)
		log_error(NULL, NULL, "killed %u stray%s of %s: %s", st.found,
		    st.found == 1 ? "" : "s", whose, st.names);
	st.found = 0;
	st.names[0] = '\0';
}

static void
on_answer_of_earlier(void *ctx, const struct ipc_message *msg)
{
	(void)ctx;
	if (msg != NULL && msg->kind == IPC_STRAY) {
		on_stray(&msg->payload.STRAY);
		return;
	}
	tell("an earlier run");
	if (msg == NULL)
		log_warning(NULL, NULL, "no search for strays: no answer");
	else if (msg->payload.STRAYS_END.again_ms > 0)
		arm(msg->payload.STRAYS_END.again_ms);
}

static void
on_answer_of_ours(void *ctx, const struct ipc_message *msg)
{
	(void)ctx;
	if (msg != NULL && msg->kind == IPC_STRAY) {
		on_stray(&msg->payload.STRAY);
		return;
	}
	tell("this run");
	st.done();
}

static int
search(bool this_run, helper_answer_fn *fn)
{
	struct helper_request r = { .kind = IPC_CONFIG_FIND_STRAYS,
		.last = IPC_STRAYS_END,
		.deadline_ms = this_run ? LAST_SEARCH_MS : SEARCH_MS };
	struct msg_config_find_strays *m = &r.payload.CONFIG_FIND_STRAYS;
	struct err err;

	memset(m, 0, sizeof(*m));
	(void)strlcpy(m->control_socket, st.control_socket,
	    sizeof(m->control_socket));
	(void)strlcpy(m->run, st.run, sizeof(m->run));
	m->this_run = this_run;
	m->elapsed_ms =
	    (uint32_t)MIN(clock_mono_ms() - st.started_ms, UINT32_MAX);
	m->supervisor = (uint32_t)getpid();
	if (helper_task_start(st.base, &r, fn, NULL, &err) == 0)
		return 0;
	log_warning(NULL, NULL, "no search for strays: %s", err.text);
	return -1;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (st.done == NULL)
		(void)search(false, on_answer_of_earlier);
}

int
strays_begin(struct event_base *base, const struct daemon_settings *s,
    struct err *err)
{
	char drain_ms[16];

	st.base = base;
	st.started_ms = clock_mono_ms();
	(void)strlcpy(st.control_socket, s->control_socket,
	    sizeof(st.control_socket));
	(void)snprintf(st.run, sizeof(st.run), "%s:%d:%08x", s->control_socket,
	    (int)getpid(), arc4random());
	(void)snprintf(drain_ms, sizeof(drain_ms), "%u",
	    s->shutdown_deadline_ms);
	if (setenv(RUN_VARIABLE, st.run, 1) == -1 ||
	    setenv(RUN_DRAIN_VARIABLE, drain_ms, 1) == -1)
		return err_sys(err, "environment");
	st.timer = event_new(base, -1, 0, on_timer, NULL);
	if (st.timer == NULL)
		return err_set(err, ERR_UNAVAILABLE, "a timer: out of memory");
	arm(s->shutdown_deadline_ms + GRACE_MS);
	return 0;
}

void
strays_end(void (*done)(void))
{
	st.done = done;
	if (st.run[0] == '\0' || search(true, on_answer_of_ours) == -1)
		done();
}

void
strays_free(void)
{
	if (st.timer != NULL)
		event_free(st.timer);
	st.timer = NULL;
}
