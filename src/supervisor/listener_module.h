/*
 * listener_module: what workers say of the module of a listener, and that they
 * can't serve it so.
 */
#ifndef MERCURY_SUPERVISOR_LISTENER_MODULE_H
#define MERCURY_SUPERVISOR_LISTENER_MODULE_H

struct listener;
struct msg_module;
struct msg_refused;
struct worker;

/*
 * w can't serve l, or not so. A hot restart comes to nothing then; else l
 * fails, and may be gone.
 */
void listener_refused(struct listener *l, struct worker *w,
    const struct msg_refused *);

/* Which module l uses, and what that counts; bad names are left out. */
void listener_take_module(struct listener *l, const struct msg_module *);

#endif /* MERCURY_SUPERVISOR_LISTENER_MODULE_H */
