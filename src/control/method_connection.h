/* method_connection: the steps of the methods connection.*, see method.h. */
#ifndef MERCURY_CONTROL_METHOD_CONNECTION_H
#define MERCURY_CONTROL_METHOD_CONNECTION_H

#include "control/method.h"

/* Each is the start or the answered step of the method of its name. */
enum method_step connection_list_start(struct call *, const json_t *params);
enum method_step connection_list_answered(struct call *,
    const struct method_answer *);

enum method_step connection_kick_start(struct call *, const json_t *params);
enum method_step connection_kick_answered(struct call *,
    const struct method_answer *);

#endif /* MERCURY_CONTROL_METHOD_CONNECTION_H */
