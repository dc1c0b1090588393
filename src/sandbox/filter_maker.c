/*
 * filter_maker: makes the filter of a role. Runs when the programs are built:
 *
 *     filter_maker NAME FOLDER [FIRST] > NAME_profile.c
 *
 * reads NAME.rules in FOLDER, the rules of FIRST.rules before its own, and
 * writes C with the BPF program that libseccomp makes of it for the machine
 * that we are built for. A role then needs no library. A line of a file is one
 * of
 *
 *     default allow         what is not named is allowed; else it is EPERM
 *     allow CALL...         whatever the arguments
 *     allow CALL N WHAT     when argument N (from 0) is WHAT, see below
 *     refuse ERRNO CALL...  EPERM or ENOSYS
 *     kill CALL...          the process ends by SIGSYS
 *     include NAME          the lines of NAME.rules in FOLDER
 *     processes 0           it can start no process or thread (RLIMIT_NPROC)
 *     files 0               it can write to no file (RLIMIT_FSIZE)
 *
 * The first line that names a call without WHAT decides. A call that a machine
 * does not have is left out there.
 */
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef MERCURY_SECCOMP
#include <seccomp.h>
#endif

#include "sandbox/sandbox.h"

#define LINE_MAX_BYTES 256
#define BETWEEN " \t\n"
#define CALLS_MAX 1024

/* What makes an open(2) more than a look; O_TMPFILE has O_DIRECTORY, too. */
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

static struct maker {
	const char *folder;
	const char *first; /* NULL: none */
	const char *file;  /* that is read, and where we are in it */
	unsigned int line;
	bool allows; /* what is not named */
	bool no_processes;
	bool no_files;
#ifdef MERCURY_SECCOMP
	scmp_filter_ctx filter;
	int decided[CALLS_MAX]; /* calls that a line without WHAT has named */
	size_t decided_count;
#endif
} maker;

static void read_rules(const char *name);

static _Noreturn void
fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "filter_maker: %s.rules:%u: %s: %s\n", maker.file,
	    maker.line, what, why);
	exit(EXIT_FAILURE);
}

#ifdef MERCURY_SECCOMP

/* clang-format off */
static const struct what {
	const char *name;
	uint64_t mask;
	uint64_t value;
} whats[] = {
	{ "0",		UINT64_MAX,	0 },
	{ "self",	UINT64_MAX,	SANDBOX_SELF },
	{ "reading",	WRITING,	0 },
#define X(NAME) { #NAME, UINT32_MAX, NAME },
	X(AF_INET) X(AF_INET6) X(AF_UNIX)
	X(SHUT_WR) X(SHUT_RDWR)
	X(FIONREAD) X(FIONBIO) X(TCGETS)
	X(SIOCOUTQ) X(SIOCOUTQNSD) X(SIOCGIFINDEX)
	X(F_DUPFD) X(F_DUPFD_CLOEXEC) X(F_GETFD) X(F_SETFD) X(F_GETFL)
	X(F_SETFL) X(F_GETLK) X(F_SETLK) X(F_SETLKW) X(F_ADD_SEALS)
	X(F_GET_SEALS) X(F_SETPIPE_SZ) X(F_GETPIPE_SZ)
	X(PR_SET_NAME) X(PR_SET_DUMPABLE)
#undef X
	{ "CLONE_NEWUSER", CLONE_NEWUSER, CLONE_NEWUSER },
};
/* clang-format on */

static const struct what *
find_what(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(whats) / sizeof(whats[0]); i++)
		if (strcmp(whats[i].name, name) == 0)
			return &whats[i];
	fail(name, "no such condition");
}

static bool
is_decided(int call)
{
	size_t i;

	for (i = 0; i < maker.decided_count; i++)
		if (maker.decided[i] == call)
			return true;
	return false;
}

static void
decide(int call)
{
	if (maker.decided_count == CALLS_MAX)
		fail("too many calls", "raise CALLS_MAX");
	maker.decided[maker.decided_count++] = call;
}

/* what is NULL: whatever the arguments. */
static void
add_rule(uint32_t action, const char *name, unsigned int argument,
    const char *what)
{
	const int call = seccomp_syscall_resolve_name(name);
	struct scmp_arg_cmp compare;
	const struct what *w;
	int result;

	if (call == __NR_SCMP_ERROR)
		fail(name, "libseccomp knows no such call");
	if (is_decided(call))
		return;
	if (what == NULL)
		decide(call);
	if (maker.allows && action == SCMP_ACT_ALLOW)
		return;
	if (what == NULL) {
		result = seccomp_rule_add(maker.filter, action, call, 0);
	} else {
		w = find_what(what);
#ifdef __s390__
		/* The flags come second. */
		if (strcmp(name, "clone") == 0)
			argument = 1;
#endif
		compare = (struct scmp_arg_cmp){ argument, SCMP_CMP_MASKED_EQ,
			w->mask, w->value };
		result = seccomp_rule_add_array(maker.filter, action, call, 1,
		    &compare);
	}
	/* A machine may have another way, which has no place for arguments. */
	if (result != 0 && (call >= 0 || what == NULL))
		fail(name, strerror(-result));
}

/* Of the other instruction sets that this machine runs. */
static void
add_machines(void)
{
	static const struct {
		uint32_t native, other;
	} pairs[] = {
		{ SCMP_ARCH_X86_64, SCMP_ARCH_X86 },
		{ SCMP_ARCH_X86_64, SCMP_ARCH_X32 },
		{ SCMP_ARCH_AARCH64, SCMP_ARCH_ARM },
		{ SCMP_ARCH_S390X, SCMP_ARCH_S390 },
	};
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i].native == seccomp_arch_native() &&
		    seccomp_arch_add(maker.filter, pairs[i].other) != 0)
			fail("other machines", "libseccomp does not add them");
}

