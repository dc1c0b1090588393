/*
 * pool_options: the options that belong to a pool, of which a listener is but
 * the one who says them. Pure, but for the number of CPUs.
 */
#ifndef MERCURY_CONFIG_POOL_OPTIONS_H
#define MERCURY_CONFIG_POOL_OPTIONS_H

#include "config/plan.h"
#include "option/option.h"

/* Listeners of one pool that say one of these must say the same. */
#define POOL_OPTION_COUNT 6
extern const enum listener_option pool_options[POOL_OPTION_COUNT];

/* The value, the same text for the same meaning; auto becomes a number. */
void pool_options_text(const struct listener_spec *, enum listener_option,
    char out[static OPTION_VALUE_SIZE]);

/*
 * Give what one listener says of its pool to the others of that pool: which
 * of them is started first then makes no difference. But for workers: who
 * does not say how many takes what there is (plan.h of the supervisor).
 */
void pool_options_share(struct plan *);

/*
 * May mercuryd, when it is who we are, run workers as the user that a listener
 * names? Returns 0, or -1 with *err.
 */
int pool_options_check_user(const struct listener_spec *, struct err *err);

#endif /* MERCURY_CONFIG_POOL_OPTIONS_H */
