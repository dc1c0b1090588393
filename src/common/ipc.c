#include "common/ipc.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Descriptors that a hostile message may carry before it is truncated. */
#define MAX_FDS 4

/*
 * Room for as many messages as the largest start-up sends in one go; the
 * kernel counts about 1 KiB for each (net.core.wmem_max caps it).
 */
#define CHANNEL_BUFFER_BYTES (1 << 20)

static const struct ipc_rule {
	const char *name;
	unsigned int senders; /* set of enum role */
	uint16_t size;        /* exact, of the payload, in bytes */
	uint8_t fds;          /* exact */
} rules[IPC_KIND_COUNT] = {
#define MSG(KIND, SENDERS, TYPE, FDS) \
	[IPC_##KIND] = { #KIND, (SENDERS), sizeof(TYPE), (FDS) },
	IPC_MESSAGES(MSG)
#undef MSG
};

#define MSG(KIND, SENDERS, TYPE, FDS)                      \
	_Static_assert(sizeof(TYPE) <= 2048 && (FDS) <= 1, \
	    #KIND ": a message is small and has at most one descriptor");
IPC_MESSAGES(MSG)
#undef MSG

const char *
ipc_kind_name(unsigned int kind)
{
	return kind < IPC_KIND_COUNT ? rules[kind].name : NULL;
}

size_t
ipc_payload_size(enum ipc_kind kind)
{
	return (unsigned int)kind < IPC_KIND_COUNT ? rules[kind].size : 0;
}

bool
ipc_carries_fd(enum ipc_kind kind)
{
	return (unsigned int)kind < IPC_KIND_COUNT && rules[kind].fds != 0;
}

/* What a failed call says of the other end. */
static enum ipc_result
result_of_errno(const char *what, struct err *err)
{
	switch (errno) {
	case EAGAIN:
	case EINTR:
		return IPC_AGAIN;
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS:
		return IPC_SHORT;
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
		return IPC_GONE;
	default:
		(void)err_sys(err, "%s", what);
		return IPC_BROKEN;
	}
}

static enum ipc_result
broken(struct err *err, const char *why)
{
	(void)err_set(err, ERR_INTERNAL, "%s", why);
	return IPC_BROKEN;
}

/* Collect the descriptors of a datagram; returns how many. */
static size_t
take_fds(struct msghdr *mh, int fds[static MAX_FDS])
{
	struct cmsghdr *c;
	size_t n = 0, i, count;
	int fd;

	for (c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(int));
			if (n < MAX_FDS)
				fds[n++] = fd;
			else
				(void)close(fd);
		}
	}
	return n;
}

static const char *
violation(const struct ipc_header *h, size_t len, size_t nfds, int flags,
    enum role sender)
{
	const struct ipc_rule *r;

	if (flags & (MSG_TRUNC | MSG_CTRUNC))
		return "message or its descriptors were cut off";
	if (len < sizeof(*h) || h->version != IPC_VERSION ||
	    h->kind >= IPC_KIND_COUNT)
		return "message of an unknown kind or version";
	r = &rules[h->kind];
	if (!(r->senders & sender))
		return "message that this process may not send";
	if (len - sizeof(*h) != r->size || nfds != r->fds)
		return "message of the wrong size";
	return NULL;
}

enum ipc_result
ipc_recv(int fd, enum role sender, bool wait, struct ipc_message *msg,
    struct err *err)
{
	struct ipc_header h = { 0 };
	struct iovec iov[2] = { { &h, sizeof(h) },
		{ &msg->payload, sizeof(msg->payload) } };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control;
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
	int fds[MAX_FDS];
	size_t nfds, i;
	const char *why;
	ssize_t n;

	/* A worker passes no descriptors: its are not received. */
	if (sender != ROLE_POOL) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control);
	}
	n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
	if (n == -1)
		return result_of_errno("recvmsg", err);
	if (n == 0)
		return IPC_GONE;
	nfds = take_fds(&mh, fds);
	why = violation(&h, (size_t)n, nfds, mh.msg_flags, sender);
	if (why != NULL) {
		for (i = 0; i < nfds; i++)
			(void)close(fds[i]);
		return broken(err, why);
	}
	msg->kind = (enum ipc_kind)h.kind;
	msg->fd = nfds == 1 ? fds[0] : -1;
	return IPC_OK;
}

enum ipc_result
ipc_send(int fd, enum ipc_kind kind, const void *payload, int pass_fd,
    bool wait, struct err *err)
{
	struct ipc_header h = { .version = IPC_VERSION,
		.kind = (uint16_t)kind };
	struct iovec iov[2] = { { &h, sizeof(h) },
		{ (void *)(uintptr_t)payload, rules[kind].size } };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };

	if (rules[kind].fds == 1) {
		memset(&control, 0, sizeof(control));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &pass_fd, sizeof(int));
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control);
	}
	if (sendmsg(fd, &mh, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) == -1)
		return result_of_errno("sendmsg", err);
	return IPC_OK;
}

int
ipc_pair(int ends[2], struct err *err)
{
	const int bytes = CHANNEL_BUFFER_BYTES;
	int i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		return err_sys(err, "socketpair");
	/* Larger buffers save wake-ups; channel.h queues without them too. */
	for (i = 0; i < 2; i++)
		(void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &bytes,
		    sizeof(bytes));
	return 0;
}
