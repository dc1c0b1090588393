#include "supervisor/prepare.h"

#include <stdlib.h>

#include "supervisor/certificates.h"
#include "supervisor/supervisor.h"
#include "supervisor/trial.h"

struct preparation {
	struct wanted wanted;
	prepare_fn *done;
	void *ctx;
};

static void
free_preparation(struct preparation *p)
{
	wanted_clear(&p->wanted);
	free(p);
}

/* The trial_fn, and the end of it all. */
static void
finish(void *ctx, const struct err *err)
{
	struct preparation *p = ctx;

	p->done(p->ctx, &p->wanted, err);
	free_preparation(p);
}

static void
try_it(struct preparation *p)
{
	struct err err;

	if (!trial_is_due(&p->wanted))
		finish(p, NULL);
	else if (trial_start(&p->wanted, supervisor_settings(), finish, p,
		     &err) == -1)
		finish(p, &err);
}

/* w is p->wanted, with its material. */
static void
on_certificates(void *ctx, struct wanted *w, const struct err *err)
{
	struct preparation *p = ctx;

	wanted_clear(&p->wanted);
	wanted_copy(&p->wanted, w);
	if (err != NULL)
		finish(p, err);
	else
		try_it(p);
}

int
prepare(const struct wanted *wanted, prepare_fn *done, void *ctx,
    struct err *err)
{
	struct preparation *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return err_sys(err, "a listener");
	wanted_copy(&p->wanted, wanted);
	p->done = done;
	p->ctx = ctx;
	if (!certificates_wanted(wanted)) {
		try_it(p);
		return 0;
	}
	if (certificates_read(wanted, on_certificates, p, err) == 0)
		return 0;
	free_preparation(p);
	return -1;
}
