/*
 * check: asks an upstream whether it is there: a connect, and, if the plan
 * says so, some bytes and an answer that has others in it. It is plain also
 * when connections to upstreams are TLS.
 *
 * A check is owned by its upstream while it is under way.
 */
#ifndef MERCURY_PROXY_CHECK_H
#define MERCURY_PROXY_CHECK_H

struct upstream;

/*
 * Begin one, unless one is under way or its name is being looked up. What
 * comes of it goes to upstream_note_good() or _bad().
 */
void check_begin(struct upstream *);

/* Forget the one that is under way, if one is. */
void check_end(struct upstream *);

#endif /* MERCURY_PROXY_CHECK_H */
