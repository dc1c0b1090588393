/*
 * method_upstream: the steps of listener.upstreams and listener.upstream_set,
 * see method.h.
 */
#ifndef MERCURY_CONTROL_METHOD_UPSTREAM_H
#define MERCURY_CONTROL_METHOD_UPSTREAM_H

#include "control/method.h"

enum method_step listener_upstreams_start(struct call *, const json_t *params);
enum method_step listener_upstream_set_start(struct call *,
    const json_t *params);

/* Both have the same answer. */
enum method_step listener_upstreams_answered(struct call *,
    const struct method_answer *);

#endif /* MERCURY_CONTROL_METHOD_UPSTREAM_H */
