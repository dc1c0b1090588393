#include "pool/tls_module.h"

#include "common/role.h"
#include "pool/loaded.h"
#include "tls/tls.h"

const struct tls_api *
tls_module_load(int fd, bool apart, struct err *err)
{
	static const struct loaded_wish wish = { .what = "TLS",
		.symbol = TLS_SYMBOL,
		.build = TLS_BUILD,
		.size = sizeof(struct tls_api) };

	if (role_keep_secrets(apart, err) == -1)
		return NULL;
	return loaded_table(fd, &wish, err);
}
