#include "common/role.h"
#include "exec/exec.h"
#include "module/module.h"
#include "pool/pool.h"
#include "pool/protocol.h"
#include "proxy/proxy.h"

int
main(void)
{
	static const struct protocol *const protocols[PROTOCOL_COUNT] = {
		[PROTOCOL_ECHO] = &protocol_echo,
		[PROTOCOL_DISCARD] = &protocol_discard,
		[PROTOCOL_PROXY] = &protocol_proxy,
		[PROTOCOL_EXEC] = &protocol_exec,
		[PROTOCOL_MODULE] = &protocol_module,
	};

	role_start(ROLE_POOL);
	return pool_run(protocols);
}
