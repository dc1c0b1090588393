#include "exec/program.h"

#include <sys/wait.h>

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

struct program {
	struct event ended; /* its pidfd is readable */
	struct spawned process;
	uint64_t started_ms;               /* CLOCK_MONOTONIC */
	struct error_output *error_output; /* NULL: we don't read it */
	/* Both NULL: it was abandoned. */
	void (*on_ended)(void *ctx, const struct program_exit *);
	void *ctx;
};

static unsigned int abandoned;

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
	(void)close(p->process.pidfd);
	free(p);
}

/* After this its number, and that of its group, may be another's. */
static void
reap(struct program *p)
{
	(void)kill(-p->process.pid, SIGKILL);
	(void)waitid(P_PIDFD, (id_t)p->process.pidfd, NULL, WEXITED | WNOHANG);
	error_output_end(&p->error_output);
}

static void
on_pidfd(evutil_socket_t fd, short what, void *arg)
{
	struct program *p = arg, copy;
	struct program_exit end;
	siginfo_t si;

	(void)fd;
	(void)what;
	if (!has_ended(p, &si))
		return;
	describe(p, &si, &end);
	reap(p);
	copy = *p;
	free_program(p);
	if (copy.on_ended != NULL)
		copy.on_ended(copy.ctx, &end);
	else
		abandoned--;
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
	p->on_ended = r->ended;
	p->ctx = r->ctx;
	if (event_assign(&p->ended, r->base, p->process.pidfd,
		EV_READ | EV_PERSIST, on_pidfd, p) == -1 ||
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
	/* Until it is reaped, the group is its. */
	(void)kill(-p->process.pid, sig);
	if (sig != SIGKILL)
		(void)kill(-p->process.pid, SIGCONT);
}

void
program_abandon(struct program **pp, struct program_exit *out)
{
	struct program *p = *pp;
	siginfo_t si = { .si_code = CLD_KILLED };

	*pp = NULL;
	si.si_status = SIGKILL;
	if (has_ended(p, &si)) {
		describe(p, &si, out);
		reap(p);
		free_program(p);
		return;
	}
	(void)kill(-p->process.pid, SIGKILL);
	si.si_code = CLD_KILLED;
	si.si_status = SIGKILL;
	describe(p, &si, out);
	error_output_end(&p->error_output);
	p->on_ended = NULL;
	abandoned++;
}

unsigned int
program_left(void)
{
	return abandoned;
}
