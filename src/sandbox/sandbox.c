#include "sandbox/sandbox.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

/*
 * LOG: the kernel's log says what was refused. SPEC_ALLOW: kernels before 5.16
 * else slow down whoever has a filter, as if it ran the code of others.
 */
#define FLAGS (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW)

const char *
sandbox_missing(void)
{
#ifdef MERCURY_SECCOMP
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return NULL;
	return errno == EPERM || errno == EACCES
	    ? "what mercuryd was started by forbids seccomp(2)"
	    : "this kernel has no seccomp";
#else
	return "it was built without libseccomp";
#endif
}

static int
limit(enum __rlimit_resource resource, rlim_t most, struct err *err)
{
	struct rlimit rl;

	if (getrlimit(resource, &rl) == -1)
		return err_sys(err, "getrlimit");
	if (rl.rlim_max > most)
		rl.rlim_max = most;
	if (rl.rlim_cur > rl.rlim_max)
		rl.rlim_cur = rl.rlim_max;
	return setrlimit(resource, &rl) == 0 ? 0 : err_sys(err, "setrlimit");
}

static bool
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/*
 * A core dump is a file, too, and may be as large as it may be; and so is what
 * mercuryd's stderr may have been led to, where the log goes.
 */
static int
limit_files(struct err *err)
{
	struct rlimit core;

	if (is_file(STDOUT_FILENO) || is_file(STDERR_FILENO))
		return 0;
	if (getrlimit(RLIMIT_CORE, &core) == -1)
		return err_sys(err, "getrlimit");
	return limit(RLIMIT_FSIZE, core.rlim_cur, err);
}

static int
set_limits(const struct sandbox_profile *p, struct err *err)
{
#ifdef MERCURY_SANITIZED
	/* LSan starts a process to look for leaks. */
	const bool no_processes = false;
#else
	const bool no_processes = p->no_processes;
#endif

#ifdef MERCURY_COVERAGE
	/* The counters are in files. */
	const bool no_files = false;
#else
	const bool no_files = p->no_files;
#endif

	if (no_processes && limit(RLIMIT_NPROC, 0, err) == -1)
		return -1;
	return no_files ? limit_files(err) : 0;
}

static void
put_self(struct sock_filter *filter, unsigned short length)
{
	const uint32_t self = (uint32_t)getpid();
	unsigned short i;

	for (i = 0; i < length; i++)
		if (filter[i].code == (BPF_JMP | BPF_JEQ | BPF_K) &&
		    filter[i].k == SANDBOX_SELF)
			filter[i].k = self;
}

/* Returns 0, or -1 with errno. */
static int
load(struct sock_filter *filter, unsigned short length)
{
	const struct sock_fprog program = { length, filter };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, FLAGS, &program) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* With a copy of the filter that leaves nothing behind in our memory. */
static int
load_profile(const struct sandbox_profile *p)
{
	const size_t size = p->length * sizeof(p->filter[0]);
	struct sock_filter *copy;
	int result, saved;

	copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		return -1;
	memcpy(copy, p->filter, size);
	put_self(copy, p->length);
	result = load(copy, p->length);
	saved = errno;
	(void)munmap(copy, size);
	errno = saved;
	return result;
}

int
sandbox_enter(const struct sandbox_profile *p, struct err *err)
{
	if (set_limits(p, err) == -1)
		return -1;
	/* Else only root may have a filter. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(err, "no_new_privs");
	if (p->filter == NULL || load_profile(p) == 0)
		return 0;
	if (errno != ENOSYS && errno != EINVAL && errno != EPERM &&
	    errno != EACCES)
		return err_sys(err, "sandbox %s", p->name);
	log_warning(NULL, NULL,
	    "the kernel takes no filter of system calls (%s): this process "
	    "may call all of them",
	    strerror(errno));
	return 0;
}
