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

/* Workers end in company. */
#define AFTER_WORKER_MS 100

/* What the log shows of those that were found in one line. */
#define NAMES_SIZE 600

/* What a search has found so far. */
struct findings {
	unsigned int found;
	char names[NAMES_SIZE];
};

static struct {
	struct event_base *base;
	struct event *timer; /* the search for those of earlier runs */
	struct event *after; /* for those of workers that have ended */
	bool searching;      /* for these */
	bool again;          /* and then once more */
	char control_socket[SPEC_PATH_SIZE];
	char run[RUN_SIZE]; /* empty: not begun */
	uint64_t started_ms;
	struct findings of_runs, of_workers;
	void (*done)(void); /* of the search at the end */
} st;

static void
arm(struct event *timer, uint32_t ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	if (event_add(timer, &tv) == -1)
		log_error(NULL, NULL, "no timer: out of memory");
}

static void
on_stray(struct findings *f, const struct msg_stray *m)
{
	const size_t used = strlen(f->names);

	(void)snprintf(f->names + used, sizeof(f->names) - used,
	    "%s%.*s (pid %u)", used == 0 ? "" : ", ", PROCESS_NAME_SIZE - 1,
	    m->name, m->pid);
	log_warning(NULL, NULL, "stray pid %u of run %.*s", m->pid,
	    RUN_SIZE - 1, m->run);
	f->found++;
}

static void
tell(struct findings *f, enum log_level level, const char *whose)
{
	if (f->found > 0)
		log_write(level, NULL, NULL, "killed %u stray%s of %s: %s",
		    f->found, f->found == 1 ? "" : "s", whose, f->names);
	f->found = 0;
	f->names[0] = '\0';
}

/* Is it not the last answer? Then it was noted. */
static bool
take_stray(struct findings *f, const struct ipc_message *msg)
{
	if (msg == NULL || msg->kind != IPC_STRAY)
		return false;
	on_stray(f, &msg->payload.STRAY);
	return true;
}

static void
on_answer_of_earlier(void *ctx, const struct ipc_message *msg)
{
	(void)ctx;
	if (take_stray(&st.of_runs, msg))
		return;
	tell(&st.of_runs, LOG_LEVEL_ERROR, "an earlier run");
	if (msg == NULL)
		log_warning(NULL, NULL, "no search for strays: no answer");
	else if (msg->payload.STRAYS_END.again_ms > 0)
		arm(st.timer, msg->payload.STRAYS_END.again_ms);
}

static void
on_answer_of_ours(void *ctx, const struct ipc_message *msg)
{
	(void)ctx;
	if (take_stray(&st.of_runs, msg))
		return;
	tell(&st.of_runs, LOG_LEVEL_ERROR, "this run");
	st.done();
}

/* What a program leaves behind is no fault of ours. */
static void
on_answer_of_workers(void *ctx, const struct ipc_message *msg)
{
	(void)ctx;
	if (take_stray(&st.of_workers, msg))
		return;
	tell(&st.of_workers, LOG_LEVEL_WARNING, "programs of ended workers");
	st.searching = false;
	if (st.again)
		strays_after_worker();
}

static int
search(enum strays_of of, helper_answer_fn *fn)
{
	struct helper_request r = { .kind = IPC_CONFIG_FIND_STRAYS,
		.last = IPC_STRAYS_END,
		.deadline_ms =
		    of == STRAYS_OF_THIS_RUN ? LAST_SEARCH_MS : SEARCH_MS };
	struct msg_config_find_strays *m = &r.payload.CONFIG_FIND_STRAYS;
	struct err err;

	memset(m, 0, sizeof(*m));
	(void)strlcpy(m->control_socket, st.control_socket,
	    sizeof(m->control_socket));
	(void)strlcpy(m->run, st.run, sizeof(m->run));
	m->of = of;
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
		(void)search(STRAYS_OF_EARLIER_RUNS, on_answer_of_earlier);
}

static void
on_after(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	/* At the end all are looked for. */
	if (st.done == NULL)
		st.searching =
		    search(STRAYS_OF_DEAD_WORKERS, on_answer_of_workers) == 0;
}

void
strays_after_worker(void)
{
	st.again = st.searching;
	if (!st.searching && st.after != NULL)
		arm(st.after, AFTER_WORKER_MS);
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
	st.after = event_new(base, -1, 0, on_after, NULL);
	if (st.timer == NULL || st.after == NULL)
		return err_set(err, ERR_UNAVAILABLE, "a timer: out of memory");
	arm(st.timer, s->shutdown_deadline_ms + GRACE_MS);
	return 0;
}

void
strays_end(void (*done)(void))
{
	st.done = done;
	if (st.run[0] == '\0' ||
	    search(STRAYS_OF_THIS_RUN, on_answer_of_ours) == -1)
		done();
}

void
strays_free(void)
{
	if (st.timer != NULL)
		event_free(st.timer);
	if (st.after != NULL)
		event_free(st.after);
	st.timer = NULL;
	st.after = NULL;
}
