/*
 * A traced connection all the way: what a hostile worker sends to control, the
 * lines that control makes of it, and what mercuryctl makes of those, up to
 * the packets in a file. The first byte says what the input is: a datagram as
 * it is, records that are made here, or the lines themselves, which then come
 * from a hostile daemon.
 */
#include <jansson.h>

#include "common/trace_wire.h"
#include "common/utf8.h"
#include "control/trace_json.h"
#include "ctl/client.h"
#include "ctl/pcapng.h"
#include "ctl/trace_note.h"
#include "ctl/trace_pcap.h"
#include "fuzz.h"

enum form { FORM_RECORDS, FORM_DATAGRAM, FORM_LINES, FORM_COUNT };

#define BLOCK_HEAD 8u   /* type and length */
#define BLOCK_LEAST 12u /* and the length again */

static const struct msg_trace_link worker = { .trace = 1,
	.slot = 3,
	.generation = 2,
	.pid = 42 };

/* --- the file --- */

static uint32_t
number_at(const uint8_t *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return n;
}

/* Whole blocks, each with its length at both ends. */
static void
check_file(const struct pcapng *out)
{
	size_t at = 0, n;

	FUZZ_CHECK(!out->failed);
	while (at < out->len) {
		FUZZ_CHECK(out->len - at >= BLOCK_LEAST);
		n = number_at(out->bytes + at + BLOCK_HEAD / 2);
		FUZZ_CHECK(n >= BLOCK_LEAST && n % 4 == 0);
		FUZZ_CHECK(n <= out->len - at);
		FUZZ_CHECK(number_at(out->bytes + at + n - 4) == n);
		at += n;
	}
}

/* --- mercuryctl --- */

/* What is read of a line must be what was written into it. */
static void
check_note(const struct trace_note *n, const struct trace_record *r,
    const uint8_t *data)
{
	FUZZ_CHECK(n->at_us == r->at_us || r->at_us > INT64_MAX);
	if (n->kind == TRACE_NOTE_DATA) {
		FUZZ_CHECK(r->kind == TRACE_IN || r->kind == TRACE_OUT);
		FUZZ_CHECK(n->in == (r->kind == TRACE_IN));
		FUZZ_CHECK(n->len == r->len);
		FUZZ_CHECK(memcmp(n->data, data, r->len) == 0);
	}
	if (n->kind == TRACE_NOTE_OPENED || n->kind == TRACE_NOTE_CLOSED)
		FUZZ_CHECK(n->conn_id == r->conn_id);
}

/* Takes the lines, with their newlines. r NULL: who knows what they are. */
static void
read_lines(struct trace_pcap *pcap, char *lines, size_t len,
    const struct trace_record *r, const uint8_t *data)
{
	struct client c = { .fd = -1,
		.path = "",
		.bytes = lines,
		.len = len,
		.size = len };
	struct trace_note_data kept = { 0 };
	struct client_note note;
	struct trace_note n;
	struct failure f;
	int result;

	while ((result = client_any_notification(&c, &note, &f)) == 1) {
		FUZZ_CHECK(memchr(note.line, '\n', note.len) == NULL);
		result = trace_note_read(&note, &kept, &n);
		FUZZ_CHECK(r == NULL || result == 0);
		if (result == 0 && r != NULL)
			check_note(&n, r, data);
		if (result == 0)
			FUZZ_CHECK(trace_pcap_add(pcap, &n) == 0);
		json_decref(note.object);
	}
	FUZZ_CHECK(r == NULL || result == 0);
	free(kept.bytes);
	free(lines);
}

/* --- control --- */

/* The line for a record. */
static char *
line_of(const struct trace_record *r, const uint8_t *data)
{
	if (r->kind == TRACE_JOINED)
		return trace_json_worker(&worker, r->at_us, "joined");
	if (r->kind == TRACE_LEFT)
		return trace_json_worker(&worker, r->at_us, "left");
	return trace_json_record(&worker, r, data);
}

static void
check_line(const char *line)
{
	const size_t len = strlen(line);
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	FUZZ_CHECK(len > 0 && strchr(line, '\n') == line + len - 1);
	FUZZ_CHECK(json_is_object(json_object_get(object, "params")));
	json_decref(object);
}

