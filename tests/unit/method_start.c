#include "unit/method_start.h"

#include <criterion/criterion.h>
#include <string.h>

enum method_step
method_start(struct call *call, const char *state_dir, const char *name,
    const char *params)
{
	json_t *o = json_loads(params, 0, NULL);
	enum method_step step = METHOD_FAILED;

	cr_assert_not_null(o, "%s", params);
	memset(call, 0, sizeof(*call));
	call->method = method_find(name);
	cr_assert_not_null(call->method);
	call->request = 7;
	call->state_dir = state_dir;
	if (method_check_params(call->method, o, &call->error) == 0)
		step = call->method->start(call, o);
	json_decref(o);
	return step;
}
