/*
 * listener_text: a listener object of daemon.status as text. What is missing
 * or of the wrong type in it is shown as "-" or 0. Pure.
 */
#ifndef MERCURY_CTL_LISTENER_TEXT_H
#define MERCURY_CTL_LISTENER_TEXT_H

#include <jansson.h>
#include <stdint.h>

/* Enough for any path or address with its port. */
#define LISTENER_PLACE_SIZE 256

/* Where it listens: "[::]:9100" or "/run/pos.sock". */
void listener_place(const json_t *listener,
    char out[static LISTENER_PLACE_SIZE]);

/* Its state, and what goes with that: "retrying (attempt 2, next in 3s)". */
#define LISTENER_STATE_SIZE 128
void listener_state(const json_t *listener,
    char out[static LISTENER_STATE_SIZE]);

/* A member as text; "-" when it is no string. Borrowed. */
const char *listener_string(const json_t *object, const char *key);

/* A member as a number; 0 when it is none. */
uint64_t listener_number(const json_t *object, const char *key);

#endif /* MERCURY_CTL_LISTENER_TEXT_H */
