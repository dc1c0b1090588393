#include "ctl/rates.h"

#include <string.h>

#include "ctl/listener_text.h"

static json_int_t
pid_of(const json_t *answer)
{
	return json_integer_value(json_object_get(answer, "pid"));
}

void
rates_rebase(struct rates_base *base, json_t *answer, uint64_t at_ms)
{
	json_t *listeners = json_object_get(answer, "listeners"), *l;
	size_t i;

	rates_free(base);
	base->by_name = json_object();
	base->pid = pid_of(answer);
	base->at_ms = at_ms;
	if (listeners == NULL) /* it is the listener */
		(void)json_object_set(base->by_name,
		    listener_string(answer, "name"), answer);
	json_array_foreach (listeners, i, l)
		(void)json_object_set(base->by_name, listener_string(l, "name"),
		    l);
}

void
rates_free(struct rates_base *base)
{
	json_decref(base->by_name);
	memset(base, 0, sizeof(*base));
}

/* Returns false when the counter went back. */
static bool
rate_of(uint64_t before, uint64_t now, uint64_t ms, double *per_s)
{
	if (now < before)
		return false;
	*per_s = (double)(now - before) * 1000 / (double)ms;
	return true;
}

static bool
rate_of_key(const json_t *before, const json_t *now, const char *key,
    uint64_t ms, double *per_s)
{
	return rate_of(listener_number(before, key), listener_number(now, key),
	    ms, per_s);
}

struct rates
rates_of(const struct rates_base *base, const json_t *answer,
    const json_t *listener, uint64_t at_ms)
{
	const json_t *before =
	    json_object_get(base->by_name, listener_string(listener, "name"));
	const uint64_t ms = at_ms - base->at_ms;
	const struct rates none = { 0 };
	struct rates r = { .known = true };

	if (before == NULL || at_ms <= base->at_ms ||
	    base->pid != pid_of(answer) ||
	    !rate_of_key(before, listener, "accepted", ms, &r.accepted) ||
	    !rate_of_key(before, listener, "bytes_in", ms, &r.bytes_in) ||
	    !rate_of_key(before, listener, "bytes_out", ms, &r.bytes_out) ||
	    !rate_of(listener_errors(before), listener_errors(listener), ms,
		&r.errors))
		return none;
	return r;
}

void
rates_add(struct rates *sum, const struct rates *r)
{
	sum->known |= r->known;
	sum->accepted += r->accepted;
	sum->bytes_in += r->bytes_in;
	sum->bytes_out += r->bytes_out;
	sum->errors += r->errors;
}
