#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/ssl.h>
#include <string.h>

#include "tls/tls_record.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TestSuite(tls_record, .timeout = 60);

static uint8_t text[TLS_RECORD_PLAIN], record[TLS_RECORD_MAX];

/* Both ends of one way, with a secret for that suite. */
static void
start(struct tls_direction ends[static 2], enum tls_suite suite)
{
	uint8_t secret[TLS_SECRET_MAX];

	memset(secret, (int)suite, sizeof(secret));
	cr_assert_eq(tls_direction_start(&ends[0], suite, secret, 0), 0);
	cr_assert_eq(tls_direction_start(&ends[1], suite, secret, 0), 0);
}

static void
end(struct tls_direction ends[static 2])
{
	tls_direction_end(&ends[0]);
	tls_direction_end(&ends[1]);
}

/* Of hex digits, bytes; returns how many. */
static size_t
from_hex(const char *hex, uint8_t *out, size_t size)
{
	size_t n;

	cr_assert_eq(OPENSSL_hexstr2buf_ex(out, size, &n, hex, '\0'), 1);
	return n;
}

/* --- RFC 8448, section 3 --- */

struct vector {
	char secret[65];
	char key[33];
	char iv[25];
	char record[160];
	uint64_t sequence;
	enum tls_record_type type;
	char plain[101];
};

#define FIFTY                                                \
	"000102030405060708090a0b0c0d0e0f101112131415161718" \
	"191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031"
#define CLIENT                                                              \
	"9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5", \
	    "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"
#define SERVER                                                              \
	"a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643", \
	    "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"

ParameterizedTestParameters(tls_record, known_answers)
{
	static struct vector vectors[] = {
		{ CLIENT,
		    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914"
		    "aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a62"
		    "92a2977014bd1e3deae63aeebb21694915e4",
		    0, TLS_RECORD_DATA, FIFTY },
		{ CLIENT, "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3", 1,
		    TLS_RECORD_ALERT, "0100" },
		{ SERVER,
		    "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d0"
		    "5f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5"
		    "f0a21c0047c2abf332540dd032e167c2955d",
		    1, TLS_RECORD_DATA, FIFTY },
		{ SERVER, "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9", 2,
		    TLS_RECORD_ALERT, "0100" },
	};

	return cr_make_param_array(struct vector, vectors, COUNT(vectors));
}

ParameterizedTest(struct vector *v, tls_record, known_answers)
{
	uint8_t secret[32], want[80], plain[80], bytes[80];
	struct tls_direction in, out;
	struct tls_plain opened;
	size_t size, len;

	(void)from_hex(v->secret, secret, sizeof(secret));
	size = from_hex(v->record, want, sizeof(want));
	len = from_hex(v->plain, plain, sizeof(plain));
	cr_assert_eq(tls_direction_start(&in, TLS_SUITE_AES_128_GCM, secret,
			 v->sequence),
	    0);
	cr_assert_eq(tls_direction_start(&out, TLS_SUITE_AES_128_GCM, secret,
			 v->sequence),
	    0);
	(void)from_hex(v->key, bytes, sizeof(bytes));
	cr_expect_arr_eq(out.key.bytes, bytes, 16);
	(void)from_hex(v->iv, bytes, sizeof(bytes));
	cr_expect_arr_eq(out.iv, bytes, 12);
	cr_assert_eq(tls_record_seal(&out, v->type, plain, len, record), size);
	cr_expect_arr_eq(record, want, size);
	cr_assert_eq(tls_record_open(&in, record, size, &opened),
	    TLS_FAULT_NONE);
	cr_expect_eq(opened.type, v->type);
	cr_assert_eq(opened.len, len);
	cr_expect_arr_eq(opened.data, plain, len);
	tls_direction_end(&in);
	tls_direction_end(&out);
}

/* --- every suite --- */

ParameterizedTestParameters(tls_record, sizes)
{
	static enum tls_suite suites[] = { TLS_SUITE_AES_128_GCM,
		TLS_SUITE_AES_256_GCM, TLS_SUITE_CHACHA20_POLY1305 };

	return cr_make_param_array(enum tls_suite, suites, COUNT(suites));
}

