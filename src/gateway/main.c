/* mercury-gateway: health checks, metrics, dashboard. Started by mercuryd(8).
 */
#include "common/role.h"
#include "gateway/gateway.h"

int
main(void)
{
	role_start(ROLE_GATEWAY);
	return gateway_run();
}
