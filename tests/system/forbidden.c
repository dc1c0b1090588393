/*
 * forbidden: a module for test_sandbox.py that tries what a module may not do.
 * A line is the name of a call, and maybe a number; the answer is 0 or the
 * errno with which it failed, if there is an answer.
 */
#define _GNU_SOURCE
#include <mercury/protocol.h>

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long
call_execve(long arg)
{
	char *argv[] = { "true", NULL };

	(void)arg;
	return execve("/bin/true", argv, NULL);
}

static long
call_fork(long arg)
{
	const pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(0);
	return pid;
}

static long
call_clone3(long arg)
{
	return syscall(SYS_clone3, NULL, arg);
}

static long
call_bind(long arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	(void)arg;
	return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a,
	    sizeof(a));
}

static long
call_listen(long arg)
{
	(void)arg;
	return listen(socket(AF_INET, SOCK_STREAM, 0), 1);
}

static long
call_shutdown(long arg)
{
	return shutdown(socket(AF_INET, SOCK_STREAM, 0), (int)arg);
}

static long
call_socket(long arg)
{
	return socket((int)arg, SOCK_DGRAM, 0);
}

static long
call_write_file(long arg)
{
	(void)arg;
	return open("/tmp", O_RDWR | O_TMPFILE, 0600);
}

static long
call_truncate_file(long arg)
{
	(void)arg;
	return open("/dev/null", O_RDONLY | O_TRUNC);
}

static long
call_creat(long arg)
{
	(void)arg;
	return creat("/dev/null", 0600);
}

static long
call_read_file(long arg)
{
	(void)arg;
	return open("/dev/null", O_RDONLY);
}

static long
call_openat2(long arg)
{
	(void)arg;
	return syscall(SYS_openat2, AT_FDCWD, "/dev/null", NULL, 0);
}

static long
call_unlink(long arg)
{
	(void)arg;
	return unlink("/tmp/there-is-no-such-file");
}

static long
call_mkdir(long arg)
{
	(void)arg;
	return mkdir("/tmp", 0700);
}

static long
call_chmod(long arg)
{
	(void)arg;
	return chmod("/tmp/there-is-no-such-file", 0777);
}

static long
call_ptrace(long arg)
{
	(void)arg;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long
call_kill(long arg)
{
	return kill((pid_t)arg, SIGKILL);
}

static long
call_tgkill(long arg)
{
	return syscall(SYS_tgkill, arg, arg, SIGKILL);
}

static long
call_queue(long arg)
{
	const union sigval value = { 0 };

	return sigqueue((pid_t)arg, SIGKILL, value);
}

static long
call_owner(long arg)
{
	return fcntl(0, F_SETOWN, arg);
}

static long
call_pidfd(long arg)
{
	return syscall(SYS_pidfd_open, arg, 0);
}

static long
call_limit(long arg)
{
	const struct rlimit none = { 0, 0 };

	return prlimit((pid_t)arg, RLIMIT_NOFILE, &none, NULL);
}

static long
call_mount(long arg)
{
	(void)arg;
	return mount("none", "/", "tmpfs", 0, NULL);
}

static long
call_setuid(long arg)
{
	return setuid((uid_t)arg);
}

static long
call_prctl(long arg)
{
	return prctl((int)arg, 0, 0, 0, 0);
}

static long
call_number(long arg)
{
	return syscall(arg, 0, 0, 0, 0, 0, 0);
}

static long
call_abort(long arg)
{
	(void)arg;
	abort();
}

static const struct {
	const char *name;
	long (*call)(long arg);
} calls[] = {
	{ "execve", call_execve },
	{ "fork", call_fork },
	{ "clone3", call_clone3 },
	{ "bind", call_bind },
	{ "listen", call_listen },
	{ "shutdown", call_shutdown },
	{ "socket", call_socket },
	{ "write_file", call_write_file },
	{ "truncate_file", call_truncate_file },
	{ "creat", call_creat },
	{ "read_file", call_read_file },
	{ "openat2", call_openat2 },
	{ "unlink", call_unlink },
	{ "mkdir", call_mkdir },
	{ "chmod", call_chmod },
	{ "ptrace", call_ptrace },
	{ "kill", call_kill },
	{ "tgkill", call_tgkill },
	{ "queue", call_queue },
	{ "pidfd", call_pidfd },
	{ "owner", call_owner },
	{ "limit", call_limit },
	{ "mount", call_mount },
	{ "setuid", call_setuid },
	{ "prctl", call_prctl },
	{ "number", call_number },
	{ "abort", call_abort },
};

static void
answer(struct mercury_conn *c, const char *name, long arg)
{
	const char *text = "no such call\n";
	char buf[32];
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, name) != 0)
			continue;
		(void)snprintf(buf, sizeof(buf), "%d\n",
		    calls[i].call(arg) == -1 ? errno : 0);
		text = buf;
	}
	(void)mercury_send(c, text, strlen(text));
}

static size_t
received(struct mercury_conn *c, uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len);
	const size_t size = end == NULL ? 0 : (size_t)(end - data);
	char line[64], name[32] = "";
	long arg = 0;

	if (end == NULL || size >= sizeof(line))
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	(void)sscanf(line, "%31s %ld", name, &arg);
	answer(c, name, arg);
	return size + 1;
}

MERCURY_API const struct mercury_protocol mercury_module = {
	.abi = MERCURY_ABI,
	.size = sizeof(struct mercury_protocol),
	.name = "forbidden",
	.received = received,
};
