#include "config/strays.h"

#include <sys/pidfd.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/proc.h"

#define SUPERVISOR_NAME "mercuryd"
#define WORKER_NAME "mercury-pool"

/* One that has drained needs a moment to end. */
#define DRAIN_GRACE_MS 1000

struct hunt {
	const struct msg_config_find_strays *request;
	stray_fn *found;
	struct msg_strays_end *end;
};

unsigned int
strays_supervisor(const char *run, const char *control_socket)
{
	const size_t len = strlen(control_socket);
	unsigned int pid, number;
	int end = 0;

	if (len == 0 || strncmp(run, control_socket, len) != 0)
		return 0;
	if (sscanf(run + len, ":%u:%x%n", &pid, &number, &end) != 2 ||
	    run[len + (size_t)end] != '\0')
		return 0;
	return pid;
}

/* Does the supervisor of this run still live? Then it has no strays. */
static bool
is_supervised(const struct hunt *h, unsigned int supervisor)
{
	char name[PROCESS_NAME_SIZE];

	if (supervisor == h->request->supervisor)
		return false;
	proc_name((pid_t)supervisor, name);
	return strcmp(name, SUPERVISOR_NAME) == 0;
}

/* Of an earlier run: how long it may still drain. */
static uint32_t
drains_for_ms(const struct hunt *h, pid_t pid)
{
	char text[16];
	unsigned long long ms;

	if (!proc_variable(pid, RUN_DRAIN_VARIABLE, text, sizeof(text)))
		return 0;
	ms = strtoull(text, NULL, 10) + DRAIN_GRACE_MS;
	if (ms > UINT32_MAX)
		ms = UINT32_MAX;
	return ms > h->request->elapsed_ms
	    ? (uint32_t)ms - h->request->elapsed_ms
	    : 0;
}

/*
 * Control and the store end after all others, and one that reads the config
 * or looks for something when it has; the supervisor knows its own, also one
 * that it has just started again.
 */
static bool
outlives_workers(pid_t pid)
{
	char name[PROCESS_NAME_SIZE];

	proc_name(pid, name);
	return strcmp(name, "mercury-control") == 0 ||
	    strcmp(name, "mercury-gateway") == 0 ||
	    strcmp(name, "mercury-store") == 0 ||
	    strcmp(name, "mercury-config") == 0;
}

/* Is it a program of a worker that has ended? */
static bool
is_left_by_worker(pid_t pid)
{
	char text[16], name[PROCESS_NAME_SIZE];

	if (!proc_variable(pid, WORKER_VARIABLE, text, sizeof(text)))
		return false;
	proc_name((pid_t)strtol(text, NULL, 10), name);
	return strcmp(name, WORKER_NAME) != 0;
}

/* One of the run that asks: is it meant? */
static bool
is_meant(const struct hunt *h, pid_t pid)
{
	switch ((enum strays_of)h->request->of) {
	case STRAYS_OF_THIS_RUN:
		return !outlives_workers(pid);
	case STRAYS_OF_DEAD_WORKERS:
		return is_left_by_worker(pid);
	default:
		return false;
	}
}

/* Is it one that should be gone? run is what its environment says. */
static bool
is_stray(struct hunt *h, pid_t pid, char run[static RUN_SIZE])
{
	const struct msg_config_find_strays *r = h->request;
	unsigned int supervisor;
	uint32_t wait_ms;

	if (pid == getpid() || (uint32_t)pid == r->supervisor ||
	    !proc_variable(pid, RUN_VARIABLE, run, RUN_SIZE) ||
	    !proc_is_near(pid))
		return false;
	supervisor = strays_supervisor(run, r->control_socket);
	if (supervisor == 0)
		return false;
	if (strcmp(run, r->run) == 0)
		return is_meant(h, pid);
	if (r->of != STRAYS_OF_EARLIER_RUNS)
		return false;
	if (is_supervised(h, supervisor))
		return false;
	wait_ms = drains_for_ms(h, pid);
	if (wait_ms > 0 &&
	    (h->end->again_ms == 0 || wait_ms < h->end->again_ms))
		h->end->again_ms = wait_ms;
	return wait_ms == 0;
}

static bool
look_at(void *ctx, pid_t pid)
{
	struct msg_stray stray = { .pid = (uint32_t)pid };
	struct hunt *h = ctx;
	int fd;

	if (!is_stray(h, pid, stray.run))
		return true;
	/* It may be another one by now: look again at what the fd holds. */
	fd = pidfd_open(pid, 0);
	if (fd == -1)
		return true;
	proc_name(pid, stray.name);
	if (is_stray(h, pid, stray.run) &&
	    pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0) {
		h->end->strays++;
		h->found(&stray);
	}
	(void)close(fd);
	return true;
}

void
strays_kill(const struct msg_config_find_strays *request, stray_fn *found,
    struct msg_strays_end *end)
{
	struct hunt h = { request, found, end };

	memset(end, 0, sizeof(*end));
	proc_each(look_at, &h);
}
