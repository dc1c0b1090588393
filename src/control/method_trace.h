/* method_trace: the steps of the method trace.start, see method.h. */
#ifndef MERCURY_CONTROL_METHOD_TRACE_H
#define MERCURY_CONTROL_METHOD_TRACE_H

#include "control/method.h"

enum method_step trace_start_start(struct call *, const json_t *params);
enum method_step trace_start_answered(struct call *,
    const struct method_answer *);

#endif /* MERCURY_CONTROL_METHOD_TRACE_H */
