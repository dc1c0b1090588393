/* supervisor_text: the results of the methods supervisor.* as tables. */
#ifndef MERCURY_CTL_SUPERVISOR_TEXT_H
#define MERCURY_CTL_SUPERVISOR_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "ctl/look.h"

/* Each shows the result of the method of its name. */
void supervisor_text_history(FILE *, const json_t *, const struct look *);
void supervisor_text_failure_rate(FILE *, const json_t *, const struct look *);
void supervisor_text_stats(FILE *, const json_t *, const struct look *);

#endif /* MERCURY_CTL_SUPERVISOR_TEXT_H */
