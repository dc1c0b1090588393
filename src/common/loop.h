/*
 * loop: a process's event loop. One thread each, so libevent needs no locks;
 * what libevent has to say goes to our log.
 */
#ifndef MERCURY_COMMON_LOOP_H
#define MERCURY_COMMON_LOOP_H

#include "common/err.h"

struct event_base;

/* The caller frees it with event_base_free(). Returns NULL with *err. */
struct event_base *loop_new(struct err *err);

#endif /* MERCURY_COMMON_LOOP_H */
