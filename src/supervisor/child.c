#include "supervisor/child.h"

#include <sys/pidfd.h>
#include <sys/wait.h>

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/backoff.h"
#include "supervisor/child_fsm.h"
#include "supervisor/spawn.h"

/*
 * Forks in one turn of the loop, and processes that are starting at once. What
 * ends by itself does not count: it may wait for a disk that hangs.
 */
#define FORKS_PER_TURN 4
#define STARTING_MAX 32

/* Failures in a row after which one that never came up is hopeless. */
#define START_FAILURES_MAX 4

/* Processes of others that are reaped in one turn of the loop. */
#define STRANGERS_PER_TURN 64

/* A child whose channel is closed should be gone by then. */
#define EXIT_GRACE_MS 100

static void on_turn(void *);

static struct {
	struct child_settings settings;
	TAILQ_HEAD(, child) queue;
	LIST_HEAD(, child) running;
	struct timer turn; /* fork from the queue */
	unsigned int starting;
} children = { .queue = TAILQ_HEAD_INITIALIZER(children.queue),
	.turn = { .fn = on_turn } };

static void on_exit_seen(evutil_socket_t, short, void *);
static void on_message(void *, struct ipc_message *);
static void on_closed(void *, const char *);
static void step(struct child *, enum child_input, const struct child_exit *);

static const struct channel_handler channel_handler = { on_message, on_closed };

void
child_configure(const struct child_settings *s)
{
	children.settings = *s;
}

void
child_unconfigure(void)
{
	timer_free(&children.turn);
}

static void
on_timer(void *ctx)
{
	step(ctx, CHILD_IN_TIMER, NULL);
}

void
child_init(struct child *c, enum role role, const char *title,
    const struct child_owner *owner, void *ctx)
{
	memset(c, 0, sizeof(*c));
	c->role = role;
	(void)strlcpy(c->title, title, sizeof(c->title));
	c->owner = owner;
	c->owner_ctx = ctx;
	c->start_ms = CHILD_START_DEADLINE_MS;
	c->pidfd = -1;
	timer_init(&c->timer, on_timer, c);
}

/* What it is called in the log. */
static const char *
kind(const struct child *c)
{
	return c->role == ROLE_POOL ? "worker" : "role";
}

static void
schedule_turn(void)
{
	/* Not at once: others shall have their turn in between. */
	timer_arm(&children.turn, 0);
}

static void
enqueue(struct child *c)
{
	c->queued = true;
	TAILQ_INSERT_TAIL(&children.queue, c, waiting);
	schedule_turn();
}

static void
dequeue(struct child *c)
{
	if (c->queued)
		TAILQ_REMOVE(&children.queue, c, waiting);
	c->queued = false;
}

/* Close what belongs to the process that is gone, or never was. */
static void
forget_process(struct child *c)
{
	channel_free(&c->channel);
	if (c->reaper != NULL)
		event_free(c->reaper);
	c->reaper = NULL;
	if (c->pidfd != -1)
		(void)close(c->pidfd);
	c->pidfd = -1;
	if (c->pid != 0)
		LIST_REMOVE(c, running);
	c->pid = 0;
}

/* The supervisor's side of a child that was just forked. */
static int
watch(struct child *c, int channel_fd, struct err *err)
{
	c->channel = channel_new(children.settings.base, channel_fd, c->role,
	    &channel_handler, c, err);
	if (c->channel == NULL)
		return -1;
	c->reaper = event_new(children.settings.base, c->pidfd,
	    EV_READ | EV_PERSIST, on_exit_seen, c);
	if (c->reaper == NULL || event_add(c->reaper, NULL) == -1)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	return 0;
}

static int
fork_one(struct child *c, struct err *err)
{
	struct spawn s = { .role = c->role,
		.title = c->title,
		.output_fd = children.settings.output_fd };
	int ends[2];

	if (ipc_pair(ends, err) == -1)
		return -1;
	s.channel_fd = ends[1];
	c->pid = spawn(&s, &c->pidfd, err);
	(void)close(ends[1]);
	if (c->pid == -1) {
		c->pid = 0;
		(void)close(ends[0]);
		return -1;
	}
	LIST_INSERT_HEAD(&children.running, c, running);
	if (watch(c, ends[0], err) == 0)
		return 0;
	(void)pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
	(void)waitid(P_PIDFD, (id_t)c->pidfd, NULL, WEXITED);
	forget_process(c);
	return -1;
}