ParameterizedTest(enum tls_suite *suite, tls_record, sizes)
{
	static const size_t sizes[] = { 0, 1, 2, 15, 16, 17, 31, 32, 255, 256,
		1000, 16383, 16384 };
	struct tls_direction d[2];
	struct tls_plain plain;
	size_t i, size, seen;

	start(d, *suite);
	for (i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	for (i = 0; i < COUNT(sizes); i++) {
		size = tls_record_seal(&d[0], TLS_RECORD_DATA, text, sizes[i],
		    record);
		cr_assert_eq(size, sizes[i] + TLS_RECORD_EXTRA);
		cr_assert_eq(tls_record_header(record, &seen), TLS_FAULT_NONE);
		cr_expect_eq(seen, size);
		if (i == 5)
			cr_assert_eq(tls_direction_update(&d[1]), 0);
		cr_assert_eq(tls_record_open(&d[1], record, size, &plain),
		    TLS_FAULT_NONE);
		cr_assert_eq(plain.len, sizes[i]);
		cr_expect_eq(memcmp(plain.data, text, plain.len), 0);
		if (i == 4)
			cr_assert_eq(tls_direction_update(&d[0]), 0);
	}
	end(d);
}

ParameterizedTestParameters(tls_record, every_bit_counts)
{
	static enum tls_suite suites[] = { TLS_SUITE_AES_128_GCM,
		TLS_SUITE_AES_256_GCM, TLS_SUITE_CHACHA20_POLY1305 };

	return cr_make_param_array(enum tls_suite, suites, COUNT(suites));
}

/* Also that a key shared with others is given back rightly. */
ParameterizedTest(enum tls_suite *suite, tls_record, every_bit_counts)
{
	uint8_t good[100], bad[100];
	struct tls_direction d[2];
	struct tls_plain plain;
	size_t size, bit, i;

	for (bit = 0; bit < 8 * (17 + TLS_RECORD_EXTRA); bit++) {
		start(d, *suite);
		size = tls_record_seal(&d[0], TLS_RECORD_DATA, text, 17, good);
		memcpy(bad, good, size);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_expect_eq(tls_record_open(&d[1], bad, size, &plain),
		    TLS_FAULT_MAC, "bit %zu", bit);
		cr_expect(d[1].dead);
		for (i = 0; i < size; i++)
			cr_expect_eq(bad[i], 0, "what was decrypted is left");
		/* Even what is good. */
		cr_expect_eq(tls_record_open(&d[1], good, size, &plain),
		    TLS_FAULT_INTERNAL);
		cr_expect_eq(tls_direction_update(&d[1]), -1);
		end(d);
	}
}

Test(tls_record, order_counts)
{
	uint8_t first[64], second[64], copy[64];
	struct tls_direction d[2];
	struct tls_plain plain;
	size_t size;
	int replay;

	for (replay = 0; replay < 2; replay++) {
		start(d, TLS_SUITE_AES_256_GCM);
		size = tls_record_seal(&d[0], TLS_RECORD_DATA, text, 9, first);
		(void)tls_record_seal(&d[0], TLS_RECORD_DATA, text, 9, second);
		cr_expect_neq(memcmp(first, second, size), 0);
		memcpy(copy, first, size);
		if (replay)
			cr_assert_eq(
			    tls_record_open(&d[1], first, size, &plain),
			    TLS_FAULT_NONE);
		cr_expect_eq(tls_record_open(&d[1], replay ? copy : second,
				 size, &plain),
		    TLS_FAULT_MAC);
		end(d);
	}
}

Test(tls_record, a_sequence_never_wraps)
{
	struct tls_direction d[2];
	struct tls_plain plain;
	size_t size;

	start(d, TLS_SUITE_AES_128_GCM);
	d[0].sequence = d[1].sequence = UINT64_MAX - 1;
	size = tls_record_seal(&d[0], TLS_RECORD_DATA, text, 1, record);
	cr_assert_eq(size, 1 + TLS_RECORD_EXTRA);
	cr_expect_eq(tls_record_open(&d[1], record, size, &plain),
	    TLS_FAULT_NONE);
	cr_expect_eq(tls_record_seal(&d[0], TLS_RECORD_DATA, text, 1, record),
	    0);
	cr_expect(d[0].dead);
	cr_expect_eq(tls_record_open(&d[1], record, size, &plain),
	    TLS_FAULT_INTERNAL);
	cr_expect(d[1].dead);
	end(d);
}

Test(tls_record, an_end_leaves_no_secret)
{
	static const struct tls_direction wiped = { .dead = true };
	struct tls_direction d[2];

	start(d, TLS_SUITE_CHACHA20_POLY1305);
	end(d);
	cr_expect_arr_eq(&d[0], &wiped, sizeof(wiped));
}

/* --- what is in a record --- */

struct padding_case {
	size_t len; /* of data and type */
	size_t zeros;
	enum tls_fault fault;
};

ParameterizedTestParameters(tls_record, padding)
{
	static struct padding_case cases[] = {
		{ 5, 0, TLS_FAULT_NONE },
		{ 5, 1, TLS_FAULT_NONE },
		{ 1, 16384, TLS_FAULT_NONE },
		{ 16385, 0, TLS_FAULT_NONE },
		{ 16385, 1, TLS_FAULT_PLAIN },
		{ 1, 16385, TLS_FAULT_PLAIN },
		{ 16385, 239, TLS_FAULT_PLAIN },
		{ 0, 0, TLS_FAULT_EMPTY },
		{ 0, 1, TLS_FAULT_EMPTY },
		{ 0, 16385, TLS_FAULT_EMPTY },
	};

	return cr_make_param_array(struct padding_case, cases, COUNT(cases));
}

ParameterizedTest(struct padding_case *k, tls_record, padding)
{
	const size_t body = k->len + k->zeros + TLS_AEAD_TAG;
	struct tls_direction d[2];
	struct tls_plain plain;

	start(d, TLS_SUITE_AES_128_GCM);
	memset(record, 0, sizeof(record));
	memcpy(record, "\x17\x03\x03", 3);
	record[3] = (uint8_t)(body >> 8);
	record[4] = (uint8_t)body;
	memset(record + TLS_AEAD_HEADER, TLS_RECORD_DATA, k->len);
	cr_assert_eq(
	    tls_aead_seal(&d[0].key, d[0].iv, record, TLS_AEAD_HEADER + body),
	    0);
	cr_assert_eq(
	    tls_record_open(&d[1], record, TLS_AEAD_HEADER + body, &plain),
	    k->fault);
	cr_expect_eq(d[1].dead, k->fault != TLS_FAULT_NONE);
	if (k->fault == TLS_FAULT_NONE) {
		cr_expect_eq(plain.type, TLS_RECORD_DATA);
		cr_expect_eq(plain.len, k->len - 1);
	}
	end(d);
}

struct header_case {
	uint8_t header[TLS_AEAD_HEADER];
	enum tls_fault fault;
};

ParameterizedTestParameters(tls_record, headers)
{
	static struct header_case cases[] = {
		{ { 23, 3, 3, 0, 17 }, TLS_FAULT_NONE },
		{ { 23, 3, 3, 0, 16 }, TLS_FAULT_NONE },
		{ { 23, 3, 3, 0x41, 0 }, TLS_FAULT_NONE },
		{ { 23, 3, 3, 0x41, 1 }, TLS_FAULT_LENGTH },
		{ { 23, 3, 3, 0xff, 0xff }, TLS_FAULT_LENGTH },
		{ { 23, 3, 3, 0, 15 }, TLS_FAULT_MAC },
		{ { 23, 3, 3, 0, 0 }, TLS_FAULT_MAC },
		{ { 23, 3, 1, 0, 17 }, TLS_FAULT_VERSION },
		{ { 23, 3, 4, 0, 17 }, TLS_FAULT_VERSION },
		{ { 23, 2, 3, 0, 17 }, TLS_FAULT_VERSION },
		{ { 20, 3, 3, 0, 1 }, TLS_FAULT_RECORD },
		{ { 21, 3, 3, 0, 2 }, TLS_FAULT_RECORD },
		{ { 22, 3, 3, 0, 17 }, TLS_FAULT_RECORD },
		{ { 24, 3, 3, 0, 17 }, TLS_FAULT_RECORD },
		{ { 0, 0, 0, 0, 0 }, TLS_FAULT_RECORD },
		{ { 'G', 'E', 'T', ' ', '/' }, TLS_FAULT_RECORD },
	};

	return cr_make_param_array(struct header_case, cases, COUNT(cases));
}

ParameterizedTest(struct header_case *k, tls_record, headers)
{
	size_t size;

	cr_expect_eq(tls_record_header(k->header, &size), k->fault);
	if (k->fault == TLS_FAULT_NONE)
		cr_expect_leq(size, TLS_RECORD_MAX);
}

/* --- suites and faults --- */

Test(tls_record, suites_have_the_numbers_of_openssl)
{
	static const char *const names[] = { NULL, "TLS_AES_128_GCM_SHA256",
		"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" };
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	const SSL_CIPHER *cipher;
	SSL *ssl = SSL_new(ctx);
	enum tls_suite suite;
	uint8_t id[2];

	for (id[0] = 0x13, id[1] = 1; id[1] <= 3; id[1]++) {
		suite = tls_suite_find((uint16_t)(id[0] << 8 | id[1]));
		cr_assert_neq(suite, TLS_SUITE_NONE);
		cipher = SSL_CIPHER_find(ssl, id);
		cr_expect_str_eq(SSL_CIPHER_get_name(cipher), names[suite]);
		cr_expect_eq((int)tls_suite_secret_size(suite),
		    EVP_MD_get_size(SSL_CIPHER_get_handshake_digest(cipher)));
	}
	cr_expect_eq(tls_suite_find(0x1304), TLS_SUITE_NONE);
	cr_expect_eq(tls_suite_find(0), TLS_SUITE_NONE);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

Test(tls_record, faults_have_alerts)
{
	enum tls_fault fault;

	for (fault = 1; fault < TLS_FAULT_COUNT; fault++) {
		cr_expect_neq(tls_fault_alert(fault), 0);
		cr_expect_neq(tls_fault_error(fault), 0);
	}
	cr_expect_eq(tls_fault_alert(TLS_FAULT_MAC), 20);
	cr_expect_eq(tls_fault_alert(TLS_FAULT_PLAIN), 22);
	cr_expect_eq(tls_fault_alert(TLS_FAULT_LENGTH), 22);
	cr_expect_eq(tls_fault_alert(TLS_FAULT_MESSAGE), 10);
}
