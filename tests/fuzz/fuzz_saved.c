/*
 * Files of saved listeners, which mercury-config takes for hostile. What was
 * read is saved again, and must be read as the same.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "option/option.h"
#include "option/saved.h"

#define NAME "meters"
#define FILE_NAME SAVED_DIR "/" NAME ".json"
#define DRAFT 1

/* Not the working directory, which libFuzzer reads its corpus from. */
static char state_dir[] = "/tmp/fuzz-saved-XXXXXX";
static int state_fd = -1;

static void
remove_dir(void)
{
	struct err err;

	(void)saved_remove(state_dir, NAME, &err);
	saved_abandon(state_dir, NAME, DRAFT);
	(void)unlinkat(state_fd, SAVED_DIR, AT_REMOVEDIR);
	(void)rmdir(state_dir);
}

static void
make_dir(void)
{
	if (state_fd != -1)
		return;
	FUZZ_CHECK(mkdtemp(state_dir) != NULL);
	FUZZ_CHECK(atexit(remove_dir) == 0);
	state_fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(state_fd != -1 && mkdirat(state_fd, SAVED_DIR, 0700) == 0);
}

static void
write_file(const uint8_t *data, size_t len)
{
	const int fd = openat(state_fd, FILE_NAME,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd != -1 && write(fd, data, len) == (ssize_t)len);
	(void)close(fd);
}

/* What was read; set is false when it was of no use. */
struct taken {
	bool set;
	struct wanted wanted;
};

static void
on_file(void *ctx, const char *file, const struct wanted *wanted,
    const struct err *err)
{
	struct taken *t = ctx;

	FUZZ_CHECK(strstr(file, NAME ".json") != NULL);
	FUZZ_CHECK((wanted == NULL) == (err != NULL));
	if (wanted == NULL) {
		FUZZ_CHECK(err->code != ERR_NONE && err->text[0] != '\0');
		return;
	}
	FUZZ_CHECK(strcmp(wanted->spec.name, NAME) == 0);
	t->set = true;
	wanted_copy(&t->wanted, wanted);
}

static void
read_file(struct taken *t)
{
	struct err err = { 0 };

	FUZZ_CHECK(saved_read_all(state_dir, on_file, t, &err) == 0);
}

static void
check_same(const struct wanted *a, const struct wanted *b)
{
	unsigned int id;

	FUZZ_CHECK(a->set == b->set);
	for (id = 0; id < LISTENER_OPTION_COUNT; id++)
		FUZZ_CHECK(spec_option_equal((enum listener_option)id, &a->spec,
		    &b->spec));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct taken once = { 0 }, again = { 0 };
	struct err err = { 0 };

	make_dir();
	write_file(data, len);
	read_file(&once);
	if (once.set) {
		FUZZ_CHECK(
		    saved_prepare(state_dir, &once.wanted, DRAFT, &err) == 0);
		FUZZ_CHECK(saved_commit(state_dir, NAME, DRAFT, &err) == 0);
		read_file(&again);
		FUZZ_CHECK(again.set);
		check_same(&once.wanted, &again.wanted);
		wanted_clear(&again.wanted);
	}
	wanted_clear(&once.wanted);
	return 0;
}
