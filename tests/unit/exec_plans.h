/* exec_plans: plans of protocol exec for tests. */
#ifndef MERCURY_TESTS_EXEC_PLANS_H
#define MERCURY_TESTS_EXEC_PLANS_H

#include "common/exec_plan.h"

/* Append a text. */
void exec_plans_add(struct exec_texts *, const char *text);

/* A plan that executes these words; NULL ends them. */
struct exec_plan *exec_plans_make(const char *program, ...);

#endif /* MERCURY_TESTS_EXEC_PLANS_H */
