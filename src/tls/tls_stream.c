#include "tls/tls_stream.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

/* Of an empty record, a device has no use; of a few, it may. */
#define EMPTY_MAX 32

/* All that a NewSessionTicket's fields can hold. */
#define TICKET_MAX (4 + 4 + 1 + 255 + 2 + 65535 + 2 + 65534)

#define ALERT_SIZE 2
#define MESSAGE_HEADER 4

enum { ALERT_WARNING = 1, ALERT_FATAL = 2 };
enum { ALERT_CLOSE_NOTIFY = 0, ALERT_USER_CANCELED = 90 };
enum { MESSAGE_NEW_SESSION_TICKET = 4, MESSAGE_KEY_UPDATE = 24 };
enum { UPDATE_NOT_REQUESTED = 0, UPDATE_REQUESTED = 1 };

int
tls_stream_start(struct tls_stream *s, const struct tls_secrets *secrets)
{
	memset(s, 0, sizeof(*s));
	s->records = TLS_STREAM_RECORDS;
	s->client = secrets->client;
	if (tls_direction_start(&s->in, secrets->suite, secrets->theirs, 0) ==
		0 &&
	    tls_direction_start(&s->out, secrets->suite, secrets->ours,
		secrets->sent) == 0)
		return 0;
	tls_stream_end(s);
	return -1;
}

void
tls_stream_end(struct tls_stream *s)
{
	tls_direction_end(&s->in);
	tls_direction_end(&s->out);
	OPENSSL_cleanse(s->message, sizeof(s->message));
}

/* --- reading --- */

static enum tls_fault
read_key_update(struct tls_stream *s, size_t rest)
{
	const uint8_t wish = s->message[MESSAGE_HEADER];

	/* Under a key that is no longer used nothing may follow. */
	if (rest > 0)
		return TLS_FAULT_BOUNDARY;
	if (wish != UPDATE_NOT_REQUESTED && wish != UPDATE_REQUESTED)
		return TLS_FAULT_UPDATE;
	if (wish == UPDATE_REQUESTED)
		s->answer = true;
	return tls_direction_update(&s->in) == 0 ? TLS_FAULT_NONE
						 : TLS_FAULT_INTERNAL;
}

