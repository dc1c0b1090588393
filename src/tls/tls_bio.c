#include "tls/tls_bio.h"

#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <openssl/bio.h>
#include <stdlib.h>
#include <string.h>

/* Two records of data, or a flight of the handshake. */
#define SEND_SIZE ((size_t)2 * TLS_BIO_RECORD_SIZE)

/* More than this is unsent only if the peer floods us and never reads. */
#define UNSENT_MAX ((size_t)256 * 1024)

struct tls_kept {
	size_t at;
	size_t end;
	size_t room;
	uint8_t bytes[];
};

/* The call that goes on, if f is not NULL. */
static struct {
	struct tls_flow *f;
	size_t in_at;
	size_t in_end;
	size_t out_end;
	uint8_t in[TLS_BIO_RECV_SIZE];
	uint8_t out[SEND_SIZE];
} call;

/* --- what is kept --- */

static size_t
kept_size(const struct tls_kept *k)
{
	return k == NULL ? 0 : k->end - k->at;
}

static void
drop_kept(struct tls_kept **k)
{
	free(*k);
	*k = NULL;
}

/* Take n bytes from the front. */
static void
shift_kept(struct tls_kept **k, size_t n)
{
	(*k)->at += n;
	if ((*k)->at == (*k)->end)
		drop_kept(k);
}

/* Append; 0, or -1 when out of memory. */
static int
append_kept(struct tls_kept **k, const uint8_t *data, size_t len)
{
	const size_t have = kept_size(*k);
	struct tls_kept *more;

	if (len == 0)
		return 0;
	if (*k == NULL || (*k)->room - (*k)->end < len) {
		more = malloc(sizeof(*more) + have + len);
		if (more == NULL)
			return -1;
		more->at = 0;
		more->end = have;
		more->room = have + len;
		if (have > 0)
			memcpy(more->bytes, (*k)->bytes + (*k)->at, have);
		free(*k);
		*k = more;
	}
	memcpy((*k)->bytes + (*k)->end, data, len);
	(*k)->end += len;
	return 0;
}

void
tls_bio_clear(struct tls_flow *f)
{
	drop_kept(&f->received);
	drop_kept(&f->unsent);
}

int
tls_bio_keep(struct tls_flow *f, const uint8_t *data, size_t len)
{
	return append_kept(&f->received, data, len);
}

size_t
tls_bio_received(const struct tls_flow *f)
{
	return kept_size(f->received);
}

size_t
tls_bio_unsent(const struct tls_flow *f)
{
	return kept_size(f->unsent);
}

/* --- what OpenSSL calls --- */

