/* Events as a hostile process may send them to the store. */
#include "common/event_wire.h"
#include "fuzz.h"

/* What was read can be written, and is then the same. */
static void
check_again(const struct health_event *e)
{
	uint8_t out[EVENT_WIRE_MAX];
	struct health_event again;
	const size_t size = event_encode(e, out, sizeof(out));

	FUZZ_CHECK(size > 0 && size % 8 == 0);
	FUZZ_CHECK(event_decode(out, size, &again) == size);
	FUZZ_CHECK(again.type == e->type && again.at_ms == e->at_ms);
	FUZZ_CHECK(again.fact_count == e->fact_count);
	FUZZ_CHECK((again.listener == NULL) == (e->listener == NULL));
	FUZZ_CHECK(event_type_name(e->type) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *datagram = fuzz_copy(data, len);
	uint32_t left = event_batch_count(datagram, len);
	size_t at = sizeof(struct event_batch), n;
	struct health_event e;

	for (; left > 0; left--) {
		FUZZ_CHECK(at <= len);
		n = event_decode(datagram + at, len - at, &e);
		if (n == 0)
			break;
		check_again(&e);
		at += n;
	}
	free(datagram);
	return 0;
}
