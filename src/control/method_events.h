/* method_events: the steps of the methods events.*, see method.h. */
#ifndef MERCURY_CONTROL_METHOD_EVENTS_H
#define MERCURY_CONTROL_METHOD_EVENTS_H

#include "control/method.h"

/* Each is the start or the answered step of the method of its name. */
enum method_step events_query_start(struct call *, const json_t *params);
enum method_step events_query_answered(struct call *,
    const struct method_answer *);

/* Its filter stays in call->ask.EVENTS_QUERY. */
enum method_step events_follow_start(struct call *, const json_t *params);
enum method_step events_follow_answered(struct call *,
    const struct method_answer *);

enum method_step events_cleanup_start(struct call *, const json_t *params);
enum method_step events_cleanup_answered(struct call *,
    const struct method_answer *);

#endif /* MERCURY_CONTROL_METHOD_EVENTS_H */
