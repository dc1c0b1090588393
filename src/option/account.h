/* account: users and groups by name or number. Looks them up, so may block. */
#ifndef MERCURY_OPTION_ACCOUNT_H
#define MERCURY_OPTION_ACCOUNT_H

#include <stdint.h>

#include "common/err.h"

/*
 * The uid of a user; text is its name, or a number, which need not exist.
 * Returns 0, or -1 with *err: not_found when there is no such user.
 */
int account_user(const char *text, uint32_t *uid, struct err *err);

/* The same for a group. */
int account_group(const char *text, uint32_t *gid, struct err *err);

/* A user that exists, with its primary group. */
int account_login(const char *text, uint32_t *uid, uint32_t *gid,
    struct err *err);

#endif /* MERCURY_OPTION_ACCOUNT_H */
