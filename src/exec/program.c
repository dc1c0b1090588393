#include "exec/program.h"

#include <sys/queue.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/exec_plan.h"
#include "common/log.h"
#include "exec/error_output.h"
#include "exec/spawn.h"

/* How often we look whether the rest of a group is there still, in ms. */
#define LOOK_FIRST 1
#define LOOK_LAST 50

struct program {
	struct event ended; /* its pidfd is readable */
	struct event look; /* it was reaped, the rest of its group is awaited */
	struct spawned process;             /* pidfd -1: it was reaped */
	struct program_exit exit;           /* once it was reaped */
	uint32_t kill_after_ms;             /* what the rest of its group has */
	uint32_t look_ms;                   /* until the next look */
	uint64_t started_ms, rest_until_ms; /* CLOCK_MONOTONIC */
	struct error_output *error_output;  /* NULL: we don't read it */
	/* Both NULL: it was abandoned. */
	void (*on_ended)(void *ctx, const struct program_exit *);
	void *ctx;
	LIST_ENTRY(program) next; /* of the abandoned */
};

/* They are killed; a worker may end before it hears of it. */
static LIST_HEAD(, program) abandoned = LIST_HEAD_INITIALIZER(abandoned);

static void
describe(const struct program *p, const siginfo_t *si, struct program_exit *out)
{
	*out = (struct program_exit){ .pid = p->process.pid,
		.by_signal = si->si_code != CLD_EXITED,
		.status = si->si_status,
		.uptime_ms = clock_mono_ms() - p->started_ms };
}

/* Has the leader ended? It is not reaped. */
static bool
has_ended(const struct program *p, siginfo_t *si)
{
	si->si_pid = 0;
	return waitid(P_PIDFD, (id_t)p->process.pidfd, si,
		   WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    si->si_pid != 0;
}

static void
free_program(struct program *p)
{
	(void)event_del(&p->ended);
	(void)event_del(&p->look);
	if (p->process.pidfd != -1)
		(void)close(p->process.pidfd);
	error_output_end(&p->error_output);
	free(p);
}

static void
reap(struct program *p)
{
	(void)waitid(P_PIDFD, (id_t)p->process.pidfd, NULL, WEXITED | WNOHANG);
	(void)event_del(&p->ended);
	(void)close(p->process.pidfd);
	p->process.pidfd = -1;
}

/* All of its group have ended, or were killed. */
static void
end(struct program *p)
{
	const struct program copy = *p;

	free_program(p);
	copy.on_ended(copy.ctx, &copy.exit);
}

/*
 * Its group's number is taken as long as somebody is in it. Then it may become
 * another group's: but numbers are given out in turn, and no machine starts as
 * many processes as there are numbers between two looks.
 */
static bool
has_rest(const struct program *p)
{
	return kill(-p->process.pid, 0) == 0 || errno == EPERM;
}

/* Returns -1 if there is no memory to do so. */
static int
look_later(struct program *p)
{
	const struct timeval wait = { .tv_usec =
					  (suseconds_t)p->look_ms * 1000 };

	if (p->look_ms < LOOK_LAST / 2)
		p->look_ms *= 2;
	else
		p->look_ms = LOOK_LAST;
	return event_add(&p->look, &wait);
}

/* The leader has ended: others of its group may still be about its work. */
static void
wait_for_rest(struct program *p)
{
	if (!has_rest(p)) {
		end(p);
	} else if (clock_mono_ms() >= p->rest_until_ms || look_later(p) == -1) {
		(void)kill(-p->process.pid, SIGKILL);
		end(p);
	}
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	wait_for_rest(arg);
}

static void
on_pidfd(evutil_socket_t fd, short what, void *arg)
{
	struct program *p = arg;
	siginfo_t si;

	(void)fd;
	(void)what;
	if (!has_ended(p, &si))
		return;
	if (p->on_ended == NULL) {
		(void)kill(-p->process.pid, SIGKILL);
		reap(p);
		LIST_REMOVE(p, next);
		free_program(p);
		return;
	}
	describe(p, &si, &p->exit);
	reap(p);
	p->look_ms = LOOK_FIRST;
	p->rest_until_ms = clock_mono_ms() + p->kill_after_ms;
	wait_for_rest(p);
}

/* The end of a pipe for its stderr; -1: /dev/null, -2 with *err: none. */
static int
open_error_output(struct program *p, const struct program_request *r,
    struct err *err)
{
	int end;

	switch ((enum exec_stderr)r->plan->stderr_to) {
	case EXEC_STDERR_SOCKET:
		return r->socket;
	case EXEC_STDERR_LOG:
		p->error_output = error_output_new(r->base, r->listener,
		    r->connection, &end, err);
		return p->error_output == NULL ? -2 : end;
	default:
		return -1;
	}
}

static int
start_process(struct program *p, const struct program_request *r,
    struct err *err)
{
	const int error_output = open_error_output(p, r, err);
	const struct spawn_request s = { .plan = r->plan,
		.environment = r->environment,
		.socket = r->socket,
		.error_output = error_output };
	int result;

	if (error_output == -2)
		return -1;
	result = spawn_program(&s, &p->process, err);
	if (p->error_output != NULL)
		(void)close(error_output);
	return result;
}

/* It runs, but we could not hear of its end. */
static void
kill_now(struct program *p)
{
	(void)kill(-p->process.pid, SIGKILL);
	(void)waitid(P_PIDFD, (id_t)p->process.pidfd, NULL, WEXITED);
	(void)close(p->process.pidfd);
}

struct program *
program_start(const struct program_request *r, struct err *err)
{
	struct program *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)err_sys(err, "a program");
		return NULL;
	}
	if (start_process(p, r, err) == -1)
		goto out;
	p->started_ms = clock_mono_ms();
	p->kill_after_ms = r->plan->kill_after_ms;
	p->on_ended = r->ended;
	p->ctx = r->ctx;
	if (event_assign(&p->ended, r->base, p->process.pidfd,
		EV_READ | EV_PERSIST, on_pidfd, p) == -1 ||
	    evtimer_assign(&p->look, r->base, on_look, p) == -1 ||
	    event_add(&p->ended, NULL) == -1) {
		kill_now(p);
		(void)err_set(err, ERR_UNAVAILABLE, "a program: no memory");
		goto out;
	}
	if (p->error_output != NULL)
		error_output_begin(p->error_output, p->process.pid);
	return p;
out:
	error_output_end(&p->error_output);
	free(p);
	return NULL;
}

pid_t
program_pid(const struct program *p)
{
	return p->process.pid;
}

void
program_signal(const struct program *p, int sig)
{
	(void)kill(-p->process.pid, sig);
	if (sig != SIGKILL)
		(void)kill(-p->process.pid, SIGCONT);
}

void
program_abandon(struct program **pp, struct program_exit *out)
{
	struct program *p = *pp;
	siginfo_t si = { .si_pid = 0 };

	*pp = NULL;
	(void)kill(-p->process.pid, SIGKILL);
	if (p->process.pidfd == -1) {
		*out = p->exit;
		free_program(p);
	} else if (has_ended(p, &si)) {
		describe(p, &si, out);
		reap(p);
		free_program(p);
	} else {
		si.si_code = CLD_KILLED;
		si.si_status = SIGKILL;
		describe(p, &si, out);
		error_output_end(&p->error_output);
		p->on_ended = NULL;
		LIST_INSERT_HEAD(&abandoned, p, next);
	}
}

unsigned int
program_left(void)
{
	const struct program *p;
	unsigned int n = 0;

	LIST_FOREACH (p, &abandoned, next)
		n++;
	return n;
}
