#include "fuzz/world.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "fuzz.h"
#include "sandbox/sandbox.h"
#include "supervisor/bind.h"
#include "supervisor/control_socket.h"
#include "supervisor/daemonize.h"
#include "supervisor/pid_file.h"
#include "supervisor/spawn.h"
#include "supervisor/unix_path.h"

#define FIRST_PID 100000
#define START_MS 1000000u

/* Ports that somebody else has, and those that may not be had. */
#define IS_TAKEN(PORT) ((PORT) % 16 == 13)
#define IS_FORBIDDEN(PORT) ((PORT) % 16 == 14)
#define CHOSEN_PORT 40000

static struct process processes[WORLD_PROCESSES];
static unsigned int made;
static bool stands;
static uint64_t now_ms;
static int module = -1;

/* --- time --- */

/* Also that of libevent; but libFuzzer keeps the time between two inputs. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{
	if (!stands || id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		return (int)syscall(SYS_clock_gettime, id, ts);
	ts->tv_sec = (time_t)(now_ms / 1000);
	ts->tv_nsec = (long)(now_ms % 1000) * 1000000;
	return 0;
}

void
world_wait(uint32_t ms)
{
	now_ms += ms;
}

/* --- chance (-Wl,--wrap) --- */

uint32_t __wrap_arc4random(void);

uint32_t
__wrap_arc4random(void)
{
	return (uint32_t)now_ms;
}

/* --- processes --- */

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static void
forget(struct process *p)
{
	size_t i;

	close_fd(&p->channel);
	for (i = 0; i < WORLD_SHARED; i++)
		close_fd(&p->shared[i]);
	p->exists = false;
}

void
world_begin(void)
{
	now_ms = START_MS;
	made = 0;
	module = -1;
	stands = true;
}

unsigned int
world_end(void)
{
	unsigned int left = 0;
	size_t i;

	for (i = 0; i < WORLD_PROCESSES; i++) {
		if (!processes[i].exists)
			continue;
		forget(&processes[i]);
		left++;
	}
	stands = false;
	return left;
}

struct process *
world_process(unsigned int number)
{
	struct process *alive[WORLD_PROCESSES];
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < WORLD_PROCESSES; i++)
		if (processes[i].exists && !processes[i].dead)
			alive[count++] = &processes[i];
	return count == 0 ? NULL : alive[number % count];
}

struct process *
world_role(enum role role)
{
	struct process *oldest = NULL, *p;
	size_t i;

	for (i = 0; i < WORLD_PROCESSES; i++) {
		p = &processes[i];
		if (p->exists && !p->dead && p->role == role &&
		    (oldest == NULL || p->age < oldest->age))
			oldest = p;
	}
	return oldest;
}

void
world_exit(struct process *p, int code, int signal)
{
	const uint64_t one = 1;

	if (p->dead)
		return;
	p->dead = true;
	p->code = code;
	p->signal = signal;
	close_fd(&p->channel);
	FUZZ_CHECK(write(p->pidfd, &one, sizeof(one)) == sizeof(one));
}

