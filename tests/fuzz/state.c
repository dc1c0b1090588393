#include "fuzz/state.h"

#include "fuzz.h"

/*
 * What ASan keeps between variables may not be read by others, and what looks
 * like memcpy(3) becomes that.
 */
#if defined(__has_attribute) && __has_attribute(no_sanitize)
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))
#else
#define UNCHECKED __attribute__((no_sanitize_address))
#endif

struct range {
	uint64_t *begin;
	uint64_t *end;
	uint64_t *kept; /* NULL: not yet */
};

static UNCHECKED void
copy(volatile uint64_t *to, const volatile uint64_t *from, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		to[i] = from[i];
}

static void
restore(struct range *r)
{
	const size_t count = (size_t)(r->end - r->begin);

	FUZZ_CHECK(r->begin < r->end);
	if (r->kept != NULL) {
		copy(r->begin, r->kept, count);
		return;
	}
	r->kept = malloc(count * sizeof(*r->kept));
	FUZZ_CHECK(r->kept != NULL);
	copy(r->kept, r->begin, count);
}

void
state_restore(void)
{
	static struct range zero, data;

	zero.begin = state_begin_zero;
	zero.end = state_end_zero;
	data.begin = state_begin_data;
	data.end = state_end_data;
	restore(&zero);
	restore(&data);
}
