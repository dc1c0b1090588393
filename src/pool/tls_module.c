#include "pool/tls_module.h"

#include <sys/prctl.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "tls/tls.h"

/*
 * No mapping shall be in a core dump; see core(5). Done first: the file of a
 * process that can't be traced is root's.
 */
static int
dump_nothing(struct err *err)
{
	const int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	int result = -1;

	if (fd != -1)
		result = fd_write_all(fd, "0\n", 2);
	if (result == -1)
		(void)err_sys(err, "/proc/self/coredump_filter");
	if (fd != -1)
		(void)close(fd);
	return result;
}

const struct tls_api *
tls_module_load(int fd, bool apart, struct err *err)
{
	const struct tls_api *api;
	char path[64];
	void *module;

	/* An ordinary user's worker has to be found in /proc if we die. */
	if (!apart && dump_nothing(err) == -1)
		return NULL;
	if (apart && prctl(PR_SET_DUMPABLE, 0) == -1) {
		(void)err_sys(err, "a process that leaves no core dump");
		return NULL;
	}
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