/* What was read can be written, and is the same. */
static void
check_again(const struct trace_record *r, const uint8_t *data, size_t size)
{
	struct trace_record again;
	const uint8_t *again_data;
	uint8_t *out;

	FUZZ_CHECK(size == trace_record_size(r->len));
	out = malloc(size);
	FUZZ_CHECK(out != NULL);
	trace_encode(r, data, out);
	FUZZ_CHECK(trace_decode(out, size, &again, &again_data) == size);
	FUZZ_CHECK(again.kind == r->kind && again.len == r->len);
	FUZZ_CHECK(memcmp(again_data, data, r->len) == 0);
	free(out);
}

static void
read_datagram(struct trace_pcap *pcap, const uint8_t *datagram, size_t len)
{
	struct trace_record r;
	const uint8_t *data, *at;
	size_t left, n;
	char *line;

	at = trace_batch_open(datagram, len, &left);
	while (at != NULL && left > 0 &&
	    (n = trace_decode(at, left, &r, &data)) > 0) {
		FUZZ_CHECK(n <= left);
		FUZZ_CHECK(data >= at && data + r.len <= at + n);
		check_again(&r, data, n);
		line = line_of(&r, data);
		FUZZ_CHECK(line != NULL);
		check_line(line);
		read_lines(pcap, line, strlen(line), &r, data);
		at += n;
		left -= n;
	}
}

/* --- a worker that means well --- */

static void
take_address(struct fuzz_input *in, struct trace_address *a)
{
	size_t i;

	if (fuzz_byte(in) % 4 == 0)
		return; /* none */
	memset(a->bytes + 10, 0xff, 2);
	for (i = fuzz_byte(in) % 2 == 0 ? 12 : 0; i < sizeof(a->bytes); i++)
		a->bytes[i] = fuzz_byte(in);
	a->port = fuzz_word(in);
}

/* A small number, or one that is as large as can be. */
static uint64_t
take_number(struct fuzz_input *in)
{
	const uint64_t number = fuzz_word(in);

	return number << fuzz_byte(in) % 48;
}

static size_t
put_record(struct fuzz_input *in, uint8_t *out)
{
	struct trace_record r = { 0 };
	size_t len = 0;
	const uint8_t *data;

	r.kind = fuzz_byte(in) % TRACE_KIND_COUNT;
	r.end = fuzz_byte(in) % 16;
	r.conn_id = (uint64_t)fuzz_byte(in) % 4 << 56;
	r.at_us = take_number(in);
	take_address(in, &r.peer);
	take_address(in, &r.local);
	r.bytes_in = take_number(in);
	r.bytes_out = fuzz_word(in);
	r.records = fuzz_byte(in);
	if (r.kind == TRACE_IN || r.kind == TRACE_OUT)
		len = fuzz_byte(in);
	data = fuzz_bytes(in, &len);
	if (len == 0 && (r.kind == TRACE_IN || r.kind == TRACE_OUT))
		r.kind = TRACE_OPENED;
	r.len = (uint32_t)len;
	trace_encode(&r, data, out);
	return trace_record_size(len);
}

static void
read_records(struct trace_pcap *pcap, struct fuzz_input *in)
{
	const struct trace_batch head = { .version = TRACE_WIRE_VERSION };
	uint8_t *datagram = malloc(TRACE_BATCH_SIZE), *exact;
	size_t size = sizeof(head);

	FUZZ_CHECK(datagram != NULL);
	memcpy(datagram, &head, sizeof(head));
	while (in->left > 0 &&
	    size + trace_record_size(UINT8_MAX) <= TRACE_BATCH_SIZE)
		size += put_record(in, datagram + size);
	exact = fuzz_copy(datagram, size);
	free(datagram);
	read_datagram(pcap, exact, size);
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	const uint8_t form = fuzz_byte(&in) % FORM_COUNT;
	struct pcapng out = { 0 };
	struct trace_pcap *pcap = trace_pcap_new(&out);
	uint8_t *copy;

	FUZZ_CHECK(pcap != NULL);
	pcapng_begin(&out, "fuzz", "meters");
	copy = fuzz_copy(in.at, in.left);
	if (form == FORM_LINES) {
		read_lines(pcap, (char *)copy, in.left, NULL, NULL);
	} else {
		if (form == FORM_DATAGRAM)
			read_datagram(pcap, copy, in.left);
		else
			read_records(pcap, &in);
		free(copy);
	}
	trace_pcap_end(pcap);
	check_file(&out);
	trace_pcap_free(&pcap);
	pcapng_free(&out);
	return 0;
}