void
world_share(struct process *p, int fd)
{
	size_t i = 0;

	while (i < WORLD_SHARED && p->shared[i] != -1)
		i++;
	if (i < WORLD_SHARED)
		p->shared[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static struct process *
by_pidfd(int pidfd)
{
	size_t i;

	for (i = 0; i < WORLD_PROCESSES; i++)
		if (processes[i].exists && processes[i].pidfd == pidfd)
			return &processes[i];
	return NULL;
}

/* --- in place of the kernel's (-Wl,--wrap) --- */

int __wrap_pidfd_send_signal(int pidfd, int signal, siginfo_t *info,
    unsigned int flags);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *si, int options);

int
__wrap_pidfd_send_signal(int pidfd, int signal, siginfo_t *info,
    unsigned int flags)
{
	struct process *p = by_pidfd(pidfd);

	(void)info;
	(void)flags;
	FUZZ_CHECK(p != NULL && signal == SIGKILL);
	world_exit(p, -1, signal);
	return 0;
}

int
__wrap_waitid(idtype_t type, id_t id, siginfo_t *si, int options)
{
	struct process *p;

	(void)options;
	if (type != P_PIDFD)
		return 0; /* no strangers */
	p = by_pidfd((int)id);
	FUZZ_CHECK(p != NULL);
	if (!p->dead)
		return 0;
	if (si != NULL) {
		si->si_pid = FIRST_PID + (pid_t)p->age;
		si->si_code = p->code >= 0 ? CLD_EXITED : CLD_KILLED;
		si->si_status = p->code >= 0 ? p->code : p->signal;
	}
	forget(p);
	return 0;
}

/* --- in place of spawn.c --- */

int
spawn_open(const char *dir, struct err *err)
{
	(void)dir;
	module = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return module == -1 ? err_sys(err, "/dev/null") : 0;
}

int
spawn_module(enum spawn_module which)
{
	FUZZ_CHECK(which < SPAWN_MODULE_COUNT);
	return module;
}

void
spawn_close(void)
{
	close_fd(&module);
}

pid_t
spawn(const struct spawn *s, int *pidfd, struct err *err)
{
	struct process *p = processes;
	size_t i;

	while (p < processes + WORLD_PROCESSES && p->exists)
		p++;
	if (p == processes + WORLD_PROCESSES)
		return err_set(err, ERR_UNAVAILABLE, "too many processes");
	memset(p, 0, sizeof(*p));
	for (i = 0; i < WORLD_SHARED; i++)
		p->shared[i] = -1;
	p->exists = true;
	p->role = s->role;
	p->age = made++;
	p->channel = fcntl(s->channel_fd, F_DUPFD_CLOEXEC, 0);
	p->pidfd = *pidfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	FUZZ_CHECK(p->channel != -1 && p->pidfd != -1);
	return FIRST_PID + (pid_t)p->age;
}

/* --- in place of what is bound --- */

static int
bind_any(const char *address, uint16_t port, struct err *err)
{
	if (IS_TAKEN(port))
		return err_set(err, ERR_PORT_IN_USE, "%s port %u: in use",
		    address, port);
	if (IS_FORBIDDEN(port))
		return err_set(err, ERR_PERMISSION, "%s port %u: no", address,
		    port);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int
bind_tcp_join(const struct listener_spec *spec, const char *address,
    unsigned int n, int *fds, struct err *err)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		fds[i] = bind_any(address, spec->port, err);
		if (fds[i] == -1)
			break;
	}
	if (i == n)
		return 0;
	while (i > 0)
		(void)close(fds[--i]);
	return -1;
}

int
bind_tcp(const struct listener_spec *spec, unsigned int n, int *fds,
    uint16_t *port, char address[static SPEC_ADDRESS_SIZE], struct err *err)
{
	FUZZ_CHECK(
	    strnlen(spec->address, SPEC_ADDRESS_SIZE) < SPEC_ADDRESS_SIZE);
	*port = spec->port == 0 ? CHOSEN_PORT : spec->port;
	(void)strcpy(address, spec->address);
	return bind_tcp_join(spec, address, n, fds, err);
}

int
bind_plain(const char *address, uint16_t port, int backlog, struct err *err)
{
	(void)backlog;
	return bind_any(address, port, err);
}

int
bind_apply(const struct listener_spec *spec, int fd, struct err *err)
{
	(void)spec;
	(void)err;
	FUZZ_CHECK(fcntl(fd, F_GETFD) != -1);
	return 0;
}

int
unix_path_bind(const struct listener_spec *spec, struct unix_path *path,
    struct err *err)
{
	FUZZ_CHECK(strnlen(spec->path, SPEC_PATH_SIZE) < SPEC_PATH_SIZE);
	memcpy(path->path, spec->path, sizeof(path->path));
	path->lock_fd = -1;
	return bind_any(spec->path, (uint16_t)strlen(spec->path), err);
}

int
unix_path_apply(const struct listener_spec *spec, const struct unix_path *path,
    struct err *err)
{
	(void)spec;
	(void)path;
	(void)err;
	return 0;
}

void
unix_path_remove(struct unix_path *path)
{
	path->path[0] = '\0';
}

int
control_socket_open(const struct daemon_settings *s, struct err *err)
{
	return bind_any(s->control_socket, 0, err);
}

void
control_socket_remove(void)
{
}

int
pid_file_open(const char *path, struct err *err)
{
	(void)err;
	FUZZ_CHECK(path[0] == '/');
	return 0;
}

void
pid_file_remove(void)
{
}

const char *
sandbox_missing(void)
{
	return NULL;
}

void
daemonize_report(int exit_code, bool keep_stderr)
{
	(void)exit_code;
	(void)keep_stderr;
}

/* --- in place of the log's (-Wl,--wrap) --- */

void __wrap_log_write(enum log_level level, const char *object_kind,
    const char *object_name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The line is made, so that all of it is read; FUZZ_LOG shows it. */
void
__wrap_log_write(enum log_level level, const char *object_kind,
    const char *object_name, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	FUZZ_CHECK(level < LOG_LEVEL_COUNT);
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (getenv("FUZZ_LOG") != NULL)
		(void)dprintf(STDERR_FILENO, "%llu %s %s: %s\n",
		    (unsigned long long)now_ms,
		    object_kind == NULL ? "" : object_kind,
		    object_name == NULL ? "" : object_name, line);
}