/* One child from the queue: it runs afterwards, or has failed. */
static void
start_one(struct child *c)
{
	struct child_exit how = { .started = false, .exit_code = -1 };
	struct err err;

	c->started_ms = clock_mono_ms();
	c->up_ms = 0;
	c->killed_for[0] = '\0';
	/* It needs no word from us to end. */
	if (c->one_shot)
		step(c, CHILD_IN_STOP, NULL);
	if (fork_one(c, &err) == -1) {
		(void)snprintf(how.text, sizeof(how.text),
		    "could not be started: %.100s", err.text);
		c->owner->ended(c, &how);
		step(c, CHILD_IN_EXIT, &how);
		return;
	}
	if (!c->one_shot)
		children.starting++;
	timer_arm(&c->timer, c->start_ms);
	c->owner->started(c);
}

static void
on_turn(void *ctx)
{
	struct child *c;
	int i;

	(void)ctx;
	for (i = 0; i < FORKS_PER_TURN && children.starting < STARTING_MAX;
	     i++) {
		c = TAILQ_FIRST(&children.queue);
		if (c == NULL)
			return;
		dequeue(c);
		start_one(c);
	}
	if (!TAILQ_EMPTY(&children.queue) && children.starting < STARTING_MAX)
		schedule_turn();
}

/* One less is starting: the next may be forked. */
static void
leave_starting(struct child *c)
{
	if (c->one_shot || c->pid == 0 || c->up_ms != 0)
		return;
	c->up_ms = clock_mono_ms();
	children.starting--;
	if (!TAILQ_EMPTY(&children.queue))
		schedule_turn();
}

static void
act_failed(struct child *c, const struct child_exit *how)
{
	uint32_t wait;

	/* Only an exit leads here. */
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	if (how->was_up &&
	    clock_mono_ms() - c->started_ms >= BACKOFF_HEALTHY_MS)
		c->failures = 0;
	/* A process that never came up does not deserve an instant retry. */
	c->failures += how->was_up || c->failures > 0 ? 1 : 2;
	wait = backoff_ms(c->failures);
	log_warning(kind(c), c->title, "%s; restart in %u ms", how->text, wait);
	c->restarts++;
	timer_arm(&c->timer, wait);
}

/* Nothing of it is left; the owner may free it. */
static void
act_gone(struct child *c)
{
	dequeue(c);
	timer_free(&c->timer);
	c->owner->gone(c);
}

static void
act_stop(struct child *c)
{
	/* Still in the queue: there is no process to wait for. */
	if (c->queued)
		step(c, CHILD_IN_EXIT, NULL);
}

/* Why the timer of its state kills it. */
static const char *
kill_reason(const struct child *c)
{
	if (c->state == CHILD_STOPPING)
		return "its deadline is over";
	return c->channel == NULL ? "it closed the channel"
				  : "it was not ready in time";
}

/*
 * Move c by one input: enter the next state, then do what the table says.
 * how is NULL except where a process has ended. c may be gone afterwards.
 */
static void
step(struct child *c, enum child_input in, const struct child_exit *how)
{
	const struct child_transition t = child_transition(c->state, in);

	if (t.action == CHILD_ACT_INVALID) {
		child_kill(c, "sent a message that makes no sense now");
		return;
	}
	c->state = t.next;
	switch (t.action) {
	case CHILD_ACT_SPAWN:
		timer_disarm(&c->timer);
		enqueue(c);
		break;
	case CHILD_ACT_UP:
		leave_starting(c);
		timer_disarm(&c->timer);
		c->owner->up(c);
		break;
	case CHILD_ACT_STOP:
		act_stop(c);
		break;
	case CHILD_ACT_KILL:
		child_kill(c, kill_reason(c));
		break;
	case CHILD_ACT_FAILED:
		act_failed(c, how);
		break;
	case CHILD_ACT_GONE:
		act_gone(c);
		break;
	case CHILD_ACT_NONE:
	case CHILD_ACT_INVALID:
		break;
	}
}

static void
describe_exit(const struct child *c, const siginfo_t *si, char *out,
    size_t size)
{
	const char *name;

	if (c->killed_for[0] != '\0' && si->si_status == SIGKILL) {
		(void)snprintf(out, size, "was killed by mercuryd: %s",
		    c->killed_for);
		return;
	}
	if (si->si_code == CLD_EXITED) {
		(void)snprintf(out, size, "exited with status %d",
		    si->si_status);
		return;
	}
	name = sigabbrev_np(si->si_status);
	(void)snprintf(out, size, "was killed by signal %d (SIG%s)%s%s",
	    si->si_status, name != NULL ? name : "?",
	    si->si_status == SIGSYS ? ": a forbidden system call" : "",
	    si->si_code == CLD_DUMPED ? ", core dumped" : "");
}