/* The header of a message is there: may there be such a one? */
static enum tls_fault
look_at_message(struct tls_stream *s)
{
	const uint8_t *m = s->message;
	const uint32_t len =
	    (uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | (uint32_t)m[3];

	if (m[0] == MESSAGE_KEY_UPDATE)
		return len == 1 ? TLS_FAULT_NONE : TLS_FAULT_DECODE;
	if (m[0] != MESSAGE_NEW_SESSION_TICKET || !s->client)
		return TLS_FAULT_MESSAGE;
	if (len > TICKET_MAX)
		return TLS_FAULT_DECODE;
	s->skip = len;
	s->message_len = 0;
	return TLS_FAULT_NONE;
}

/* The next byte of a message; rest come behind it in the record. */
static enum tls_fault
read_message_byte(struct tls_stream *s, uint8_t byte, size_t rest)
{
	s->message[s->message_len++] = byte;
	if (s->message_len == MESSAGE_HEADER)
		return look_at_message(s);
	if (s->message_len < TLS_STREAM_MESSAGE)
		return TLS_FAULT_NONE;
	s->message_len = 0;
	return read_key_update(s, rest);
}

static enum tls_fault
read_handshake(struct tls_stream *s, const struct tls_plain *plain)
{
	enum tls_fault fault = TLS_FAULT_NONE;
	size_t at = 0, n;

	if (plain->len == 0)
		return TLS_FAULT_MESSAGE;
	while (fault == TLS_FAULT_NONE && at < plain->len) {
		if (s->skip > 0) {
			n = plain->len - at;
			if (n > s->skip)
				n = s->skip;
			s->skip -= (uint32_t)n;
			at += n;
			continue;
		}
		fault =
		    read_message_byte(s, plain->data[at], plain->len - at - 1);
		at++;
	}
	return fault;
}

/* Neither data nor the end: a few of these are fine. */
static enum tls_event
count_empty(struct tls_stream *s, struct tls_read *r)
{
	if (++s->empty <= EMPTY_MAX)
		return TLS_EVENT_NOTHING;
	r->fault = TLS_FAULT_EMPTY;
	return TLS_EVENT_FAULT;
}

static enum tls_event
read_alert(struct tls_stream *s, const struct tls_plain *plain,
    struct tls_read *r)
{
	if (plain->len != ALERT_SIZE) {
		r->fault = TLS_FAULT_DECODE;
		return TLS_EVENT_FAULT;
	}
	/* Its level means nothing in 1.3. */
	r->alert = plain->data[1];
	if (r->alert == ALERT_USER_CANCELED)
		return count_empty(s, r);
	tls_direction_end(&s->in);
	if (r->alert == ALERT_CLOSE_NOTIFY)
		return TLS_EVENT_CLOSED;
	tls_direction_end(&s->out);
	return TLS_EVENT_ALERT;
}

static enum tls_event
read_plain(struct tls_stream *s, const struct tls_plain *plain,
    struct tls_read *r)
{
	const bool in_message = s->message_len > 0 || s->skip > 0;

	if (plain->type == TLS_RECORD_HANDSHAKE) {
		r->fault = read_handshake(s, plain);
		return r->fault == TLS_FAULT_NONE ? TLS_EVENT_NOTHING
						  : TLS_EVENT_FAULT;
	}
	if (plain->type == TLS_RECORD_ALERT && !in_message)
		return read_alert(s, plain, r);
	if (plain->type != TLS_RECORD_DATA || in_message) {
		r->fault = in_message ? TLS_FAULT_MESSAGE : TLS_FAULT_RECORD;
		return TLS_EVENT_FAULT;
	}
	if (plain->len == 0)
		return count_empty(s, r);
	s->empty = 0;
	r->data = plain->data;
	r->len = plain->len;
	return TLS_EVENT_DATA;
}

enum tls_event
tls_stream_read(struct tls_stream *s, uint8_t *bytes, size_t len,
    struct tls_read *r)
{
	enum tls_event event = TLS_EVENT_FAULT;
	struct tls_plain plain;
	size_t size;

	memset(r, 0, sizeof(*r));
	if (len < TLS_AEAD_HEADER)
		return TLS_EVENT_MORE;
	r->fault = tls_record_header(bytes, &size);
	if (r->fault == TLS_FAULT_NONE && len < size)
		return TLS_EVENT_MORE;
	if (r->fault == TLS_FAULT_NONE)
		r->fault = tls_record_open(&s->in, bytes, size, &plain);
	if (r->fault == TLS_FAULT_NONE) {
		r->taken = size;
		event = read_plain(s, &plain, r);
	}
	if (event == TLS_EVENT_FAULT)
		tls_direction_end(&s->in);
	return event;
}

/* --- writing --- */

static size_t
update_keys(struct tls_stream *s, uint8_t *out)
{
	static const uint8_t message[] = { MESSAGE_KEY_UPDATE, 0, 0, 1,
		UPDATE_NOT_REQUESTED };
	const size_t n = tls_record_seal(&s->out, TLS_RECORD_HANDSHAKE, message,
	    sizeof(message), out);

	s->answer = false;
	if (n == 0 || tls_direction_update(&s->out) == -1)
		return 0;
	return n;
}

size_t
tls_stream_answer(struct tls_stream *s, uint8_t *out)
{
	return s->answer && !s->closed ? update_keys(s, out) : 0;
}

size_t
tls_stream_write(struct tls_stream *s, const uint8_t *data, size_t len,
    uint8_t *out)
{
	size_t before = 0, n;

	assert(len > 0);
	if (s->closed)
		return 0;
	if (s->answer || s->out.sequence >= s->records)
		before = update_keys(s, out);
	n = tls_record_seal(&s->out, TLS_RECORD_DATA, data, len, out + before);
	return n == 0 ? 0 : before + n;
}

static size_t
write_alert(struct tls_stream *s, uint8_t level, uint8_t code, uint8_t *out)
{
	const uint8_t alert[ALERT_SIZE] = { level, code };

	if (s->closed)
		return 0;
	s->closed = true;
	return tls_record_seal(&s->out, TLS_RECORD_ALERT, alert, sizeof(alert),
	    out);
}

size_t
tls_stream_close(struct tls_stream *s, uint8_t *out)
{
	return write_alert(s, ALERT_WARNING, ALERT_CLOSE_NOTIFY, out);
}

size_t
tls_stream_give_up(struct tls_stream *s, enum tls_fault fault, uint8_t *out)
{
	const size_t n =
	    write_alert(s, ALERT_FATAL, tls_fault_alert(fault), out);

	tls_direction_end(&s->in);
	tls_direction_end(&s->out);
	return n;
}
