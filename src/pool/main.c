#include "common/role.h"
#include "pool/pool.h"

int
main(void)
{
	role_start(ROLE_POOL);
	return pool_run();
}
