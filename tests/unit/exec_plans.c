#include "unit/exec_plans.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

void
exec_plans_add(struct exec_texts *t, const char *text)
{
	cr_assert_eq(exec_texts_add(t, text), 0);
}

struct exec_plan *
exec_plans_make(const char *program, ...)
{
	static struct exec_plan plan;
	const char *word;
	va_list ap;

	memset(&plan, 0, sizeof(plan));
	plan.directory[0] = '/';
	plan.kill_after_ms = 5000;
	va_start(ap, program);
	for (word = program; word != NULL; word = va_arg(ap, const char *))
		exec_plans_add(&plan.command, word);
	va_end(ap);
	return &plan;
}
