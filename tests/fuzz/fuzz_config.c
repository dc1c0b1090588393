/*
 * A config file, and one that it may include as "901" (behind a byte 0x1e).
 * Both are looked at by config_scan, and read by libConfuse.
 */
#include <sys/mman.h>

#include <fcntl.h>
#include <unistd.h>

#include "config/config_dirs.h"
#include "config/config_file.h"
#include "config/config_scan.h"
#include "config/listener_files.h"
#include "config/plan.h"
#include "config/tls_plan.h"
#include "fuzz.h"

#define SEPARATOR 0x1e
#define FD_FIRST 900
#define PATH_FIRST "/proc/self/fd/900"

/*
 * libConfuse leaks where a file is wrong, which is nothing to us:
 * mercury-config ends after one file. ASan knows these functions by their
 * names.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfuse";
}

const char *
__lsan_default_options(void)
{
	return "print_suppressions=0";
}

/* In place of the real ones, which fork, or look at the disk. */
int
config_dirs_make(const struct daemon_settings *settings, struct err *err)
{
	(void)settings;
	(void)err;
	return 0;
}

int
config_dirs_check(const struct daemon_settings *settings, struct err *err)
{
	(void)settings;
	(void)err;
	return 0;
}

int
config_dirs_store(const struct daemon_settings *settings, bool make,
    struct err *err)
{
	(void)make;
	return config_dirs_check(settings, err);
}

int
listener_files_read(struct wanted *w, struct tls_warnings *warnings,
    struct err *err)
{
	(void)w;
	(void)err;
	warnings->count = 0;
	return 0;
}

int
tls_plan_read(struct wanted *w, struct tls_warnings *warnings, struct err *err)
{
	return listener_files_read(w, warnings, err);
}

/* Comments become blanks, and nothing else happens to the text. */
static void
check_blanked(const uint8_t *before, const char *after, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		FUZZ_CHECK(after[i] == (char)before[i] ||
		    (after[i] == ' ' && before[i] != '\n'));
}

static void
check_blocks(const struct config_scan *scan)
{
	size_t i;

	for (i = 1; i < scan->blocks; i++)
		FUZZ_CHECK(scan->block_lines[i - 1] <= scan->block_lines[i]);
}

/* Returns what config_scan() does. */
static int
scan_text(const uint8_t *data, size_t len)
{
	char *text = fuzz_copy(data, len);
	struct config_scan scan = { 0 };
	struct err err = { 0 };
	unsigned int line = 0;
	const int result = config_scan(text, len, &scan, &line, &err);

	FUZZ_CHECK((result == -1) == (err.code != ERR_NONE));
	if (result == 0) {
		check_blanked(data, text, len);
		check_blocks(&scan);
	}
	config_scan_clear(&scan);
	free(text);
	return result;
}

/* A file in memory under that number. */
static void
write_file(int fd, const uint8_t *data, size_t len)
{
	int made;

	if (fcntl(fd, F_GETFD) == -1) {
		made = memfd_create("config", MFD_CLOEXEC);
		FUZZ_CHECK(made != -1 && dup3(made, fd, O_CLOEXEC) == fd);
		(void)close(made);
	}
	FUZZ_CHECK(ftruncate(fd, 0) == 0);
	FUZZ_CHECK(pwrite(fd, data, len, 0) == (ssize_t)len);
}

static void
check_texts(const struct plan_texts *t)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		FUZZ_CHECK(
		    strnlen(t->texts[i].text, IPC_TEXT_SIZE) < IPC_TEXT_SIZE);
}

static void
check_plan(const struct plan *plan)
{
	struct err err;
	size_t i;

	check_texts(&plan->errors);
	check_texts(&plan->warnings);
	for (i = 0; i < plan->listener_count; i++)
		FUZZ_CHECK(spec_check_name("name", plan->listeners[i].spec.name,
			       &err) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *second = memchr(data, SEPARATOR, len);
	const size_t first_len = second == NULL ? len : (size_t)(second - data);
	struct plan plan = { 0 };
	const int scanned = scan_text(data, first_len);

	write_file(FD_FIRST, data, first_len);
	if (second == NULL)
		write_file(FD_FIRST + 1, data, 0);
	else
		write_file(FD_FIRST + 1, second + 1, len - first_len - 1);
	config_file_read(PATH_FIRST, true, &plan);
	FUZZ_CHECK(scanned == 0 || plan.errors.count > 0);
	check_plan(&plan);
	plan_clear(&plan);
	return 0;
}
