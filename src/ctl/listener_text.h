/*
 * listener_text: a listener object of daemon.status as text. What is missing
 * or of the wrong type in it is shown as "-" or 0. Pure.
 */
#ifndef MERCURY_CTL_LISTENER_TEXT_H
#define MERCURY_CTL_LISTENER_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for any path or address with its port. */
#define LISTENER_PLACE_SIZE 256

/* Where it listens: "[::]:9100" or "/run/pos.sock". */
void listener_place(const json_t *listener,
    char out[static LISTENER_PLACE_SIZE]);

/*
 * Its state and what is to be known with it: "paused (queue)", "listening
 * (drained)", "listening (not ready)", "listening (full)".
 */
#define LISTENER_STATE_SIZE 128
void listener_state(const json_t *listener,
    char out[static LISTENER_STATE_SIZE]);

/* The same with how it goes on: "retrying (attempt 2, next in 3s)". */
void listener_state_long(const json_t *listener,
    char out[static LISTENER_STATE_SIZE]);

/*
 * Why it is not well, such as "attempt 2, next in 3s: it is in use". Returns
 * false when there is nothing to say; *out is empty then.
 */
#define LISTENER_REASON_SIZE 512
bool listener_reason(const json_t *listener,
    char out[static LISTENER_REASON_SIZE]);

/* Its protocol, and where it is TLS the transport: "echo (tls)". */
#define LISTENER_PROTOCOL_SIZE 64
void listener_protocol(const json_t *listener,
    char out[static LISTENER_PROTOCOL_SIZE]);

/* Connections that were not served: rejected, denied, a bad handshake, ... */
uint64_t listener_errors(const json_t *listener);

/* Has it as many connections as it may have? */
bool listener_is_full(const json_t *listener);

/* Workers that run. */
size_t listener_running(const json_t *listener);

/* A member as text; "-" when it is no string. Borrowed. */
const char *listener_string(const json_t *object, const char *key);

/* A member as a number; 0 when it is none. */
uint64_t listener_number(const json_t *object, const char *key);

#endif /* MERCURY_CTL_LISTENER_TEXT_H */
