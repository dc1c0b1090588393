#include <sys/stat.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/tls_wants.h"
#include "scratch.h"
#include "unit/tls_certs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct identity root, server;
static struct tls_warnings warnings;
static struct err err;

/* The files that most tests need. */
static void
set_up(void)
{
	scratch_make();
	root = tls_certs_root("Root");
	server =
	    tls_certs_make(&(struct wish){ .name = "server", .issuer = &root });
	scratch_file("cert", server.cert_pem);
	scratch_file("key", server.key_pem);
	scratch_file("ca", root.cert_pem);
	cr_assert_eq(chmod(scratch_path("key"), 0600), 0);
}

TestSuite(tls_wants, .init = set_up, .fini = scratch_remove, .timeout = 60);

/* The wants with the folder for each "@/". */
static json_t *
parse(const char *text)
{
	char *full = strdup(""), *more;
	const char *at;
	json_t *wants;

	while ((at = strstr(text, "@/")) != NULL) {
		cr_assert_geq(asprintf(&more, "%s%.*s%s", full,
				  (int)(at - text), text, scratch_dir),
		    0);
		free(full);
		full = more;
		text = at + 1;
	}
	cr_assert_geq(asprintf(&more, "%s%s", full, text), 0);
	wants = json_loads(more, 0, NULL);
	cr_assert_not_null(wants, "%s", more);
	free(full);
	free(more);
	return wants;
}

static int
read_wants(const char *text, struct tls_writer *out)
{
	json_t *wants = parse(text);
	int result;

	memset(out, 0, sizeof(*out));
	err.text[0] = '\0';
	result = tls_wants_read(wants, out, &warnings, &err);
	json_decref(wants);
	return result;
}

/* It must be refused with an error that says "WHERE: FOLDER/FILE: WHAT". */
static void
expect_error(const char *text, const char *where, const char *file,
    const char *what)
{
	char start[256];
	struct tls_writer out;

	cr_expect_eq(read_wants(text, &out), -1, "%s", text);
	(void)snprintf(start, sizeof(start), "%s: %s%s%s: ", where, scratch_dir,
	    "/", file);
	cr_expect_eq(strncmp(err.text, start, strlen(start)), 0, "%s, not %s",
	    err.text, start);
	cr_expect_not_null(strstr(err.text, what), "%s: %s", what, err.text);
	cr_expect_null(strchr(err.text, '\n'));
	tls_material_free(out.bytes, out.size);
}

#define CERT_AND_KEY "\"cert\": \"@/cert\", \"key\": \"@/key\""

static void
expect_good(const char *text, struct tls_material *m, struct tls_writer *out)
{
	cr_assert_eq(read_wants(text, out), 0, "%s: %s", text, err.text);
	cr_assert_eq(tls_material_parse(out->bytes, out->size, m, &err), 0);
}

Test(tls_wants, defaults)
{
	struct tls_material m;
	struct tls_writer out;

	expect_good("{" CERT_AND_KEY "}", &m, &out);
	cr_expect_eq(warnings.count, 0, "%s", warnings.texts[0]);
	cr_expect_eq(m.role, TLS_ROLE_SERVER);
	cr_expect_eq(m.verify, TLS_VERIFY_NONE);
	cr_expect_eq(m.min_version, 0x0303);
	cr_expect(m.tickets);
	cr_expect_eq(m.identity.cert.len, strlen(server.cert_pem));
	cr_expect_eq(m.identity.key.len, strlen(server.key_pem));
	cr_expect_null(m.client_ca.data);
	tls_material_free(out.bytes, out.size);
}

