#include "pool_harness.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/gate.h"

void
harness_nap(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	(void)nanosleep(&ms, NULL);
}

static _Noreturn void
become_worker(int channel, unsigned int nofile)
{
	const struct rlimit rl = { nofile, nofile };

	if (nofile > 0 && setrlimit(RLIMIT_NOFILE, &rl) == -1)
		_exit(126);
	if (channel == ROLE_CHANNEL_FD || dup2(channel, ROLE_CHANNEL_FD) == -1)
		_exit(126);
	(void)close_range(ROLE_CHANNEL_FD + 1, ~0u, 0);
	(void)execl(POOL_EXECUTABLE, "mercury-pool", "test/0", (char *)NULL);
	_exit(127);
}

void
harness_spawn(struct harness *h, unsigned int nofile)
{
	struct err err;
	int ends[2];

	h->board_fd = scoreboard_create(&err);
	cr_assert_neq(h->board_fd, -1, "%s", err.text);
	h->board = scoreboard_map_read(h->board_fd, &err);
	cr_assert_not_null(h->board);
	cr_assert_eq(ipc_pair(ends, &err), 0, "%s", err.text);
	h->channel = ends[0];
	h->pid = fork();
	cr_assert_neq(h->pid, -1);
	if (h->pid == 0)
		become_worker(ends[1], nofile);
	(void)close(ends[1]);
}

void
harness_send(struct harness *h, enum ipc_kind kind, const void *payload, int fd)
{
	struct err err = { .text = "gone" };

	cr_assert_eq(ipc_send(h->channel, kind, payload, fd, true, &err),
	    IPC_OK, "%s: %s", ipc_kind_name(kind), err.text);
}

struct msg_pool_hello
harness_hello_msg(uint32_t orphan_drain_ms)
{
	return (struct msg_pool_hello){
		.log = { .level = LOG_LEVEL_ERROR },
		.pool = "test",
		.orphan_drain_ms = orphan_drain_ms,
		.uid = SPEC_NO_ID,
		.gid = SPEC_NO_ID,
		.generation = 1,
		.heartbeat_ms = HARNESS_HEARTBEAT_MS,
	};
}

void
harness_hello(struct harness *h, uint32_t orphan_drain_ms)
{
	const struct msg_pool_hello m = harness_hello_msg(orphan_drain_ms);

	harness_send(h, IPC_POOL_HELLO, &m, h->board_fd);
	harness_gates(h);
}

void
harness_gates(struct harness *h)
{
	const struct msg_empty none = { 0 };
	struct err err;
	const int fd = gates_create(&err);

	cr_assert_neq(fd, -1, "%s", err.text);
	harness_send(h, IPC_GATES, &none, fd);
	(void)close(fd);
}

void
harness_start(struct harness *h, unsigned int nofile)
{
	harness_spawn(h, nofile);
	harness_hello(h, 100);
	(void)harness_expect(h, IPC_READY);
}

struct msg_listen
harness_listen_msg(uint64_t listener_id, uint32_t slot,
    enum protocol_id protocol)
{
	struct msg_listen m = {
		.listener_id = listener_id,
		.entry = (uint32_t)listener_id,
		.slot = slot,
		.spec = { .name = "test",
		    .pool = "test",
		    .address = "127.0.0.1",
		    .protocol = (uint8_t)protocol,
		    .nodelay = 1,
		    .backlog = 128,
		    .mode = 0660,
		    .owner = SPEC_NO_ID,
		    .group = SPEC_NO_ID,
		    .drain_timeout_ms = 60000,
		    .bind_attempts = 1,
		    .bind_backoff_ms = 10,
		    .bind_backoff_max_ms = 10,
		    .max_seconds = 1,
		    .hang_timeout_ms = 1000,
		    .handshake_timeout_ms = 5000 },
	};

	return m;
}

void
harness_listen(struct harness *h, const struct msg_listen *m, int fd)
{
	struct ipc_message answer;

	harness_send(h, IPC_LISTEN, m, fd);
	(void)close(fd);
	answer = harness_expect(h, IPC_LISTENING);
	cr_assert_eq(answer.payload.LISTENING.listener_id, m->listener_id);
	cr_assert_eq(answer.payload.LISTENING.slot, m->slot);
}

struct ipc_message
harness_expect(struct harness *h, enum ipc_kind kind)
{
	struct pollfd p = { .fd = h->channel, .events = POLLIN };
	struct err err = { .text = "gone" };
	struct ipc_message m;

	cr_assert_eq(poll(&p, 1, HARNESS_WAIT_MS), 1, "no %s came",
	    ipc_kind_name(kind));
	cr_assert_eq(ipc_recv(h->channel, ROLE_POOL, false, &m, &err), IPC_OK,
	    "waiting for %s: %s", ipc_kind_name(kind), err.text);
	cr_assert_eq(m.kind, kind, "%s instead of %s", ipc_kind_name(m.kind),
	    ipc_kind_name(kind));
	return m;
}

