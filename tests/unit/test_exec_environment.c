#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/environment.h"
#include "unit/exec_plans.h"

#define V4(a, b, c, d)                                                        \
	{                                                                     \
		[10] = 0xff, [11] = 0xff, [12] = (a), [13] = (b), [14] = (c), \
		[15] = (d)                                                    \
	}

static const struct environment_tls tls = { .version = "TLSv1.3",
	.cipher = "TLS_AES_128_GCM_SHA256",
	.server_name = "pos.example",
	.subject = "CN=terminal 7,O=Example",
	.name = "terminal 7",
	.serial = "0a1b" };

/* What stands in every environment here. */
#define OURS                                                                   \
	"MERCURY_LISTENER=pos\nMERCURY_CONNECTION=00000001-2\nMERCURY_WORKER=" \
	"77\n"
#define PATH \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"

static struct environment_facts
basic(void)
{
	return (struct environment_facts){ .listener = "pos",
		.connection = (UINT64_C(1) << 32) | 2,
		.worker = 77 };
}

static struct environment_facts
tcp4(void)
{
	struct environment_facts f = basic();

	f.has_ends = true;
	f.local = (struct environment_end){ V4(10, 0, 0, 1), 9100 };
	f.remote = (struct environment_end){ V4(192, 0, 2, 7), 40000 };
	return f;
}

static struct environment_facts
tcp6(void)
{
	struct environment_facts f = basic();

	f.has_ends = true;
	f.local = (struct environment_end){ { [15] = 1 }, 9100 };
	f.remote =
	    (struct environment_end){ { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 },
		    40000 };
	return f;
}

static struct environment_facts
unix_socket(void)
{
	struct environment_facts f = basic();

	f.is_unix = true;
	f.path = "/run/pos.sock";
	return f;
}

