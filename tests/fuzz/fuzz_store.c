/*
 * A damaged database: a good one with some pages changed, which is opened, set
 * right, asked and cleaned up. Of the input come first what is asked, then the
 * changes: how many, and each as where, how many bytes and these; the last of
 * them is cut off.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "common/event.h"
#include "common/snapshot.h"
#include "fuzz.h"
#include "store/db.h"
#include "store/epoch_store.h"
#include "store/epochs.h"
#include "store/prune.h"
#include "store/query.h"
#include "store/schema.h"
#include "json/event_json.h"

#define GOOD_ROWS 40
#define CHANGES 6
#define RETENTION_MS 86400000
#define SLICES_MAX 200
#define PAGES_MAX 100
#define PAGE_BYTES (1 << 16)

static char dir[] = "/tmp/fuzz-store-XXXXXX";
static char path[sizeof(dir) + 8];
static uint8_t *good;
static size_t good_size;

static void
remove_files(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal",
		".lock" };
	char name[sizeof(path) + 16];
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
}

static void
remove_dir(void)
{
	remove_files();
	(void)rmdir(dir);
	free(good);
}

/* --- a good database, made once --- */

static void
put_rows(struct db *db)
{
	static const char sql[] =
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
	    "WHERE i < 40) INSERT INTO network_health_events(id, at_ms, type, "
	    "severity, listener, peer, reason, detail) SELECT i, 1000 * i, "
	    "'worker.crashed', 'error', 'pos', '10.0.0.' || i, 'it broke', "
	    "'{\"slot\":1}' FROM n";

	FUZZ_CHECK(db_exec(db, sql) == 0);
}

static void
read_good(void)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const off_t size = lseek(fd, 0, SEEK_END);

	FUZZ_CHECK(fd != -1 && size > 0);
	good_size = (size_t)size;
	good = malloc(good_size);
	FUZZ_CHECK(good != NULL &&
	    pread(fd, good, good_size, 0) == (ssize_t)good_size);
	(void)close(fd);
}

static void
make_good(void)
{
	struct db db = { 0 };

	if (good != NULL)
		return;
	FUZZ_CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof(path), "%s/db", dir);
	FUZZ_CHECK(atexit(remove_dir) == 0);
	FUZZ_CHECK(db_open(&db, path) == 0 && schema_open(&db) == 0);
	put_rows(&db);
	db_close(&db);
	read_good();
}

/* --- the same with damage --- */

static void
write_damaged(struct fuzz_input *in)
{
	uint8_t *bytes = fuzz_copy(good, good_size);
	size_t size = good_size;
	int fd;

	fuzz_patch(in, fuzz_byte(in) % (CHANGES + 1), bytes, good_size);
	if (fuzz_byte(in) % 4 == 3)
		size = fuzz_word(in) % good_size;
	remove_files();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd != -1 && write(fd, bytes, size) == (ssize_t)size);
	(void)close(fd);
	free(bytes);
}

/* --- what the store does with it --- */

/* A page, as control reads it. *m becomes where it goes on. */
static bool
check_page(int fd, struct msg_events_query *m)
{
	struct event_page page = { 0 };
	struct snapshot_reader r;
	bool more = false;
	struct err err;
	char *text;

	FUZZ_CHECK(snapshot_open(&r, fd, &err) == 0);
	if (event_json_page(&r, PAGE_BYTES, &page) == 0) {
		text = json_dumps(page.events, 0);
		FUZZ_CHECK(text != NULL);
		free(text);
		more = page.more;
		m->after_ms = page.last_ms;
		m->after_id = page.last_id;
		json_decref(page.events);
	}
	snapshot_close(&r);
	(void)close(fd);
	return more;
}

static void
take_query(struct fuzz_input *in, struct msg_events_query *m)
{
	const uint8_t how = fuzz_byte(in);

	m->order = how & 1 ? EVENTS_BY_ID : EVENTS_BY_TIME;
	m->rows = fuzz_byte(in) % 50 + 1;
	m->newest = how & 2 ? 5 : 0;
	if (how & 4)
		memcpy(m->filter.listener, "pos", sizeof("pos"));
	if (how & 8)
		m->filter.types = (uint64_t)1 << EVENT_WORKER_CRASHED;
	if (how & 16)
		m->filter.severities = 1u << EVENT_SEVERITY_ERROR;
	if (how & 32)
		m->filter.since_ms = 20000;
}

/* All pages; each goes on behind the one before. */
static void
ask(struct db *db, struct msg_events_query m)
{
	enum query_result result = QUERY_READY;
	unsigned int pages, slices;
	struct query *q;
	struct err err;
	bool more = true;

	for (pages = 0; more && pages < PAGES_MAX; pages++) {
		q = query_new(&m, &err);
		FUZZ_CHECK(q != NULL);
		for (slices = 0; slices < SLICES_MAX; slices++) {
			result = query_step(q, db);
			if (result != QUERY_MORE)
				break;
		}
		FUZZ_CHECK(result != QUERY_MORE);
		more = result == QUERY_READY &&
		    check_page(query_seal(q, &err), &m);
		query_free(&q);
		m.newest = 0;
	}
	FUZZ_CHECK(!more);
}

static void
clean_up(struct db *db, struct epochs *epochs)
{
	static struct prune p;
	const struct prune_order order = { .age_ms = 1000, .max_events = 7 };
	enum prune_result result = PRUNE_MORE;
	unsigned int slices;

	prune_start(&p, db, epochs, &order);
	for (slices = 0; result == PRUNE_MORE && slices < SLICES_MAX; slices++)
		result = prune_step(&p);
	FUZZ_CHECK(result != PRUNE_MORE);
}

static void
use(struct db *db, const struct msg_events_query *m)
{
	struct epochs *epochs = epochs_new();
	char text[64];

	FUZZ_CHECK(epochs != NULL);
	ask(db, *m);
	if (epoch_store_load(db, epochs, false, RETENTION_MS) == 0)
		clean_up(db, epochs);
	ask(db, *m);
	(void)schema_get_number(db, "last_id", 0);
	schema_get_text(db, "boot_id", text, sizeof(text));
	FUZZ_CHECK(strnlen(text, sizeof(text)) < sizeof(text));
	epochs_free(&epochs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	struct msg_events_query m = { 0 };
	struct db db = { 0 };

	make_good();
	take_query(&in, &m);
	write_damaged(&in);
	if (db_open(&db, path) == 0) {
		if (schema_open(&db) == 0)
			use(&db, &m);
		else
			FUZZ_CHECK(db.code != 0 && db.text[0] != '\0');
		db_abandon(&db);
	} else {
		FUZZ_CHECK(db.handle == NULL && db.code != 0);
	}
	return 0;
}
