/* plan_load: runs mercury-config and collects its plan, without waiting. */
#ifndef MERCURY_SUPERVISOR_PLAN_LOAD_H
#define MERCURY_SUPERVISOR_PLAN_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/plan.h"

/*
 * The end of a load, called from the loop. plan (borrowed) is complete and
 * checked, or NULL; errors (borrowed) then has the lines, separated by
 * newlines, and bad_config says whether the operator must edit a file. The
 * last thing that it does may be to start another load; errors is gone then.
 */
typedef void plan_loaded_fn(const struct plan *plan, const char *errors,
    bool bad_config);

/*
 * Read the config file at path (absolute). One load at a time: returns -1
 * with *err (busy) while another one runs.
 */
int plan_load(const char *path, bool check_only, plan_loaded_fn *done,
    struct err *err);

/* Is a load under way? */
bool plan_load_running(void);

/* End a load that nobody waits for any more; done is not called. */
void plan_load_cancel(void);

#endif /* MERCURY_SUPERVISOR_PLAN_LOAD_H */
