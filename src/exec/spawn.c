#include "exec/spawn.h"

#include <sys/mman.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/exec_plan.h"
#include "common/role.h"
#include "common/vfork.h"

/*
 * Of descriptors, unless the plan says otherwise: what select(2) can bear, and
 * what programs that close all that they might have can.
 */
#define FILES_DEFAULT 1024u

/* How far the child has come. */
enum step {
	STEP_DESCRIPTORS,
	STEP_PARENT,
	STEP_LIMITS,
	STEP_DIRECTORY,
	STEP_EXECUTE
};

/* In memory that the child shares with us in any case. */
struct report {
	int step;
	int error; /* errno; 0: the program was executed */
};

/* What the child is given. */
struct start {
	const struct spawn_request *request;
	char *const *argv;
	pid_t parent;
};

static struct report *report;
static int null_fd = -1;
static int output_fd = -1; /* our stdout, while a child borrows its place */

int
spawn_open(struct err *err)
{
	void *page;

	if (report != NULL)
		return 0;
	if (null_fd == -1)
		null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd == -1)
		return err_sys(err, "/dev/null");
	if (output_fd == -1)
		output_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	page = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return err_sys(err, "memory to start programs with");
	report = page;
	return 0;
}

/* --- in the child: nothing but system calls, and no memory is taken --- */

static _Noreturn void
give_up(enum step step)
{
	report->error = errno;
	report->step = (int)step;
	_exit(VFORK_CANNOT_EXEC);
}

/*
 * The table of descriptors is the parent's until the call that leaves all but
 * the first three behind. Its 0 is our socket, and its 1 our stderr.
 */
static void
arrange_descriptors(void)
{
	if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_UNSHARE) == -1 ||
	    dup2(STDOUT_FILENO, STDERR_FILENO) == -1 ||
	    dup2(STDIN_FILENO, STDOUT_FILENO) == -1)
		give_up(STEP_DESCRIPTORS);
}

/* Not to outlive the worker; it may have died just before. */
static void
follow_parent(pid_t parent)
{
	errno = ESRCH;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		give_up(STEP_PARENT);
}

/* No more than what we may have anyway. */
static void
limit(enum __rlimit_resource resource, rlim_t soft, rlim_t hard)
{
	struct rlimit rl;

	if (getrlimit(resource, &rl) == -1)
		give_up(STEP_LIMITS);
	rl.rlim_max = MIN(rl.rlim_max, hard);
	rl.rlim_cur = MIN(rl.rlim_max, soft);
	if (setrlimit(resource, &rl) == -1)
		give_up(STEP_LIMITS);
}

static void
set_limits(const struct exec_plan *p)
{
	limit(RLIMIT_CORE, ROLE_NO_CORE, ROLE_NO_CORE);
	/* SIGXCPU comes first, for those who want to say something. */
	if (p->limit_cpu_s > 0)
		limit(RLIMIT_CPU, p->limit_cpu_s, p->limit_cpu_s + 1);
	if (p->limit_memory > 0)
		limit(RLIMIT_AS, p->limit_memory, p->limit_memory);
	if (p->limit_processes > 0)
		limit(RLIMIT_NPROC, p->limit_processes, p->limit_processes);
	if (p->limit_files > 0)
		limit(RLIMIT_NOFILE, p->limit_files, p->limit_files);
	else
		limit(RLIMIT_NOFILE, FILES_DEFAULT, RLIM_INFINITY);
}

static int
child_main(void *arg)
{
	const struct start *s = arg;
	const struct exec_plan *plan = s->request->plan;

	arrange_descriptors();
	vfork_reset_signals();
	(void)setsid();
	follow_parent(s->parent);
	set_limits(plan);
	if (chdir(plan->directory) == -1)
		give_up(STEP_DIRECTORY);
	(void)execve(s->argv[0], s->argv, s->request->environment);
	give_up(STEP_EXECUTE);
}

/* --- in the worker --- */

/* The texts of the plan as execve(2) wants them. */
static void
list_arguments(const struct exec_texts *t, char *argv[EXEC_ARGS_MAX + 1])
{
	const char *at = NULL;
	size_t n = 0;

	while (n < EXEC_ARGS_MAX && (at = exec_texts_next(t, at)) != NULL)
		argv[n++] = (char *)(uintptr_t)at;
	argv[n] = NULL;
}

/*
 * Put what the child needs where it finds it. A worker uses neither its stdin
 * nor its stdout, so they are free to be that for a moment.
 */
static int
lend_descriptors(const struct spawn_request *r)
{
	const int error_output =
	    r->error_output == -1 ? null_fd : r->error_output;

	return dup2(r->socket, STDIN_FILENO) == -1 ||
		dup2(error_output, STDOUT_FILENO) == -1
	    ? -1
	    : 0;
}

static void
take_back_descriptors(void)
{
	if (dup2(null_fd, STDIN_FILENO) == -1 ||
	    dup2(output_fd == -1 ? null_fd : output_fd, STDOUT_FILENO) == -1)
		abort();
}

/* Why the child gave up; it is reaped. Always returns -1. */
static int
explain(const struct spawn_request *r, const char *program, pid_t pid,
    struct err *err)
{
	(void)waitid(P_PID, (id_t)pid, NULL, WEXITED);
	errno = report->error;
	switch ((enum step)report->step) {
	case STEP_DESCRIPTORS:
		return err_sys(err, "its descriptors");
	case STEP_PARENT:
		return err_sys(err, "its worker");
	case STEP_LIMITS:
		return err_sys(err, "its limits");
	case STEP_DIRECTORY:
		return err_sys(err, "directory %s", r->plan->directory);
	case STEP_EXECUTE:
		break;
	}
	return err_sys(err, "%s", program);
}

int
spawn_program(const struct spawn_request *r, struct spawned *out,
    struct err *err)
{
	char *argv[EXEC_ARGS_MAX + 1];
	struct start start = { r, argv, getpid() };
	pid_t pid = -1;

	list_arguments(&r->plan->command, argv);
	memset(report, 0, sizeof(*report));
	if (lend_descriptors(r) == 0)
		pid = vfork_run(child_main, &start, &out->pidfd);
	if (pid == -1)
		(void)err_sys(err, "a process");
	take_back_descriptors();
	if (pid == -1)
		return -1;
	if (report->error != 0) {
		(void)close(out->pidfd);
		return explain(r, argv[0], pid, err);
	}
	out->pid = pid;
	return 0;
}
