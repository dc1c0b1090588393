/* supervisor_text: the results of the methods supervisor.* as tables. */
#ifndef MERCURY_CTL_SUPERVISOR_TEXT_H
#define MERCURY_CTL_SUPERVISOR_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Each shows the result of the method of its name. */
void supervisor_text_history(FILE *, const json_t *, bool colour);
void supervisor_text_failure_rate(FILE *, const json_t *, bool colour);
void supervisor_text_stats(FILE *, const json_t *, bool colour);

#endif /* MERCURY_CTL_SUPERVISOR_TEXT_H */
