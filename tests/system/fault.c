/*
 * fault: preloaded into mercuryd and its children, has system calls and
 * allocations of one of them fail as a test wants it to.
 *
 * The environment's MERCURY_FAULT names a file that the test maps too: which
 * program and which function are meant, how many calls of it do well before the
 * next ones fail, how many those are, and with which errno. The file counts
 * both.
 */
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Also in faults.py. */
struct fault {
	char program[32];
	char function[32];
	uint32_t spared; /* so many calls first */
	uint32_t wanted; /* so many fail then; 0: none */
	int32_t error;
	uint32_t failed;
};

/* Of libevent. */
struct event;
int event_add(struct event *, const struct timeval *);

/* What glibc's own are called. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static struct fault *fault;

__attribute__((constructor)) static void
map_fault(void)
{
	const char *path = getenv("MERCURY_FAULT");
	void *at;
	int fd;

	fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return;
	at = mmap(NULL, sizeof(*fault), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	(void)close(fd);
	if (at != MAP_FAILED &&
	    strcmp(((struct fault *)at)->program,
		program_invocation_short_name) == 0)
		fault = at;
}

/* Is this a call that has to fail? Sets errno then. */
static bool
fails(const char *function)
{
	if (fault == NULL || fault->wanted == 0 ||
	    strcmp(fault->function, function) != 0)
		return false;
	if (fault->spared > 0) {
		fault->spared--;
		return false;
	}
	fault->wanted--;
	fault->failed++;
	errno = fault->error;
	return true;
}

/* clang-format off */
#define FUNCTIONS(F)							\
	F(int, -1, bind, (int a, const struct sockaddr *b, socklen_t c),\
	    (a, b, c))							\
	F(int, -1, chdir, (const char *a), (a))				\
	F(int, -1, chmod, (const char *a, mode_t b), (a, b))		\
	F(int, -1, dup3, (int a, int b, int c), (a, b, c))		\
	F(int, -1, epoll_create1, (int a), (a))				\
	F(int, -1, epoll_ctl, (int a, int b, int c,			\
	    struct epoll_event *d), (a, b, c, d))			\
	F(int, -1, event_add, (struct event *a,				\
	    const struct timeval *b), (a, b))				\
	F(int, -1, fchmod, (int a, mode_t b), (a, b))			\
	F(pid_t, -1, fork, (void), ())					\
	F(int, -1, ftruncate, (int a, off_t b), (a, b))			\
	F(char *, NULL, getcwd, (char *a, size_t b), (a, b))		\
	F(int, -1, getsockname, (int a, struct sockaddr *b,		\
	    socklen_t *c), (a, b, c))					\
	F(int, -1, lchown, (const char *a, uid_t b, gid_t c), (a, b, c))\
	F(int, -1, listen, (int a, int b), (a, b))			\
	F(int, -1, memfd_create, (const char *a, unsigned int b), (a, b)) \
	F(void *, MAP_FAILED, mmap, (void *a, size_t b, int c, int d,	\
	    int e, off_t f), (a, b, c, d, e, f))			\
	F(int, -1, pipe2, (int a[2], int b), (a, b))			\
	F(int, -1, rename, (const char *a, const char *b), (a, b))	\
	F(ssize_t, -1, recv, (int a, void *b, size_t c, int d), (a, b, c, d)) \
	F(ssize_t, -1, recvmsg, (int a, struct msghdr *b, int c),	\
	    (a, b, c))							\
	F(ssize_t, -1, send, (int a, const void *b, size_t c, int d),	\
	    (a, b, c, d))						\
	F(ssize_t, -1, sendmsg, (int a, const struct msghdr *b, int c),	\
	    (a, b, c))							\
	F(int, -1, setrlimit, (__rlimit_resource_t a,			\
	    const struct rlimit *b), (a, b))				\
	F(pid_t, -1, setsid, (void), ())				\
	F(int, -1, setsockopt, (int a, int b, int c, const void *d,	\
	    socklen_t e), (a, b, c, d, e))				\
	F(int, -1, signalfd, (int a, const sigset_t *b, int c), (a, b, c)) \
	F(int, -1, socket, (int a, int b, int c), (a, b, c))		\
	F(int, -1, socketpair, (int a, int b, int c, int d[2]),		\
	    (a, b, c, d))						\
	F(int, -1, unlink, (const char *a), (a))			\
	F(int, -1, waitid, (idtype_t a, id_t b, siginfo_t *c, int d),	\
	    (a, b, c, d))

#define DEFINE(RESULT, FAILURE, NAME, PARAMETERS, ARGUMENTS)		\
RESULT									\
NAME PARAMETERS								\
{									\
	static RESULT (*real) PARAMETERS;				\
									\
	if (fails(#NAME))						\
		return FAILURE;						\
	if (real == NULL)						\
		real = (RESULT (*) PARAMETERS)dlsym(RTLD_NEXT, #NAME);	\
	return real ARGUMENTS;						\
}
/* clang-format on */

FUNCTIONS(DEFINE)

/* Those that have one argument more, or not. */

int
open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	mode_t mode;
	va_list ap;

	if (fails("open"))
		return -1;
	if (real == NULL)
		real =
		    (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return real(path, flags, mode);
}

int
fcntl(int fd, int command, ...)
{
	static int (*real)(int, int, ...);
	void *argument;
	va_list ap;

	if (fails("fcntl"))
		return -1;
	if (real == NULL)
		real = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl");
	va_start(ap, command);
	argument = va_arg(ap, void *);
	va_end(ap);
	return real(fd, command, argument);
}

int
clone(int (*entry)(void *), void *stack, int flags, void *argument, ...)
{
	static int (*real)(int (*)(void *), void *, int, void *, ...);
	void *pidfd;
	va_list ap;

	if (fails("clone"))
		return -1;
	if (real == NULL)
		real = (int (*)(int (*)(void *), void *, int, void *,
		    ...))dlsym(RTLD_NEXT, "clone");
	va_start(ap, argument);
	pidfd = va_arg(ap, void *);
	va_end(ap);
	return real(entry, stack, flags, argument, pidfd);
}

/* dlsym(3) needs these itself. "allocate" is all of them. */

void *
malloc(size_t size)
{
	return fails("allocate") ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails("allocate") ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return fails("allocate") ? NULL : __libc_realloc(old, size);
}

void *
reallocarray(void *old, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, total);
}
