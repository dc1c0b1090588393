#include "common/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const reasons[ERR_CODE_COUNT] = {
#define X(NAME, REASON) [ERR_##NAME] = (REASON),
	ERR_CODES(X)
#undef X
};

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

static enum err_code
code_of_errno(int err)
{
	switch (err) {
	case EADDRINUSE:
		return ERR_PORT_IN_USE;
	case EACCES:
	case EPERM:
		return ERR_PERMISSION;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EAGAIN:
		return ERR_UNAVAILABLE;
	default:
		return ERR_INTERNAL;
	}
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	const int saved = errno;
	size_t used;
	va_list ap;

	e->code = code_of_errno(saved);
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s",
	    strerror(saved));
	return -1;
}

const char *
err_reason(enum err_code code)
{
	if ((unsigned int)code >= ERR_CODE_COUNT)
		return "internal";
	return reasons[code];
}
