/*
 * record_listener: the changes of a listener, each with its facts (record.h).
 */
#ifndef MERCURY_SUPERVISOR_RECORD_LISTENER_H
#define MERCURY_SUPERVISOR_RECORD_LISTENER_H

#include <stdint.h>

#include "common/spec.h"

struct listener;

/* It was asked for; it may not be bound yet. */
void record_added(struct listener *);

/* All its slots are served. */
void record_listening(struct listener *);

/* Its place can't be had: it is tried again in so long, or never. */
void record_bind_retry(struct listener *, const char *why, uint32_t next_ms);
void record_bind_failed(struct listener *, const char *why);

void record_paused(struct listener *);

/* Options of set have changed in place. */
void record_updated(struct listener *, option_set set);

/* A new crew serves it. */
void record_restarted(struct listener *);

/* It is gone, and so are its connections. */
void record_removed(struct listener *, uint64_t finished, uint64_t cut);

#endif /* MERCURY_SUPERVISOR_RECORD_LISTENER_H */