/* With the first rule: what becomes of those not named is known then. */
static void
open_filter(void)
{
	if (maker.filter != NULL)
		return;
	maker.filter =
	    seccomp_init(maker.allows ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
	if (maker.filter == NULL ||
	    seccomp_attr_set(maker.filter, SCMP_FLTATR_ACT_BADARCH,
		maker.allows ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS) !=
		0 ||
	    seccomp_attr_set(maker.filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
		fail("a filter", "libseccomp can't make one");
	if (maker.allows)
		add_machines();
	if (maker.first != NULL)
		read_rules(maker.first);
}

static void
add_rules(const char *verb, char **rest)
{
	const char *name = strtok_r(NULL, BETWEEN, rest), *next, *what;
	uint32_t action = SCMP_ACT_ALLOW;

	open_filter();
	if (strcmp(verb, "kill") == 0)
		action = SCMP_ACT_KILL_PROCESS;
	if (strcmp(verb, "refuse") == 0) {
		action = name != NULL && strcmp(name, "ENOSYS") == 0
		    ? SCMP_ACT_ERRNO(ENOSYS)
		    : SCMP_ACT_ERRNO(EPERM);
		name = strtok_r(NULL, BETWEEN, rest);
	}
	for (; name != NULL; name = next) {
		next = strtok_r(NULL, BETWEEN, rest);
		what = NULL;
		if (next != NULL && *next >= '0' && *next <= '5')
			what = strtok_r(NULL, BETWEEN, rest);
		add_rule(action, name,
		    what == NULL ? 0 : (unsigned int)(*next - '0'), what);
		if (what != NULL)
			next = NULL;
	}
}

/* Returns the file that it is in; it is at its start. */
static FILE *
make_program(void)
{
	FILE *out = tmpfile();

	maker.line = 0;
	open_filter();
	if (out == NULL)
		fail("a temporary file", strerror(errno));
	if (seccomp_export_bpf(maker.filter, fileno(out)) != 0)
		fail("its program", "libseccomp can't make it");
	rewind(out);
	return out;
}

static void
write_program(void)
{
	FILE *program = make_program();
	struct sock_filter i;

	(void)printf("\n/* clang-format off */\n"
		     "static const struct sock_filter filter[] = {\n");
	while (fread(&i, sizeof(i), 1, program) == 1)
		(void)printf("\t{ 0x%02x, %3u, %3u, 0x%08x },\n", i.code, i.jt,
		    i.jf, i.k);
	(void)printf("};\n/* clang-format on */\n");
	(void)fclose(program);
	seccomp_release(maker.filter);
}

#else /* no libseccomp: the limits alone */

static void
add_rules(const char *verb, char **rest)
{
	(void)verb;
	*rest = NULL;
}

#endif

static void
read_line(char *line)
{
	char *rest = NULL;
	const char *verb = strtok_r(line, BETWEEN, &rest), *word;

	if (verb == NULL || *verb == '#')
		return;
	if (strcmp(verb, "allow") == 0 || strcmp(verb, "refuse") == 0 ||
	    strcmp(verb, "kill") == 0) {
		add_rules(verb, &rest);
		return;
	}
	word = strtok_r(NULL, BETWEEN, &rest);
	if (word == NULL)
		fail(verb, "a word is missing");
	if (strcmp(verb, "include") == 0)
		read_rules(word);
	else if (strcmp(verb, "default") == 0 && strcmp(word, "allow") == 0)
		maker.allows = true;
	else if (strcmp(verb, "processes") == 0 && strcmp(word, "0") == 0)
		maker.no_processes = true;
	else if (strcmp(verb, "files") == 0 && strcmp(word, "0") == 0)
		maker.no_files = true;
	else
		fail(verb, "no such line");
}

/* Of NAME.rules, line by line. */
static void
read_rules(const char *name)
{
	const char *file = maker.file;
	const unsigned int line = maker.line;
	char path[4096], text[LINE_MAX_BYTES];
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/%s.rules", maker.folder, name);
	in = fopen(path, "r");
	if (in == NULL)
		fail(path, strerror(errno));
	maker.file = name;
	for (maker.line = 1; fgets(text, sizeof(text), in) != NULL;
	     maker.line++)
		read_line(text);
	if (ferror(in))
		fail(path, strerror(errno));
	(void)fclose(in);
	maker.file = file;
	maker.line = line;
}

static void
write_profile(const char *name)
{
	(void)printf(
	    "/* Made of %s.rules. */\n#include \"sandbox/sandbox.h\"\n", name);
#ifdef MERCURY_SECCOMP
	write_program();
#endif
	(void)printf("\nconst struct sandbox_profile sandbox_%s = {\n"
		     "\t.name = \"%s\",\n",
	    name, name);
#ifdef MERCURY_SECCOMP
	(void)printf("\t.filter = filter,\n"
		     "\t.length = sizeof(filter) / sizeof(filter[0]),\n");
#endif
	(void)printf("\t.no_processes = %d,\n\t.no_files = %d,\n};\n",
	    maker.no_processes, maker.no_files);
}

int
main(int argc, char **argv)
{
	if (argc != 3 && argc != 4) {
		(void)fprintf(stderr,
		    "usage: filter_maker NAME FOLDER [FIRST]\n");
		return 2;
	}
	maker.folder = argv[2];
	maker.file = argv[1];
	maker.first = argv[3];
	read_rules(argv[1]);
	write_profile(argv[1]);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		(void)fprintf(stderr, "filter_maker: can't write\n");
		return EXIT_FAILURE;
	}
	return 0;
}
