/* method_supervisor: the steps of the methods supervisor.*, see method.h. */
#ifndef MERCURY_CONTROL_METHOD_SUPERVISOR_H
#define MERCURY_CONTROL_METHOD_SUPERVISOR_H

#include "control/method.h"

/* Each is the start or the answered step of the method of its name. */
enum method_step supervisor_history_start(struct call *, const json_t *params);
enum method_step supervisor_history_answered(struct call *,
    const struct method_answer *);

enum method_step supervisor_failure_rate_start(struct call *,
    const json_t *params);
enum method_step supervisor_failure_rate_answered(struct call *,
    const struct method_answer *);

enum method_step supervisor_stats_start(struct call *, const json_t *params);
enum method_step supervisor_stats_answered(struct call *,
    const struct method_answer *);

#endif /* MERCURY_CONTROL_METHOD_SUPERVISOR_H */