/* All of the environment, a line each, in a buffer that lives on. */
static const char *
text_of(const struct environment_facts *f, const struct exec_texts *own)
{
	static const struct exec_texts none;
	static char text[32768];
	char **all = environment_make(f, own == NULL ? &none : own), **v;
	size_t used = 0;

	cr_assert_not_null(all);
	text[0] = '\0';
	for (v = all; *v != NULL; v++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s\n", *v);
	free(all);
	return text;
}

Test(environment, of_tcp_over_ipv4)
{
	const struct environment_facts f = tcp4();

	cr_expect_str_eq(text_of(&f, NULL),
	    PATH "PROTO=TCP\nTCPLOCALIP=10.0.0.1\nTCPLOCALPORT=9100\n"
		 "TCPREMOTEIP=192.0.2.7\nTCPREMOTEPORT=40000\n" OURS);
}

Test(environment, of_tcp_over_ipv6)
{
	const struct environment_facts f = tcp6();

	cr_expect_str_eq(text_of(&f, NULL),
	    PATH "PROTO=TCP\nTCPLOCALIP=::1\nTCPLOCALPORT=9100\n"
		 "TCPREMOTEIP=2001:db8::9\nTCPREMOTEPORT=40000\n" OURS);
}

Test(environment, of_a_connection_that_is_gone)
{
	const struct environment_facts f = basic();

	cr_expect_str_eq(text_of(&f, NULL), PATH "PROTO=TCP\n" OURS);
}

Test(environment, of_a_unix_socket)
{
	struct environment_facts f = unix_socket();

	cr_expect_str_eq(text_of(&f, NULL),
	    PATH "PROTO=UNIX\nUNIXLOCALPATH=/run/pos.sock\n" OURS);
	f.has_peer = true;
	f.uid = 1000;
	f.gid = 100;
	f.pid = 4711;
	cr_expect_str_eq(text_of(&f, NULL),
	    PATH "PROTO=UNIX\nUNIXLOCALPATH=/run/pos.sock\n"
		 "UNIXREMOTEEUID=1000\nUNIXREMOTEEGID=100\n"
		 "UNIXREMOTEPID=4711\n" OURS);
}

Test(environment, of_tls_is_that_of_tcp_and_more)
{
	struct environment_facts f = tcp4();

	f.tls = &tls;
	cr_expect_str_eq(text_of(&f, NULL),
	    PATH "PROTO=TCP\nTCPLOCALIP=10.0.0.1\nTCPLOCALPORT=9100\n"
		 "TCPREMOTEIP=192.0.2.7\nTCPREMOTEPORT=40000\n"
		 "SSL_PROTOCOL=TLSv1.3\nSSL_CIPHER=TLS_AES_128_GCM_SHA256\n"
		 "SSL_TLS_SNI=pos.example\n"
		 "SSL_TLS_SNI_SERVERNAME=pos.example\n"
		 "SSL_CLIENT_S_DN=CN=terminal 7,O=Example\n"
		 "SSL_CLIENT_S_DN_CN=terminal 7\nSSL_CLIENT_M_SERIAL=0a1b\n"
		 "SSL_SESSION_RESUMED=Initial\n" OURS);
}

Test(environment, tells_only_what_is_known_of_tls)
{
	const struct environment_tls little = { .version = "TLSv1.2",
		.cipher = "",
		.resumed = true };
	struct environment_facts f = basic();

	f.tls = &little;
	cr_expect_str_eq(text_of(&f, NULL),
	    PATH "PROTO=TCP\nSSL_PROTOCOL=TLSv1.2\n"
		 "SSL_SESSION_RESUMED=Resumed\n" OURS);
}

Test(environment, says_whose_it_is)
{
	struct environment_facts f = basic();

	f.run = "/run/mercury/control.sock:7:0000abcd";
	f.run_drain = "15000";
	cr_expect_str_eq(text_of(&f, NULL),
	    PATH "PROTO=TCP\n" OURS
		 "MERCURY_RUN=/run/mercury/control.sock:7:0000abcd\n"
		 "MERCURY_RUN_DRAIN_MS=15000\n");
}

Test(environment, own_variables_replace_ours)
{
	const struct environment_facts f = tcp4();
	struct exec_texts own = { 0 };

	exec_plans_add(&own, "PATH=/opt/bin");
	exec_plans_add(&own, "EMPTY=");
	exec_plans_add(&own, "TCPREMOTEIP=1.2.3.4");
	exec_plans_add(&own, "PROT=not PROTO");
	cr_expect_str_eq(text_of(&f, &own),
	    "PROTO=TCP\nTCPLOCALIP=10.0.0.1\nTCPLOCALPORT=9100\n"
	    "TCPREMOTEPORT=40000\n" OURS
	    "PATH=/opt/bin\nEMPTY=\nTCPREMOTEIP=1.2.3.4\nPROT=not PROTO\n");
}

/* Of a text that has no room nothing is told, and all else is. */
Test(environment, leaves_out_what_is_too_long)
{
	static char subject[5000];
	const struct environment_tls t = { .version = "TLSv1.3",
		.subject = subject,
		.name = "terminal 7" };
	struct environment_facts f = basic();

	memset(subject, 'x', sizeof(subject) - 1);
	f.tls = &t;
	cr_expect_str_eq(text_of(&f, NULL),
	    PATH "PROTO=TCP\nSSL_PROTOCOL=TLSv1.3\n"
		 "SSL_CLIENT_S_DN_CN=terminal 7\n"
		 "SSL_SESSION_RESUMED=Initial\n" OURS);
}

Test(environment, takes_as_many_own_variables_as_a_plan_has)
{
	const struct environment_facts f = basic();
	static struct exec_texts own;
	size_t lines = 0;
	const char *p;

	while (own.size + 3 <= sizeof(own.bytes))
		exec_plans_add(&own, "A=");
	for (p = text_of(&f, &own); (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	cr_expect_eq(lines, own.count + 5);
}
