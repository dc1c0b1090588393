#include <sys/pidfd.h>
#include <sys/prctl.h>

#include <criterion/criterion.h>
#include <event2/event.h>
#include <signal.h>
#include <unistd.h>

#include "common/clock.h"
#include "supervisor/child.h"
#include "supervisor/helper_task.h"
#include "supervisor/spawn.h"

/* So many of each, as many as may start at once. */
#define MANY 32

#define PATIENCE_MS 8000

static struct event_base *base;
static pid_t pids[2 * MANY];
static unsigned int forked, helpers, workers, gone, answers;

pid_t __wrap_spawn(const struct spawn *, int *, struct err *);

/* Whoever is to be started hangs. */
pid_t
__wrap_spawn(const struct spawn *s, int *pidfd, struct err *err)
{
	const pid_t pid = fork();

	(void)err;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	cr_assert_gt(pid, 0);
	cr_assert_lt(forked, 2 * MANY);
	pids[forked++] = pid;
	*pidfd = pidfd_open(pid, 0);
	*(s->role == ROLE_POOL ? &workers : &helpers) += 1;
	return pid;
}

static void
on_child(struct child *c)
{
	(void)c;
}

static void
on_message(struct child *c, struct ipc_message *msg)
{
	(void)c;
	(void)msg;
}

static void
on_ended(struct child *c, const struct child_exit *how)
{
	(void)c;
	(void)how;
}

static void
on_gone(struct child *c)
{
	(void)c;
	gone++;
}

static const struct child_owner owner = { on_child, on_child, on_message,
	on_ended, on_gone };

static void
on_answer(void *ctx, const struct ipc_message *answer)
{
	cr_expect_eq(ctx, base);
	cr_expect_null(answer);
	answers++;
}

static void
setup(void)
{
	struct child_settings s = { .output_fd = STDERR_FILENO };

	s.base = base = event_base_new();
	cr_assert_not_null(base);
	timers_configure(base);
	child_configure(&s);
}

static void
teardown(void)
{
	child_unconfigure();
	event_base_free(base);
}

TestSuite(helper_task, .init = setup, .fini = teardown, .timeout = 60);

static void
turn_until(const unsigned int *count, unsigned int want)
{
	const uint64_t end_ms = clock_mono_ms() + PATIENCE_MS;

	while (*count < want && clock_mono_ms() < end_ms) {
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
		(void)usleep(1000);
	}
	cr_assert_eq(*count, want);
}

static void
start_worker(struct child *c)
{
	child_init(c, ROLE_POOL, "a/0", &owner, NULL);
	child_start(c);
}

static void
start_helper(uint32_t deadline_ms)
{
	const struct helper_request r = { .kind = IPC_CONFIG_FIND_STRAYS,
		.last = IPC_STRAYS_END,
		.deadline_ms = deadline_ms };
	struct err err;

	cr_assert_eq(helper_task_start(base, &r, on_answer, base, &err), 0);
}

/* What it was to be asked may be gone with the one who asked. */
Test(helper_task, is_not_forked_after_its_deadline)
{
	static struct child c[MANY + 1];
	unsigned int i;

	for (i = 0; i < MANY; i++)
		start_worker(&c[i]);
	turn_until(&workers, MANY);
	start_helper(10);
	turn_until(&answers, 1);
	start_worker(&c[MANY]);
	for (i = 0; i < MANY; i++)
		child_stop(&c[i], 0);
	turn_until(&workers, MANY + 1);
	cr_expect_eq(helpers, 0);
	child_stop(&c[MANY], 0);
	turn_until(&gone, MANY + 1);
	cr_expect_eq(answers, 1);
}

Test(helper_task, those_that_hang_hold_up_no_worker)
{
	static struct child c;
	unsigned int i;

	for (i = 0; i < MANY; i++)
		start_helper(60000);
	turn_until(&helpers, MANY);
	start_worker(&c);
	turn_until(&workers, 1);
	child_stop(&c, 0);
	for (i = 0; i < MANY; i++)
		cr_expect_eq(kill(pids[i], SIGKILL), 0);
	turn_until(&answers, MANY);
	turn_until(&gone, 1);
}
