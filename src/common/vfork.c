#include "common/vfork.h"

#include <sys/syscall.h>

#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* For the few calls between clone(2) and exec. */
#define STACK_SIZE 32768

/* A sanitizer keeps books about the stack, which the child would spoil. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
#define SHARED_MEMORY 0
#else
#define SHARED_MEMORY CLONE_VM
#endif

/*
 * As vfork(2), but without a copy of the descriptor table, which has several
 * thousand entries when there are a thousand pools.
 */
pid_t
vfork_run(int (*child)(void *), void *arg, int *pidfd)
{
	static _Alignas(16) char stack[STACK_SIZE];
	sigset_t all, old;
	pid_t pid;

	/* A signal for us must not run a handler of ours in the child. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = clone(child, stack + sizeof(stack),
	    SHARED_MEMORY | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD,
	    arg, pidfd);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

/* Two of them are the C library's, which would not let us: ask the kernel. */
void
vfork_reset_signals(void)
{
	static const _Alignas(16) unsigned char by_default[64];
	sigset_t none;
	long sig;

	for (sig = 1; sig < NSIG; sig++)
		(void)syscall(SYS_rt_sigaction, sig, by_default, NULL,
		    (size_t)(NSIG - 1) / 8);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
