/*
 * api: /api/ and /metrics: what the supervisor or the store are asked for, and
 * their answer as text.
 *
 * An answer takes milliseconds and megabytes to make: who asks for the same
 * within half a second, or while it is awaited, gets the same.
 */
#ifndef MERCURY_GATEWAY_API_H
#define MERCURY_GATEWAY_API_H

#include "common/err.h"
#include "gateway/http_answer.h"
#include "gateway/route.h"

struct api;
struct event_base;
struct http_conn;
struct questions;

/* Different questions at a time; more are refused as busy. */
#define API_INQUIRIES_MAX 32u

/* All is borrowed for life. NULL with *err. */
struct api *api_new(struct event_base *, struct questions *, struct err *err);

/*
 * Answer a request, now or later: METRICS, STATUS, TREE, HISTORY or EVENTS.
 * To be called while the connection waits for an answer.
 */
void api_ask(struct api *, struct http_conn *, const struct route *);

/*
 * The text of an error, {"error": {"reason": ..., "message": ...}}: to be
 * dropped by the caller; NULL when out of memory. Its status code.
 */
struct http_text *api_error_text(enum err_code, const char *message);
unsigned int api_error_status(enum err_code);

/* Nobody may wait any more. Nulls *a; NULL is fine. */
void api_free(struct api **a);

#endif /* MERCURY_GATEWAY_API_H */
