#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Every single role. */
static const enum role roles[] = { ROLE_SUPERVISOR, ROLE_CONFIG, ROLE_CONTROL,
	ROLE_POOL };

static int ends[2];

static void
make_pair(void)
{
	struct err err;

	cr_assert_eq(ipc_pair(ends, &err), 0, "%s", err.text);
}

TestSuite(ipc, .init = make_pair, .timeout = 60);

/* A descriptor to pass, of a file that nothing else has open. */
static int
some_fd(void)
{
	const int fd = memfd_create("some", MFD_CLOEXEC);

	cr_assert_neq(fd, -1);
	return fd;
}

static bool
same_file(int a, int b)
{
	struct stat x, y;

	cr_assert_eq(fstat(a, &x), 0);
	cr_assert_eq(fstat(b, &y), 0);
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

struct kind_case {
	enum ipc_kind kind;
	char name[24];
	unsigned int senders;
	size_t size;
	int fds;
};

static struct kind_case kinds[] = {
#define MSG(KIND, SENDERS, TYPE, FDS) \
	{ IPC_##KIND, #KIND, SENDERS, sizeof(TYPE), FDS },
	IPC_MESSAGES(MSG)
#undef MSG
};

ParameterizedTestParameters(ipc, every_kind_goes_round)
{
	return cr_make_param_array(struct kind_case, kinds, COUNT(kinds));
}

/* Each role may send it, or may not; what arrives is what was sent. */
ParameterizedTest(struct kind_case *k, ipc, every_kind_goes_round)
{
	const int fd = k->fds > 0 ? some_fd() : -1;
	union ipc_payload out, zero = { 0 };
	struct ipc_message in;
	struct err err = { 0 };
	unsigned int before;
	size_t i;

	cr_expect_str_eq(ipc_kind_name(k->kind), k->name);
	cr_expect_eq(ipc_payload_size(k->kind), k->size);
	cr_expect_eq(ipc_carries_fd(k->kind), k->fds > 0);
	for (i = 0; i < sizeof(out); i++)
		((unsigned char *)&out)[i] = (unsigned char)(i * 7 + 1);
	for (i = 0; i < COUNT(roles); i++) {
		before = scratch_open_fds();
		in.payload = zero;
		cr_assert_eq(ipc_send(ends[0], k->kind, &out, fd, false, &err),
		    IPC_OK, "%s", err.text);
		if (!(k->senders & roles[i])) {
			cr_expect_eq(
			    ipc_recv(ends[1], roles[i], false, &in, &err),
			    IPC_BROKEN, "%s may not", role_name(roles[i]));
			cr_expect_eq(scratch_open_fds(), before);
			continue;
		}
		cr_assert_eq(ipc_recv(ends[1], roles[i], false, &in, &err),
		    IPC_OK, "%s: %s", role_name(roles[i]), err.text);
		cr_expect_eq(in.kind, k->kind);
		cr_expect_eq(memcmp(&in.payload, &out, k->size), 0);
		if (fd == -1) {
			cr_expect_eq(in.fd, -1);
			continue;
		}
		cr_assert_neq(in.fd, -1);
		cr_expect(same_file(in.fd, fd));
		cr_expect(fcntl(in.fd, F_GETFD) & FD_CLOEXEC);
		(void)close(in.fd);
	}
}

Test(ipc, names_end_with_the_table)
{
	cr_expect_null(ipc_kind_name(IPC_KIND_COUNT));
	cr_expect_null(ipc_kind_name(UINT_MAX));
	cr_expect_eq(ipc_payload_size(IPC_KIND_COUNT), 0);
	cr_expect_eq(ipc_payload_size((enum ipc_kind)UINT_MAX), 0);
	cr_expect_not(ipc_carries_fd(IPC_KIND_COUNT));
	cr_expect_not(ipc_carries_fd((enum ipc_kind)UINT_MAX));
}

Test(ipc, ends_are_close_on_exec)
{
	cr_expect(fcntl(ends[0], F_GETFD) & FD_CLOEXEC);
	cr_expect(fcntl(ends[1], F_GETFD) & FD_CLOEXEC);
}

struct raw_case {
	unsigned int version;
	unsigned int kind;
	enum role sender;
	size_t len; /* of the datagram, with the header */
	int fds;
};

#define HEADER sizeof(struct ipc_header)
#define LISTEN_LEN (HEADER + sizeof(struct msg_listen))
#define UPDATE_LEN (HEADER + sizeof(struct msg_update))
#define EMPTY_LEN (HEADER + sizeof(struct msg_empty))
#define SUP ROLE_SUPERVISOR

/* What a broken or hostile process may put on the wire. */
ParameterizedTestParameters(ipc, rules_are_kept)
{
	static struct raw_case cases[] = {
		{ 0, IPC_UPDATE, SUP, UPDATE_LEN, 0 },
		{ IPC_VERSION + 1, IPC_UPDATE, SUP, UPDATE_LEN, 0 },
		{ 0xffff, IPC_READY, ROLE_POOL, EMPTY_LEN, 0 },
		{ IPC_VERSION, IPC_KIND_COUNT, ROLE_POOL, EMPTY_LEN, 0 },
		{ IPC_VERSION, IPC_KIND_COUNT, SUP, EMPTY_LEN, 1 },
		{ IPC_VERSION, 0xffff, ROLE_POOL, EMPTY_LEN, 0 },
		/* the wrong size */
		{ IPC_VERSION, IPC_READY, ROLE_POOL, 1, 0 },
		{ IPC_VERSION, IPC_READY, ROLE_POOL, HEADER - 1, 0 },
		{ IPC_VERSION, IPC_READY, ROLE_POOL, HEADER, 0 },
		{ IPC_VERSION, IPC_READY, ROLE_POOL, EMPTY_LEN - 1, 0 },
		{ IPC_VERSION, IPC_READY, ROLE_POOL, EMPTY_LEN + 1, 0 },
		{ IPC_VERSION, IPC_UPDATE, SUP, UPDATE_LEN - 1, 0 },
		{ IPC_VERSION, IPC_UPDATE, SUP, UPDATE_LEN + 1, 0 },
		{ IPC_VERSION, IPC_UPDATE, SUP, UPDATE_LEN - 8, 0 },
		/* more than there is room for: truncated */
		{ IPC_VERSION, IPC_READY, ROLE_POOL,
		    HEADER + sizeof(union ipc_payload) + 1, 0 },
		{ IPC_VERSION, IPC_READY, ROLE_POOL, 60000, 0 },
		{ IPC_VERSION, IPC_LISTEN, SUP, 60000, 1 },
		/* a missing or a surplus descriptor */
		{ IPC_VERSION, IPC_LISTEN, SUP, LISTEN_LEN, 0 },
		{ IPC_VERSION, IPC_LISTEN, SUP, LISTEN_LEN, 2 },
		{ IPC_VERSION, IPC_LISTEN, SUP, LISTEN_LEN, 4 },
		{ IPC_VERSION, IPC_LISTEN, SUP, LISTEN_LEN, 5 },
		{ IPC_VERSION, IPC_LISTEN, SUP, LISTEN_LEN, 100 },
		{ IPC_VERSION, IPC_UPDATE, SUP, UPDATE_LEN, 1 },
		{ IPC_VERSION, IPC_UPDATE, SUP, UPDATE_LEN, 5 },
		{ IPC_VERSION, IPC_LISTEN, SUP, LISTEN_LEN - 1, 1 },
		/* a child passes no descriptor at all */
		{ IPC_VERSION, IPC_READY, ROLE_POOL, EMPTY_LEN, 1 },
		{ IPC_VERSION, IPC_READY, ROLE_CONTROL, EMPTY_LEN, 50 },
		{ IPC_VERSION, IPC_LISTEN, ROLE_POOL, LISTEN_LEN, 1 },
	};

	return cr_make_param_array(struct raw_case, cases, COUNT(cases));
}

#define RAW_FDS_MAX 128

/* Send a datagram as no module of ours would; true if the kernel took it. */
static bool
send_raw(const struct raw_case *k)
{
	static unsigned char bytes[65536];
	const struct ipc_header h = { .version = (uint16_t)k->version,
		.kind = (uint16_t)k->kind };
	struct iovec iov = { bytes, k->len };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(RAW_FDS_MAX * sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	const int fd = some_fd();
	bool taken;
	int i;

	memcpy(bytes, &h, sizeof(h));
	if (k->fds > 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len =
		    CMSG_LEN((size_t)k->fds * sizeof(int));
		for (i = 0; i < k->fds; i++)
			memcpy(CMSG_DATA(&control.header) +
				(size_t)i * sizeof(int),
			    &fd, sizeof(int));
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE((size_t)k->fds * sizeof(int));
	}
	taken = sendmsg(ends[0], &mh, 0) == (ssize_t)k->len;
	(void)close(fd);
	return taken;
}

ParameterizedTest(struct raw_case *k, ipc, rules_are_kept)
{
	const unsigned int before = scratch_open_fds();
	struct ipc_message in;
	struct err err = { 0 };

	cr_assert(send_raw(k));
	cr_expect_eq(ipc_recv(ends[1], k->sender, false, &in, &err),
	    IPC_BROKEN);
	cr_expect_neq(err.text[0], '\0');
	cr_expect_eq(scratch_open_fds(), before, "a descriptor was leaked");
	/* It was one datagram: nothing of it is left. */
	cr_expect_eq(ipc_recv(ends[1], k->sender, false, &in, &err), IPC_AGAIN);
}

/* The same calls with nothing wrong, so that the above can fail. */
Test(ipc, a_raw_message_that_keeps_the_rules_arrives)
{
	struct raw_case k = { IPC_VERSION, IPC_LISTEN, SUP, LISTEN_LEN, 1 };
	struct ipc_message in;
	struct err err = { 0 };

	cr_assert(send_raw(&k));
	cr_assert_eq(ipc_recv(ends[1], SUP, false, &in, &err), IPC_OK, "%s",
	    err.text);
	cr_expect_eq(in.kind, IPC_LISTEN);
	cr_expect_neq(in.fd, -1);
	k = (struct raw_case){ IPC_VERSION, IPC_READY, ROLE_POOL, EMPTY_LEN,
		0 };
	cr_assert(send_raw(&k));
	cr_expect_eq(ipc_recv(ends[1], ROLE_POOL, false, &in, &err), IPC_OK,
	    "%s", err.text);
}

Test(ipc, nothing_there_is_again)
{
	struct ipc_message in;
	struct err err;

	cr_expect_eq(ipc_recv(ends[1], ROLE_POOL, false, &in, &err), IPC_AGAIN);
}

Test(ipc, what_was_sent_before_the_end_arrives)
{
	const struct msg_slot m = { .listener_id = 5, .slot = 3 };
	struct ipc_message in;
	struct err err = { 0 };

	cr_assert_eq(ipc_send(ends[0], IPC_LISTENING, &m, -1, false, &err),
	    IPC_OK);
	(void)close(ends[0]);
	cr_assert_eq(ipc_recv(ends[1], ROLE_POOL, true, &in, &err), IPC_OK);
	cr_expect_eq(in.payload.LISTENING.listener_id, 5);
	cr_expect_eq(in.payload.LISTENING.slot, 3);
	cr_expect_eq(ipc_recv(ends[1], ROLE_POOL, true, &in, &err), IPC_GONE);
	cr_expect_eq(ipc_recv(ends[1], ROLE_POOL, false, &in, &err), IPC_GONE);
	cr_expect_eq(ipc_send(ends[1], IPC_CLOSED, &m, -1, false, &err),
	    IPC_GONE);
}

/* The kernel says ECONNRESET when the dead had not read everything. */
Test(ipc, a_peer_that_died_with_unread_messages_is_gone)
{
	const struct msg_drain m = { .deadline_ms = 1 };
	struct ipc_message in;
	struct err err;

	cr_assert_eq(ipc_send(ends[0], IPC_DRAIN, &m, -1, false, &err), IPC_OK);
	(void)close(ends[1]);
	cr_expect_eq(ipc_recv(ends[0], ROLE_POOL, false, &in, &err), IPC_GONE);
	cr_expect_eq(ipc_recv(ends[0], ROLE_POOL, false, &in, &err), IPC_GONE);
}

Test(ipc, a_socket_that_fails_is_broken)
{
	const struct msg_drain m = { .deadline_ms = 1 };
	struct ipc_message in;
	struct err err = { 0 };

	cr_expect_eq(ipc_recv(-1, ROLE_POOL, false, &in, &err), IPC_BROKEN);
	cr_expect_eq(strncmp(err.text, "recvmsg: ", 9), 0, "%s", err.text);
	cr_expect_eq(ipc_send(-1, IPC_DRAIN, &m, -1, false, &err), IPC_BROKEN);
	cr_expect_eq(strncmp(err.text, "sendmsg: ", 9), 0, "%s", err.text);
}

/* Send until the peer's side is full; returns how many. */
static uint64_t
fill(void)
{
	struct msg_drain m = { .deadline_ms = 0 };
	struct err err;
	enum ipc_result r;

	while (
	    (r = ipc_send(ends[0], IPC_DRAIN, &m, -1, false, &err)) == IPC_OK)
		m.deadline_ms++;
	cr_assert_eq(r, IPC_AGAIN);
	return m.deadline_ms;
}

Test(ipc, a_full_channel_is_again_and_keeps_the_order)
{
	const uint64_t sent = fill();
	const struct msg_drain last = { .deadline_ms = sent };
	struct ipc_message in;
	struct err err;
	uint64_t i;

	cr_assert_gt(sent, 10);
	for (i = 0; i < sent; i++) {
		cr_assert_eq(ipc_recv(ends[1], SUP, false, &in, &err), IPC_OK);
		cr_assert_eq(in.payload.DRAIN.deadline_ms, i);
	}
	cr_expect_eq(ipc_recv(ends[1], SUP, false, &in, &err), IPC_AGAIN);
	cr_expect_eq(ipc_send(ends[0], IPC_DRAIN, &last, -1, false, &err),
	    IPC_OK);
}

/* A child that takes so many messages, then ends with 0. */
static pid_t
fork_reader(uint64_t messages)
{
	struct ipc_message in;
	struct err err;
	uint64_t i;
	pid_t pid;

	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid > 0)
		return pid;
	for (i = 0; i < messages; i++)
		if (ipc_recv(ends[1], SUP, true, &in, &err) != IPC_OK ||
		    in.payload.DRAIN.deadline_ms != i)
			_exit(1);
	_exit(0);
}

Test(ipc, a_sender_may_wait_for_room)
{
	const uint64_t sent = fill();
	const struct msg_drain last = { .deadline_ms = sent };
	const pid_t pid = fork_reader(sent + 1);
	struct err err = { 0 };
	int status = -1;

	cr_expect_eq(ipc_send(ends[0], IPC_DRAIN, &last, -1, true, &err),
	    IPC_OK, "%s", err.text);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
}

Test(ipc, a_receiver_may_wait_for_a_message)
{
	const struct msg_drain m = { .deadline_ms = 0 };
	const pid_t pid = fork_reader(1);
	char state = '?';
	char path[64];
	int status = -1, tries;
	struct err err;
	FILE *f;

	/* It sleeps in the kernel before there is anything to read. */
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (tries = 0; tries < 10000 && state != 'S'; tries++) {
		(void)usleep(1000);
		f = fopen(path, "r");
		cr_assert_not_null(f);
		cr_assert_eq(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
		(void)fclose(f);
		cr_assert_neq(state, 'Z');
	}
	cr_assert_eq(ipc_send(ends[0], IPC_DRAIN, &m, -1, false, &err), IPC_OK);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
}
