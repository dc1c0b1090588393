#include "ctl/signals.h"

#include <signal.h>
#include <time.h>

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP,
	SIGCONT, SIGWINCH };

#define COUNT (sizeof(numbers) / sizeof(numbers[0]))

static struct signals {
	volatile sig_atomic_t came[NSIG];
	sigset_t during; /* the mask of a wait */
} signals;

static void
on_signal(int number)
{
	signals.came[number] = 1;
}

static void
handle(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	(void)sigfillset(&action.sa_mask);
	(void)sigaction(number, &action, NULL);
}

void
signals_begin(void)
{
	sigset_t ours;
	size_t i;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&ours);
	for (i = 0; i < COUNT; i++)
		(void)sigaddset(&ours, numbers[i]);
	(void)sigprocmask(SIG_BLOCK, &ours, &signals.during);
	for (i = 0; i < COUNT; i++) {
		(void)sigdelset(&signals.during, numbers[i]);
		handle(numbers[i], on_signal);
	}
}

int
signals_poll(struct pollfd *p, size_t count, int ms)
{
	const struct timespec limit = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L };

	return ppoll(p, (nfds_t)count, ms < 0 ? NULL : &limit, &signals.during);
}

bool
signals_end(void)
{
	return signals.came[SIGINT] || signals.came[SIGTERM] ||
	    signals.came[SIGHUP] || signals.came[SIGQUIT];
}

bool
signals_take(int number)
{
	if (!signals.came[number])
		return false;
	signals.came[number] = 0;
	return true;
}

void
signals_stop(void)
{
	sigset_t stop;

	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTSTP);
	handle(SIGTSTP, SIG_DFL);
	(void)raise(SIGTSTP); /* it waits until it is let in */
	(void)sigprocmask(SIG_UNBLOCK, &stop, NULL);
	(void)sigprocmask(SIG_BLOCK, &stop, NULL);
	handle(SIGTSTP, on_signal);
}
