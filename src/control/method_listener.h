/* method_listener: the steps of the methods listener.*, see method.h. */
#ifndef MERCURY_CONTROL_METHOD_LISTENER_H
#define MERCURY_CONTROL_METHOD_LISTENER_H

#include "control/method.h"

/* Each is the start or the answered step of the method of its name. */
enum method_step listener_add_start(struct call *, const json_t *params);
enum method_step listener_add_answered(struct call *,
    const struct method_answer *);

enum method_step listener_remove_start(struct call *, const json_t *params);
enum method_step listener_remove_answered(struct call *,
    const struct method_answer *);

enum method_step listener_update_start(struct call *, const json_t *params);
enum method_step listener_update_answered(struct call *,
    const struct method_answer *);

enum method_step listener_pause_start(struct call *, const json_t *params);
enum method_step listener_pause_answered(struct call *,
    const struct method_answer *);

enum method_step listener_resume_start(struct call *, const json_t *params);
enum method_step listener_resume_answered(struct call *,
    const struct method_answer *);

enum method_step listener_restart_start(struct call *, const json_t *params);
enum method_step listener_restart_answered(struct call *,
    const struct method_answer *);

enum method_step listener_status_start(struct call *, const json_t *params);
enum method_step listener_status_answered(struct call *,
    const struct method_answer *);

enum method_step listener_list_start(struct call *, const json_t *params);
enum method_step listener_list_answered(struct call *,
    const struct method_answer *);

#endif /* MERCURY_CONTROL_METHOD_LISTENER_H */