Test(tls_wants, all_settings)
{
	struct tls_material m;
	struct tls_identity id;
	struct tls_writer out;
	char *crl = tls_certs_crl(&root, NULL, 30);

	scratch_file("crl", crl);
	scratch_file("both",
	    tls_certs_join(server.cert_pem, server.key_pem, NULL));
	cr_assert_eq(chmod(scratch_path("both"), 0600), 0);
	expect_good("{" CERT_AND_KEY ", \"client_ca\": \"@/ca\", \"crl\": "
		    "\"@/crl\", \"min_version\": \"1.3\", \"alpn\": [\"h2\", "
		    "\"mqtt\"], \"session_tickets\": false, \"ciphers\": "
		    "\"ECDHE+AESGCM\", \"ciphersuites\": "
		    "\"TLS_AES_128_GCM_SHA256\", \"verify\": \"optional\", "
		    "\"sni\": {\"*.b\": {\"cert\": \"@/both\"}}}",
	    &m, &out);
	cr_expect_eq(warnings.count, 0, "%s", warnings.texts[0]);
	cr_expect_eq(m.verify, TLS_VERIFY_OPTIONAL);
	cr_expect_eq(m.min_version, 0x0304);
	cr_expect(!m.tickets);
	cr_assert_eq(m.alpn.len, 8);
	cr_expect_eq(memcmp(m.alpn.data, "\2h2\4mqtt", 8), 0);
	cr_expect_eq(m.ciphers.len, 12);
	cr_expect_eq(m.client_ca.len, strlen(root.cert_pem));
	cr_expect_eq(m.crl.len, strlen(crl));
	cr_assert(tls_material_next(&m, &id));
	cr_expect_eq(memcmp(id.name.data, "*.b", 3), 0);
	cr_expect(!tls_material_next(&m, &id));
	tls_material_free(out.bytes, out.size);
}

Test(tls_wants, who_names_authorities_wants_certificates)
{
	struct tls_material m;
	struct tls_writer out;

	expect_good("{" CERT_AND_KEY ", \"client_ca\": \"@/ca\"}", &m, &out);
	cr_expect_eq(m.verify, TLS_VERIFY_REQUIRED);
	tls_material_free(out.bytes, out.size);
	expect_good("{\"role\": \"client\", \"client_ca\": \"@/ca\"}", &m,
	    &out);
	cr_expect_eq(m.role, TLS_ROLE_CLIENT);
	cr_expect_eq(m.verify, TLS_VERIFY_REQUIRED);
	tls_material_free(out.bytes, out.size);
}

ParameterizedTestParameters(tls_wants, keys_of_all_kinds)
{
	static int kinds[] = { KEY_EC, KEY_RSA, KEY_ED25519 };

	return cr_make_param_array(int, kinds, COUNT(kinds));
}

ParameterizedTest(int *kind, tls_wants, keys_of_all_kinds, .init = set_up,
    .fini = scratch_remove)
{
	const struct identity id = tls_certs_make(&(
	    struct wish){ .name = "x", .kind = (enum tls_certs_kind) * kind });
	struct tls_material m;
	struct tls_writer out;

	scratch_file("cert", id.cert_pem);
	scratch_file("key", id.key_pem);
	expect_good("{" CERT_AND_KEY "}", &m, &out);
	tls_material_free(out.bytes, out.size);
}

Test(tls_wants, files_that_are_none)
{
	static const char nothing[] = "";

	cr_assert_eq(mkfifo(scratch_path("fifo"), 0600), 0);
	cr_assert_eq(mkdir(scratch_path("folder"), 0700), 0);
	scratch_file("empty", nothing);
	scratch_file("text", "hello\n");
	expect_error("{\"cert\": \"@/missing\"}", "tls.cert", "missing",
	    "No such file");
	expect_error("{\"cert\": \"@/fifo\"}", "tls.cert", "fifo",
	    "must be a regular file");
	expect_error("{\"cert\": \"@/folder\"}", "tls.cert", "folder",
	    "is a directory");
	expect_error("{\"cert\": \"@/empty\"}", "tls.cert", "empty",
	    "is empty");
	expect_error("{\"cert\": \"@/text\"}", "tls.cert", "text",
	    "is not PEM");
	expect_error("{\"cert\": \"@/cert\", \"key\": \"@/text\"}", "tls.key",
	    "text", "is not PEM");
	expect_error("{" CERT_AND_KEY ", \"client_ca\": \"@/text\"}",
	    "tls.client_ca", "text", "is not PEM");
}

Test(tls_wants, a_file_that_is_too_large)
{
	cr_assert_eq(
	    truncate(scratch_path("cert"), (off_t)TLS_WANTS_FILE_MAX + 1), 0);
	expect_error("{" CERT_AND_KEY "}", "tls.cert", "cert", "is too large");
	cr_assert_eq(truncate(scratch_path("cert"), 100000), 0);
	expect_error("{" CERT_AND_KEY "}", "tls.cert", "cert", "it is no text");
}

