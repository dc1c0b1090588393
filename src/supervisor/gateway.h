/*
 * gateway: the supervisor's side of the process that answers health checks
 * and shows metrics and the dashboard.
 *
 * Its sockets are bound and kept here, so that who asks while it is started
 * anew waits in the queue. It has no state: when its settings change, another
 * one takes its place. Nobody waits for it, and nothing fails without it.
 */
#ifndef MERCURY_SUPERVISOR_GATEWAY_H
#define MERCURY_SUPERVISOR_GATEWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/gateway_settings.h"
#include "common/spec.h"
#include "supervisor/child.h"

struct event_base;
struct listener;

/* What it has begun to answer may finish; then it is killed. */
#define GATEWAY_STOP_MS 1000

/*
 * Bind the places that the settings name, and start it. bound(), maybe called
 * before this returns, hears that they are bound (err NULL; also where there
 * is no gateway), or can't be; one that is in use is tried for some seconds.
 */
void gateway_start(struct event_base *, const struct daemon_settings *,
    const struct gateway_wanted *, void (*bound)(const struct err *err));

/*
 * A reload, first step: bind the places that are new. Returns 0, or -1 with
 * *err and nothing changed. Then either take the settings, or leave all as it
 * is.
 */
int gateway_prepare(const struct gateway_wanted *, struct err *err);
void gateway_take(const struct gateway_wanted *);
void gateway_leave(void);

/* Is there one, or will there be? */
bool gateway_exists(void);

/* Its process, for the tree. */
const struct child *gateway_child(void);

/* A listener with a health_port has bound it; it is about to close it. */
void gateway_listener_bound(const struct listener *);
void gateway_listener_gone(const struct listener *);

/* Take this end (borrowed) of a channel to the store. */
void gateway_link_store(int fd);

/*
 * To be called a few times a second: close the check ports that it should
 * close and does not, and kill it when its loop has not turned for long. What
 * it said last counts as no older than trust_ms. Both on CLOCK_MONOTONIC.
 */
void gateway_look(uint64_t now_ms, uint64_t trust_ms);

/*
 * End it, which takes at most GATEWAY_STOP_MS and a moment. gone() is called
 * when it is down for good, maybe before this returns.
 */
void gateway_stop(void (*gone)(void));

void gateway_free(void);

#endif /* MERCURY_SUPERVISOR_GATEWAY_H */
