#include "common/role.h"
#include "control/control.h"

int
main(void)
{
	role_start(ROLE_CONTROL);
	return control_run();
}
