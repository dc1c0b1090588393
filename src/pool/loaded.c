#include "pool/loaded.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

const void *
loaded_table(int fd, const struct loaded_wish *wish, struct err *err)
{
	const struct loaded_head *head;
	char path[64];
	void *module;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (module == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE,
		    "the %s module can't be loaded: %s", wish->what, dlerror());
		return NULL;
	}
	head = dlsym(module, wish->symbol);
	if (head != NULL && strcmp(head->build, wish->build) == 0 &&
	    head->size == wish->size)
		return head;
	(void)err_set(err, ERR_INTERNAL, "the %s module is of another build",
	    wish->what);
	return NULL;
}
