/*
 * err: one error value, filled where the failure is seen, told once.
 *
 * Its code is also what the control socket calls the reason
 * (mercury-control(7)).
 */
#ifndef MERCURY_COMMON_ERR_H
#define MERCURY_COMMON_ERR_H

#include <stdint.h>

/* clang-format off */
#define ERR_CODES(X)							\
	X(NONE,		"none")						\
	X(EXISTS,	"exists")	/* the name is taken */		\
	X(NOT_FOUND,	"not_found")					\
	X(PORT_IN_USE,	"port_in_use")					\
	X(PERMISSION,	"permission")					\
	X(INVALID,	"invalid")	/* what was asked makes no sense */ \
	X(BUSY,		"busy")		/* something else must end first */ \
	X(TIMEOUT,	"timeout")					\
	X(UNAVAILABLE,	"unavailable")	/* a process or resource is missing */ \
	X(INTERNAL,	"internal")
/* clang-format on */

enum err_code {
#define X(NAME, REASON) ERR_##NAME,
	ERR_CODES(X)
#undef X
	    ERR_CODE_COUNT
};

#define ERR_TEXT_SIZE 384

struct err {
	enum err_code code;
	char text[ERR_TEXT_SIZE]; /* one line, no newline */
};

/* Fill *e. Always returns -1, so that a caller can write: return err_set(). */
int err_set(struct err *e, enum err_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Fill *e from errno: the text is "<fmt>: <strerror>", the code the one that
 * fits errno (EADDRINUSE: port_in_use; EACCES, EPERM: permission; ENOMEM,
 * EMFILE and their like: unavailable; else internal). Always returns -1.
 */
int err_sys(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The word of a code for users, such as "port_in_use"; never NULL. */
const char *err_reason(enum err_code);

#endif /* MERCURY_COMMON_ERR_H */