static void
on_exit_seen(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	struct child_exit how = { .started = true };
	siginfo_t si = { 0 };

	(void)what;
	if (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG) == -1 &&
	    errno == EINTR)
		return;
	if (si.si_pid == 0)
		return;
	/* What it said before it went still counts. */
	if (c->channel != NULL)
		channel_drain(c->channel);
	how.was_up = c->state == CHILD_UP;
	how.wanted = c->state == CHILD_STOPPING;
	how.normal = si.si_code == CLD_EXITED && si.si_status == 0;
	how.exit_code = si.si_code == CLD_EXITED ? si.si_status : -1;
	how.signal = si.si_code == CLD_EXITED ? 0 : si.si_status;
	how.pid = si.si_pid;
	describe_exit(c, &si, how.text, sizeof(how.text));
	leave_starting(c);
	forget_process(c);
	c->owner->ended(c, &how);
	step(c, CHILD_IN_EXIT, &how);
}

static void
on_message(void *ctx, struct ipc_message *msg)
{
	struct child *c = ctx;

	if (msg->kind == IPC_READY)
		step(c, CHILD_IN_READY, NULL);
	else
		c->owner->message(c, msg);
}

/*
 * A child without a channel is of no use, nor can it be asked to end. Most
 * have just died, and their exit tells why: give it the time to be seen.
 */
static void
on_closed(void *ctx, const char *why)
{
	struct child *c = ctx;

	channel_free(&c->channel);
	if (c->state == CHILD_STOPPING)
		return;
	if (why == channel_peer_gone)
		timer_arm(&c->timer, EXIT_GRACE_MS);
	else
		child_kill(c, why);
}

void
child_start(struct child *c)
{
	step(c, CHILD_IN_START, NULL);
}

void
child_stop(struct child *c, uint32_t deadline_ms)
{
	if (c->pid != 0 &&
	    (c->state != CHILD_STOPPING ||
		deadline_ms < timer_left_ms(&c->timer)))
		timer_arm(&c->timer, deadline_ms);
	step(c, CHILD_IN_STOP, NULL);
}

bool
child_is_hopeless(const struct child *c, const struct child_exit *how)
{
	return !how->wanted && !how->was_up &&
	    c->failures + 1 >= START_FAILURES_MAX;
}

void
child_kill(struct child *c, const char *why)
{
	if (c->pid == 0)
		return;
	if (why != NULL) {
		log_warning(kind(c), c->title, "pid %d is killed: %s",
		    (int)c->pid, why);
		(void)strlcpy(c->killed_for, why, sizeof(c->killed_for));
	}
	if (pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0) == -1 &&
	    errno != ESRCH)
		log_error(kind(c), c->title, "pid %d: kill: %s", (int)c->pid,
		    strerror(errno));
}

void
child_send(struct child *c, enum ipc_kind kind, const void *payload, int fd)
{
	if (c->channel != NULL)
		channel_send(c->channel, kind, payload, fd);
}

size_t
child_unsent(const struct child *c)
{
	return c->channel == NULL ? 0 : channel_unsent(c->channel);
}

void
child_send_bulks(struct child *c, uint32_t request, const struct bulks *s)
{
	struct msg_bulk m = { .request = request };

	for (m.id = 0; m.id < BULK_COUNT; m.id++) {
		if (s->of[m.id] == NULL)
			continue;
		m.ref = s->of[m.id]->ref;
		child_send(c, IPC_BULK, &m, s->of[m.id]->fd);
	}
}

void
child_hang_up(struct child *c)
{
	channel_free(&c->channel);
}

static bool
is_ours(pid_t pid)
{
	const struct child *c;

	LIST_FOREACH (c, &children.running, running)
		if (c->pid == pid)
			return true;
	return false;
}

void
child_reap_strangers(void)
{
	siginfo_t si;
	int i;

	for (i = 0; i < STRANGERS_PER_TURN; i++) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == -1 ||
		    si.si_pid == 0 || is_ours(si.si_pid))
			return;
		log_debug(NULL, NULL, "pid %d, a child of a child, has ended",
		    (int)si.si_pid);
		(void)waitid(P_PID, (id_t)si.si_pid, NULL, WEXITED | WNOHANG);
	}
}
