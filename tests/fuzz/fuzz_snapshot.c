/* A snapshot as a hostile store may send one to control: a page of events. */
#include <jansson.h>

#include "common/snapshot.h"
#include "fuzz.h"
#include "json/event_json.h"

#define PAGE_BYTES 4096

static void
walk(struct snapshot_reader *r)
{
	const char *texts[EVENT_TEXT_COUNT];
	enum snapshot_kind kind;
	int i;

	while (snapshot_next(r, &kind) != NULL) {
		FUZZ_CHECK(r->at <= r->size);
		if (kind != SNAPSHOT_EVENT ||
		    snapshot_event_texts(r, texts) == -1)
			continue;
		for (i = 0; i < EVENT_TEXT_COUNT; i++)
			FUZZ_CHECK(strlen(texts[i]) < r->row_size);
	}
	r->at = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned char *bytes = fuzz_copy(data, len);
	struct snapshot_reader r = { .bytes = bytes, .size = len };
	struct event_page page = { 0 };
	char *text;

	walk(&r);
	if (event_json_page(&r, PAGE_BYTES, &page) == 0) {
		text = json_dumps(page.events, 0);
		FUZZ_CHECK(text != NULL);
		free(text);
		json_decref(page.events);
	}
	free(bytes);
	return 0;
}
