/*
 * strays: the last net under "no orphans". Every run of mercuryd has an id,
 * which its children have in their environment; processes of this control
 * socket that should be gone are looked for, killed and told. There should be
 * none, ever: each one is an error in the log.
 */
#ifndef MERCURY_SUPERVISOR_STRAYS_H
#define MERCURY_SUPERVISOR_STRAYS_H

#include "common/err.h"
#include "common/spec.h"

struct event_base;

/*
 * From now on children belong to this run. When workers of an earlier one
 * must have drained, those that are left are killed. Returns 0, or -1 with
 * *err.
 */
int strays_begin(struct event_base *, const struct daemon_settings *,
    struct err *err);

/*
 * A worker that had started programs has ended: those die with it, but not
 * whom they have started; these are looked for soon.
 */
void strays_after_worker(void);

/*
 * All children but control and store are gone: look for those of our own run
 * that are not, and call done when that is over. At once if there is no run
 * yet.
 */
void strays_end(void (*done)(void));

void strays_free(void);

#endif /* MERCURY_SUPERVISOR_STRAYS_H */
