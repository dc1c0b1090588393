/*
 * A message of a hostile process, over a real socketpair: the first four bytes
 * say for whom it passes itself off, how many descriptors it has, its kind,
 * and whether to repair version and size.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <unistd.h>

#include "common/ipc.h"
#include "fuzz.h"

#define FDS_MAX 8
#define ROLES 5

enum how {
	HOW_REPAIR_VERSION = 0x01,
	HOW_REPAIR_SIZE = 0x02,
	HOW_KEEP_KIND = 0x04, /* as it is in the bytes */
};

/* Larger than any message. */
static uint8_t datagram[8192];

/* Make the datagram of what is left of the input. Returns its length. */
static size_t
fill(struct fuzz_input *in, uint8_t kind, uint8_t how)
{
	struct ipc_header h = { .version = IPC_VERSION, .kind = kind };
	size_t len = in->left < sizeof(datagram) ? in->left : sizeof(datagram);

	memset(datagram, 0, sizeof(datagram));
	memcpy(datagram, in->at, len);
	if (how & HOW_KEEP_KIND)
		memcpy(&h.kind, datagram + offsetof(struct ipc_header, kind),
		    sizeof(h.kind));
	if (how & HOW_REPAIR_VERSION)
		memcpy(datagram, &h, sizeof(h));
	if (how & HOW_REPAIR_SIZE)
		len = sizeof(h) + ipc_payload_size((enum ipc_kind)kind);
	return len;
}

/* Send it with count times descriptor 0. */
static void
send_it(int fd, size_t len, size_t count)
{
	struct iovec iov = { datagram, len };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	memset(&control, 0, sizeof(control));
	if (count > 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	FUZZ_CHECK(
	    sendmsg(fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len);
}

static int
lowest_free_fd(void)
{
	const int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

	FUZZ_CHECK(fd != -1);
	(void)close(fd);
	return fd;
}

static void
check_message(struct ipc_message *msg, size_t len)
{
	FUZZ_CHECK(ipc_kind_name(msg->kind) != NULL);
	FUZZ_CHECK(
	    len == sizeof(struct ipc_header) + ipc_payload_size(msg->kind));
	FUZZ_CHECK(ipc_carries_fd(msg->kind) == (msg->fd != -1));
	FUZZ_CHECK(memcmp(&msg->payload, datagram + sizeof(struct ipc_header),
		       ipc_payload_size(msg->kind)) == 0);
	if (msg->fd != -1)
		(void)close(msg->fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int ends[2] = { -1, -1 };
	static struct ipc_message msg;
	struct fuzz_input in = { data, len };
	const enum role sender = (enum role)(1 << fuzz_byte(&in) % ROLES);
	const size_t fds = fuzz_byte(&in) % (FDS_MAX + 1);
	const uint8_t kind = fuzz_byte(&in) % (IPC_KIND_COUNT + 1);
	const uint8_t how = fuzz_byte(&in);
	enum ipc_result result;
	struct err err = { 0 };
	int before;

	if (ends[0] == -1)
		FUZZ_CHECK(ipc_pair(ends, &err) == 0);
	before = lowest_free_fd();
	len = fill(&in, kind, how);
	if (len == 0)
		return 0; /* which would be taken for the end */
	send_it(ends[0], len, fds);
	result = ipc_recv(ends[1], sender, false, &msg, &err);
	FUZZ_CHECK(result == IPC_OK || result == IPC_BROKEN);
	FUZZ_CHECK((result == IPC_OK) == (err.code == ERR_NONE));
	if (result == IPC_OK)
		check_message(&msg, len);
	FUZZ_CHECK(ipc_recv(ends[1], sender, false, &msg, &err) == IPC_AGAIN);
	FUZZ_CHECK(lowest_free_fd() == before);
	return 0;
}
