/*
 * ipc: one message in, one message out, over a SOCK_SEQPACKET socketpair.
 * No loop and no queue: channel.h adds them.
 */
#ifndef MERCURY_COMMON_IPC_H
#define MERCURY_COMMON_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ipc_msg.h"

/* A received message, checked against the table. */
struct ipc_message {
	enum ipc_kind kind;
	int fd; /* -1, or a descriptor: set it to -1 when you take it */
	union ipc_payload payload;
};

enum ipc_result {
	IPC_OK,
	IPC_AGAIN, /* would block */
	IPC_SHORT, /* the kernel is short of memory: try a moment later */
	IPC_GONE,  /* the peer is gone: EOF, ECONNRESET or EPIPE */
	IPC_BROKEN /* the peer broke the rules, or the socket failed */
};

/* Name and exact payload size of a kind; NULL, 0 out of range. */
const char *ipc_kind_name(unsigned int kind);
size_t ipc_payload_size(enum ipc_kind);

/* Does a message of this kind carry a descriptor? */
bool ipc_carries_fd(enum ipc_kind);

/*
 * Receive one message that sender may send. Waits for one when wait is set.
 * On IPC_OK the caller owns msg->fd. On IPC_BROKEN *err says why.
 */
enum ipc_result ipc_recv(int fd, enum role sender, bool wait,
    struct ipc_message *msg, struct err *err);

/*
 * Send one message; payload has the exact size of its kind. pass_fd
 * (borrowed) is -1 unless the kind carries a descriptor.
 */
enum ipc_result ipc_send(int fd, enum ipc_kind, const void *payload,
    int pass_fd, bool wait, struct err *err);

/* Both ends of a new channel, close-on-exec. Returns 0, or -1 with *err. */
int ipc_pair(int ends[2], struct err *err);

#endif /* MERCURY_COMMON_IPC_H */
