#include "option/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>

#include "option/value.h"

static bool
is_number(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* UINT32_MAX is no id: chown(2) takes it for "leave it". */
static int
parse_id(const char *text, uint32_t *id, struct err *err)
{
	uint64_t n;

	if (value_uint(text, 0, UINT32_MAX - 1, &n, err) == -1)
		return -1;
	*id = (uint32_t)n;
	return 0;
}

/* The error of a lookup of kind "user" or "group" that found nothing. */
static int
unknown(const char *kind, const char *text, struct err *err)
{
	const int saved = errno;
	char quoted[VALUE_QUOTE_SIZE];

	value_quote(text, quoted);
	switch (saved) {
	case EIO:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EINTR:
		errno = saved;
		return err_sys(err, "can't look up %s %s", kind, quoted);
	default:
		/* Some sources set ENOENT, ESRCH or EPERM: getpwnam(3). */
		return err_set(err, ERR_NOT_FOUND, "there is no %s %s", kind,
		    quoted);
	}
}

int
account_user(const char *text, uint32_t *uid, struct err *err)
{
	const struct passwd *pw;

	if (is_number(text))
		return parse_id(text, uid, err);
	errno = 0;
	pw = getpwnam(text);
	if (pw == NULL)
		return unknown("user", text, err);
	*uid = pw->pw_uid;
	return 0;
}

int
account_group(const char *text, uint32_t *gid, struct err *err)
{
	const struct group *gr;

	if (is_number(text))
		return parse_id(text, gid, err);
	errno = 0;
	gr = getgrnam(text);
	if (gr == NULL)
		return unknown("group", text, err);
	*gid = gr->gr_gid;
	return 0;
}

int
account_login(const char *text, uint32_t *uid, uint32_t *gid, struct err *err)
{
	const struct passwd *pw;
	uint32_t id;

	errno = 0;
	if (is_number(text)) {
		if (parse_id(text, &id, err) == -1)
			return -1;
		pw = getpwuid(id);
	} else {
		pw = getpwnam(text);
	}
	if (pw == NULL)
		return unknown("user", text, err);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}
