/* access: who may ask for what, told from the headers. Pure. */
#ifndef MERCURY_GATEWAY_ACCESS_H
#define MERCURY_GATEWAY_ACCESS_H

#include <stdbool.h>

/*
 * Has the value of an Authorization header the token? How long that takes
 * tells nothing of it but its length. An empty token is none to be had.
 */
bool access_has_token(const char *authorization, const char *token);

/*
 * Is a Host header's value ("name:port") one of ours: a numeric address,
 * "localhost" or one of names, which have spaces between? A page of another
 * site whose name has been made to lead here can't say so.
 */
bool access_knows_host(const char *host, const char *names);

#endif /* MERCURY_GATEWAY_ACCESS_H */
