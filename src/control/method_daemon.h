/* method_daemon: the steps of the methods daemon.*, see method.h. */
#ifndef MERCURY_CONTROL_METHOD_DAEMON_H
#define MERCURY_CONTROL_METHOD_DAEMON_H

#include "control/method.h"

/* Each is the start or the answered step of the method of its name. */
enum method_step daemon_status_start(struct call *, const json_t *params);
enum method_step daemon_status_answered(struct call *,
    const struct method_answer *);

enum method_step daemon_tree_start(struct call *, const json_t *params);
enum method_step daemon_tree_answered(struct call *,
    const struct method_answer *);

enum method_step daemon_reload_start(struct call *, const json_t *params);
enum method_step daemon_reload_answered(struct call *,
    const struct method_answer *);

/* The answered step is that of both. */
enum method_step daemon_drain_start(struct call *, const json_t *params);
enum method_step daemon_undrain_start(struct call *, const json_t *params);
enum method_step daemon_drain_answered(struct call *,
    const struct method_answer *);

enum method_step daemon_shutdown_start(struct call *, const json_t *params);
enum method_step daemon_shutdown_answered(struct call *,
    const struct method_answer *);

#endif /* MERCURY_CONTROL_METHOD_DAEMON_H */
