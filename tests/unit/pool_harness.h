/*
 * pool_harness: plays the supervisor for one real mercury-pool, and the
 * clients of its listeners. Whatever fails, fails the running test.
 */
#ifndef MERCURY_TESTS_POOL_HARNESS_H
#define MERCURY_TESTS_POOL_HARNESS_H

#include <sys/types.h>

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc.h"
#include "common/scoreboard.h"

/* Every wait for something that must happen ends after this. */
#define HARNESS_WAIT_MS 10000

#define HARNESS_HEARTBEAT_MS 20

struct harness {
	pid_t pid;   /* 0: none, or it has ended */
	int channel; /* our end */
	int board_fd;
	const struct scoreboard *board;
};

/* Wait until the condition holds; it is not looked at again after that. */
#define EVENTUALLY(condition)                                     \
	do {                                                      \
		int tries_ = HARNESS_WAIT_MS;                     \
		bool holds_;                                      \
		while (!(holds_ = (condition)) && tries_-- > 0)   \
			harness_nap();                            \
		cr_assert(holds_, "waited in vain: " #condition); \
	} while (0)

void harness_nap(void); /* 1 ms */

/* Start the worker with at most nofile descriptors (0: as many as we). */
void harness_spawn(struct harness *, unsigned int nofile);

/* Send it gates of its own. */
void harness_gates(struct harness *);

/* A valid POOL_HELLO; orphan_drain_ms: what to do when we go. */
struct msg_pool_hello harness_hello_msg(uint32_t orphan_drain_ms);

/* Say it. */
void harness_hello(struct harness *, uint32_t orphan_drain_ms);

/* harness_spawn(), harness_hello(), and wait for READY. */
void harness_start(struct harness *, unsigned int nofile);

/* A valid LISTEN; its entry in the scoreboard is the listener's id. */
struct msg_listen harness_listen_msg(uint64_t listener_id, uint32_t slot,
    enum protocol_id);

/* Send it with fd (taken) and wait for LISTENING. */
void harness_listen(struct harness *, const struct msg_listen *, int fd);

/* fd is borrowed, -1: none. */
void harness_send(struct harness *, enum ipc_kind, const void *payload, int fd);

/* The next message, which must be of this kind. */
struct ipc_message harness_expect(struct harness *, enum ipc_kind);

/* The same for CLOSED and DRAINED, of this listener. */
void harness_expect_of(struct harness *, enum ipc_kind, uint64_t listener_id);

/* The end of the channel, with no message before it. */
void harness_expect_end_of_channel(struct harness *);

void harness_pause(struct harness *, uint64_t listener_id, bool keep_queue);
void harness_hand_over(struct harness *);
void harness_close(struct harness *, uint64_t listener_id, uint32_t in_ms);
void harness_drain(struct harness *, uint32_t in_ms);

/*
 * SIGSTOP, and it has stopped; SIGCONT, also for one that has ended. Nothing
 * else ends a stopped worker, so a teardown continues it, too.
 */
void harness_stop(const struct harness *);
void harness_continue(const struct harness *);

/* Close our end of the channel. */
void harness_hang_up(struct harness *);

/* Wait for its end; returns the exit code, or -1 for a signal. */
int harness_exit_code(struct harness *);

uint64_t harness_count(const struct harness *, uint64_t listener_id,
    enum counter_id);

/* A value in KiB or of another line of /proc/PID/status. */
unsigned long harness_status(const struct harness *, const char *key);

/* How many descriptors it has open. */
int harness_descriptors(const struct harness *);

/* A non-blocking listening socket on 127.0.0.1, and its port. */
int harness_tcp_socket(uint16_t *port);

/* A blocking client whose calls time out; harness_try_connect(): or -1. */
int harness_connect(uint16_t port);
int harness_try_connect(uint16_t port);

/* Send text, and expect it back. */
void harness_expect_echo(int client, const char *text);

/* Expect the end of the stream, after exactly len more bytes. */
void harness_expect_end(int client, size_t len);

#endif /* MERCURY_TESTS_POOL_HARNESS_H */
