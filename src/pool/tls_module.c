#include "pool/tls_module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "common/role.h"
#include "tls/tls.h"

const struct tls_api *
tls_module_load(int fd, bool apart, struct err *err)
{
	const struct tls_api *api;
	char path[64];
	void *module;

	if (role_keep_secrets(apart, err) == -1)
		return NULL;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (module == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE,
		    "the TLS module can't be loaded: %s", dlerror());
		return NULL;
	}
	api = dlsym(module, TLS_SYMBOL);
	if (api != NULL && strcmp(api->build, TLS_BUILD) == 0 &&
	    api->size == sizeof(*api))
		return api;
	(void)err_set(err, ERR_INTERNAL, "the TLS module is of another build");
	return NULL;
}