void
harness_expect_of(struct harness *h, enum ipc_kind kind, uint64_t listener_id)
{
	const struct ipc_message m = harness_expect(h, kind);

	cr_assert_eq(m.payload.CLOSED.listener_id, listener_id);
}

void
harness_expect_end_of_channel(struct harness *h)
{
	struct pollfd p = { .fd = h->channel, .events = POLLIN };
	struct err err = { .text = "" };
	struct ipc_message m = { .kind = IPC_KIND_COUNT };
	enum ipc_result r;

	cr_assert_eq(poll(&p, 1, HARNESS_WAIT_MS), 1, "the channel is open");
	r = ipc_recv(h->channel, ROLE_POOL, false, &m, &err);
	cr_assert_eq(r, IPC_GONE, "%s came", ipc_kind_name(m.kind));
}

void
harness_pause(struct harness *h, uint64_t listener_id, bool keep_queue)
{
	const struct msg_pause m = { .listener_id = listener_id,
		.keep_queue = keep_queue };

	harness_send(h, IPC_PAUSE, &m, -1);
}

void
harness_hand_over(struct harness *h)
{
	const struct msg_empty m = { 0 };

	harness_send(h, IPC_HAND_OVER, &m, -1);
}

void
harness_close(struct harness *h, uint64_t listener_id, uint32_t in_ms)
{
	const struct msg_close m = { .listener_id = listener_id,
		.deadline_ms = clock_mono_ms() + in_ms };

	harness_send(h, IPC_CLOSE, &m, -1);
}

void
harness_drain(struct harness *h, uint32_t in_ms)
{
	const struct msg_drain m = { .deadline_ms = clock_mono_ms() + in_ms };

	harness_send(h, IPC_DRAIN, &m, -1);
}

void
harness_stop(const struct harness *h)
{
	int status = 0;

	cr_assert_eq(kill(h->pid, SIGSTOP), 0);
	EVENTUALLY(waitpid(h->pid, &status, WUNTRACED | WNOHANG) == h->pid);
	cr_assert(WIFSTOPPED(status));
}

void
harness_continue(const struct harness *h)
{
	if (h->pid > 0)
		(void)kill(h->pid, SIGCONT);
}

void
harness_hang_up(struct harness *h)
{
	(void)close(h->channel);
	h->channel = -1;
}

int
harness_exit_code(struct harness *h)
{
	int status = 0;

	EVENTUALLY(waitpid(h->pid, &status, WNOHANG) == h->pid);
	h->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

uint64_t
harness_count(const struct harness *h, uint64_t listener_id, enum counter_id id)
{
	return scoreboard_get(&h->board->entries[listener_id], id);
}

unsigned long
harness_status(const struct harness *h, const char *key)
{
	char path[64], line[256];
	unsigned long value = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)h->pid);
	f = fopen(path, "re");
	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoul(line + strlen(key) + 1, NULL, 10);
	(void)fclose(f);
	return value;
}

int
harness_descriptors(const struct harness *h)
{
	char path[64];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)h->pid);
	dir = opendir(path);
	cr_assert_not_null(dir);
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

int
harness_tcp_socket(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert_neq(fd, -1);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(fd, 128), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

int
harness_try_connect(uint16_t port)
{
	const struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval tv = { .tv_sec = HARNESS_WAIT_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_neq(fd, -1);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

int
harness_connect(uint16_t port)
{
	const int fd = harness_try_connect(port);

	cr_assert_neq(fd, -1, "connect: %s", strerror(errno));
	return fd;
}

void
harness_expect_echo(int client, const char *text)
{
	char buffer[256] = { 0 };
	const ssize_t len = (ssize_t)strlen(text);

	cr_assert_eq(send(client, text, (size_t)len, MSG_NOSIGNAL), len);
	cr_assert_eq(recv(client, buffer, (size_t)len, MSG_WAITALL), len,
	    "%s: no echo: %s", text, strerror(errno));
	cr_assert_str_eq(buffer, text);
}

void
harness_expect_end(int client, size_t len)
{
	char buffer[65536];
	size_t got = 0;
	ssize_t n;

	while ((n = recv(client, buffer, sizeof(buffer), 0)) > 0)
		got += (size_t)n;
	cr_assert_eq(n, 0, "the stream ended with: %s", strerror(errno));
	cr_assert_eq(got, len, "%zu instead of %zu", got, len);
}