static int
bio_read(BIO *bio, char *data, size_t size, size_t *n)
{
	struct tls_kept *k = call.f->received;

	BIO_clear_retry_flags(bio);
	*n = k != NULL ? kept_size(k) : call.in_end - call.in_at;
	if (*n > size)
		*n = size;
	if (*n == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	if (k != NULL) {
		memcpy(data, k->bytes + k->at, *n);
		shift_kept(&call.f->received, *n);
	} else {
		memcpy(data, call.in + call.in_at, *n);
		call.in_at += *n;
	}
	return 1;
}

/* Takes all of it, so that OpenSSL never has to try again. */
static int
bio_write(BIO *bio, const char *data, size_t len, size_t *n)
{
	const uint8_t *bytes = (const uint8_t *)data;

	BIO_clear_retry_flags(bio);
	*n = 0;
	if (len > SEND_SIZE - call.out_end) {
		if (append_kept(&call.f->unsent, call.out, call.out_end) == -1)
			return 0;
		call.out_end = 0;
	}
	if (len > SEND_SIZE) {
		if (append_kept(&call.f->unsent, bytes, len) == -1)
			return 0;
	} else {
		memcpy(call.out + call.out_end, bytes, len);
		call.out_end += len;
	}
	*n = len;
	return 1;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO *
new_bio(void)
{
	BIO_METHOD *method =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mercury");
	BIO *bio = NULL;

	if (method != NULL && BIO_meth_set_read_ex(method, bio_read) &&
	    BIO_meth_set_write_ex(method, bio_write) &&
	    BIO_meth_set_ctrl(method, bio_ctrl))
		bio = BIO_new(method);
	if (bio == NULL) {
		BIO_meth_free(method);
		return NULL;
	}
	BIO_set_init(bio, 1);
	return bio;
}

BIO *
tls_bio_ref(void)
{
	static BIO *bio;

	/* Its own state is a flag that is looked at at once. */
	if (bio == NULL)
		bio = new_bio();
	if (bio == NULL || !BIO_up_ref(bio))
		return NULL;
	return bio;
}

/* --- a call --- */

void
tls_bio_begin(struct tls_flow *f)
{
	call.f = f;
	call.in_at = call.in_end = call.out_end = 0;
}

ssize_t
tls_bio_fill(int fd)
{
	ssize_t n;

	if (call.f->received != NULL)
		return (ssize_t)kept_size(call.f->received);
	n = recv(fd, call.in, sizeof(call.in), 0);
	if (n > 0)
		call.in_end = (size_t)n;
	return n;
}

ssize_t
tls_bio_gather(int fd)
{
	struct tls_flow *f = call.f;
	const size_t have = kept_size(f->received);
	ssize_t n = 0;

	assert(have <= sizeof(call.in));
	if (have == 0 || f->partial) {
		n = recv(fd, call.in + have, sizeof(call.in) - have, 0);
		if (n <= 0)
			return n;
	}
	if (have > 0)
		memcpy(call.in, f->received->bytes + f->received->at, have);
	drop_kept(&f->received);
	call.in_end = have + (size_t)n;
	return (ssize_t)call.in_end;
}

uint8_t *
tls_bio_input(size_t *len)
{
	*len = call.in_end - call.in_at;
	return call.in + call.in_at;
}

void
tls_bio_take(size_t n)
{
	call.in_at += n;
}

size_t
tls_bio_left(void)
{
	return kept_size(call.f->received) + call.in_end - call.in_at;
}

uint8_t
tls_bio_first(void)
{
	const struct tls_kept *k = call.f->received;

	return k != NULL ? k->bytes[k->at] : call.in[call.in_at];
}

bool
tls_bio_has_room(void)
{
	return SEND_SIZE - call.out_end >= TLS_BIO_RECORD_SIZE;
}

uint8_t *
tls_bio_output(void)
{
	assert(tls_bio_has_room());
	return call.out + call.out_end;
}

void
tls_bio_wrote(size_t n)
{
	call.out_end += n;
}

/* Send len bytes; how many were taken, or -1. */
static ssize_t
send_some(int fd, const uint8_t *data, size_t len)
{
	ssize_t n;

	do
		n = send(fd, data, len, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n;
}

static int
flush_unsent(int fd)
{
	ssize_t n;

	while (call.f->unsent != NULL) {
		n = send_some(fd, call.f->unsent->bytes + call.f->unsent->at,
		    kept_size(call.f->unsent));
		if (n == -1)
			return -1;
		shift_kept(&call.f->unsent, (size_t)n);
	}
	return 0;
}

static int
flush_out(int fd)
{
	size_t at = 0;
	ssize_t n = 0;

	while (at < call.out_end && n != -1) {
		n = send_some(fd, call.out + at, call.out_end - at);
		at += n > 0 ? (size_t)n : 0;
	}
	memmove(call.out, call.out + at, call.out_end - at);
	call.out_end -= at;
	return n == -1 ? -1 : 0;
}

int
tls_bio_flush(int fd)
{
	int error;

	if (flush_unsent(fd) == 0 && flush_out(fd) == 0)
		return 0;
	error = errno;
	if (append_kept(&call.f->unsent, call.out, call.out_end) == -1)
		error = ENOMEM;
	call.out_end = 0;
	if (error == EAGAIN && kept_size(call.f->unsent) > UNSENT_MAX)
		error = EOVERFLOW;
	errno = error;
	return -1;
}

int
tls_bio_end(enum tls_bio_rest rest)
{
	struct tls_flow *f = call.f;
	int result = 0;

	if (rest == TLS_BIO_DROP)
		drop_kept(&f->received);
	else
		result = append_kept(&f->received, call.in + call.in_at,
		    call.in_end - call.in_at);
	f->partial = rest == TLS_BIO_PARTIAL && f->received != NULL;
	call.f = NULL;
	return result;
}