Test(tls_wants, a_file_that_may_not_be_read)
{
	const uid_t self = geteuid();

	cr_assert_eq(chmod(scratch_path("cert"), 0), 0);
	if (self == 0)
		cr_assert_eq(seteuid(65534), 0);
	expect_error("{" CERT_AND_KEY "}", "tls.cert", "cert",
	    "Permission denied");
	cr_assert_eq(seteuid(self), 0);
}

Test(tls_wants, certificates_that_are_none)
{
	char *broken = strdup(server.cert_pem);

	scratch_file("two",
	    tls_certs_join(server.cert_pem,
		"-----BEGIN CERTIFICATE-----\nAAAA\n"
		"-----END CERTIFICATE-----\n",
		NULL));
	memcpy(strstr(broken, "\n") + 20, "????", 4);
	scratch_file("broken", broken);
	expect_error("{\"cert\": \"@/key\"}", "tls.cert", "key",
	    "has no certificate in PEM");
	expect_error("{\"cert\": \"@/broken\"}", "tls.cert", "broken",
	    "its certificate number 1 is malformed");
	expect_error("{\"cert\": \"@/two\", \"key\": \"@/key\"}", "tls.cert",
	    "two", "its certificate number 2 is malformed");
}

Test(tls_wants, keys_that_do_not_fit)
{
	const struct identity other =
	    tls_certs_make(&(struct wish){ .name = "other" });

	scratch_file("other", other.key_pem);
	scratch_file("both",
	    tls_certs_join(server.cert_pem, other.key_pem, NULL));
	scratch_file("secret", tls_certs_encrypted(&server));
	scratch_file("broken",
	    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	expect_error("{\"cert\": \"@/cert\", \"key\": \"@/other\"}", "tls.key",
	    "other", "is not that of the certificate in");
	expect_error("{\"cert\": \"@/both\"}", "tls.cert", "both",
	    "is not that of its first certificate");
	expect_error("{\"cert\": \"@/cert\"}", "tls.cert", "cert",
	    "has no private key in PEM");
	expect_error("{\"cert\": \"@/cert\", \"key\": \"@/ca\"}", "tls.key",
	    "ca", "has no private key in PEM");
	expect_error("{\"cert\": \"@/cert\", \"key\": \"@/secret\"}", "tls.key",
	    "secret", "is encrypted: must have no pass phrase");
	expect_error("{\"cert\": \"@/cert\", \"key\": \"@/broken\"}", "tls.key",
	    "broken", "is malformed");
}

Test(tls_wants, certificates_out_of_date)
{
	const struct identity old = tls_certs_make(&(
	    struct wish){ .name = "old", .from_days = -20, .until_days = -10 });
	const struct identity early =
	    tls_certs_make(&(struct wish){ .name = "early", .from_days = 10 });

	scratch_file("old", tls_certs_join(old.cert_pem, old.key_pem, NULL));
	scratch_file("early",
	    tls_certs_join(early.cert_pem, early.key_pem, NULL));
	expect_error("{\"cert\": \"@/old\"}", "tls.cert", "old",
	    "CN=old\" expired on 20");
	expect_error("{\"cert\": \"@/early\"}", "tls.cert", "early",
	    "CN=early\" is not valid before 20");
	expect_error("{" CERT_AND_KEY ", \"client_ca\": \"@/old\"}",
	    "tls.client_ca", "old", "expired on");
	expect_error("{" CERT_AND_KEY ", \"sni\": {\"a.b\": {\"cert\": "
		     "\"@/old\"}}}",
	    "tls.sni \"a.b\": cert", "old", "expired on");
}

Test(tls_wants, a_chain_must_be_in_order)
{
	struct tls_material m;
	struct tls_writer out;

	scratch_file("chain",
	    tls_certs_join(server.cert_pem, root.cert_pem, NULL));
	scratch_file("turned",
	    tls_certs_join(root.cert_pem, server.cert_pem, NULL));
	expect_good("{\"cert\": \"@/chain\", \"key\": \"@/key\"}", &m, &out);
	tls_material_free(out.bytes, out.size);
	expect_error("{\"cert\": \"@/turned\", \"key\": \"@/key\"}", "tls.cert",
	    "turned", "certificate 2 has not signed certificate 1");
}

Test(tls_wants, weak_keys_are_refused_unless_asked_for)
{
	const struct identity weak = tls_certs_make(
	    &(struct wish){ .name = "weak", .kind = KEY_RSA_1024 });
	struct tls_material m;
	struct tls_writer out;

	scratch_file("weak", tls_certs_join(weak.cert_pem, weak.key_pem, NULL));
	expect_error("{\"cert\": \"@/weak\"}", "tls.cert", "weak",
	    "is too weak: RSA with 1024 bits");
	expect_good("{\"cert\": \"@/weak\", \"ciphers\": "
		    "\"DEFAULT:@SECLEVEL=0\"}",
	    &m, &out);
	tls_material_free(out.bytes, out.size);
}

Test(tls_wants, revocation_lists)
{
	scratch_file("late", tls_certs_crl(&root, NULL, -1));
	expect_error("{" CERT_AND_KEY ", \"client_ca\": \"@/ca\", \"crl\": "
		     "\"@/late\"}",
	    "tls.crl", "late", "is out of date: the next one was due on 20");
	expect_error("{" CERT_AND_KEY ", \"client_ca\": \"@/ca\", \"crl\": "
		     "\"@/ca\"}",
	    "tls.crl", "ca", "has no revocation list in PEM");
	scratch_file("broken",
	    "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
	expect_error("{" CERT_AND_KEY ", \"client_ca\": \"@/ca\", \"crl\": "
		     "\"@/broken\"}",
	    "tls.crl", "broken", "its revocation list number 1 is malformed");
}

static void
expect_settings_error(const char *settings, const char *text)
{
	struct tls_writer out;
	char *wants;

	cr_assert_geq(asprintf(&wants, "{" CERT_AND_KEY ", %s}", settings), 0);
	cr_expect_eq(read_wants(wants, &out), -1, "%s", settings);
	cr_expect_str_eq(err.text, text);
	tls_material_free(out.bytes, out.size);
	free(wants);
}

Test(tls_wants, unknown_ciphers_are_named)
{
	expect_settings_error("\"ciphers\": \"ECDHE+AESGCM:NO-SUCH\"",
	    "tls.ciphers: OpenSSL has no \"NO-SUCH\" there");
	expect_settings_error(
	    "\"ciphersuites\": \"TLS_AES_128_GCM_SHA256:TLS_NONE\"",
	    "tls.ciphersuites: OpenSSL has no \"TLS_NONE\" there");
	expect_settings_error("\"ciphers\": \"TLS_AES_128_GCM_SHA256\"",
	    "tls.ciphers: OpenSSL has no \"TLS_AES_128_GCM_SHA256\" there");
}

Test(tls_wants, warnings_are_not_errors)
{
	const struct identity soon =
	    tls_certs_make(&(struct wish){ .name = "soon", .until_days = 10 });
	const struct identity other = tls_certs_root("Other");
	struct tls_material m;
	struct tls_writer out;

	scratch_file("cert", soon.cert_pem);
	scratch_file("key", soon.key_pem);
	scratch_file("crl", tls_certs_crl(&root, NULL, 30));
	scratch_file("ca", tls_certs_join(root.cert_pem, other.cert_pem, NULL));
	cr_assert_eq(chmod(scratch_path("key"), 0604), 0);
	expect_good("{" CERT_AND_KEY ", \"client_ca\": \"@/ca\", \"crl\": "
		    "\"@/crl\"}",
	    &m, &out);
	cr_assert_eq(warnings.count, 3);
	cr_expect_not_null(strstr(warnings.texts[0], "tls.crl: "));
	cr_expect_not_null(strstr(warnings.texts[0],
	    "CN=Other\" in client_ca: certificates signed by it are refused"));
	cr_expect_not_null(
	    strstr(warnings.texts[1], "CN=soon\" expires on 20"));
	cr_expect_not_null(
	    strstr(warnings.texts[2], "others may read this private key"));
	tls_material_free(out.bytes, out.size);
}
