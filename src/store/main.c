/* mercury-store: health events in SQLite. Started by mercuryd(8). */
#include "common/role.h"
#include "store/store.h"

int
main(void)
{
	role_start(ROLE_STORE);
	return store_run();
}
