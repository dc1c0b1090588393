#include "ctl/waiting.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void
waiting_ignore_pipe(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
}

void
waiting_begin(void)
{
	const struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND };

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

bool
waiting_is_interrupted(void)
{
	return interrupted;
}

bool
waiting_for(int fd, int ms, int out)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = out } };
	const struct timespec limit = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L };
	sigset_t ours, before;
	bool has_reader = true;

	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &ours, &before);
	if (!interrupted &&
	    ppoll(p, 2, ms == -1 ? NULL : &limit, &before) > 0 &&
	    (p[1].revents & (POLLERR | POLLHUP)))
		has_reader = false;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return has_reader;
}
