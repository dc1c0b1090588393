/*
 * page_maker: makes src/gateway/page.c of the dashboard. Runs when the
 * program is built: reads the page from stdin, writes C to stdout. The page
 * has one style and one script element, without attributes; their hashes go
 * into the policy that it is sent with.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX (1024 * 1024) /* bytes */
#define A_LINE 16              /* bytes of the page in a line of C */

/* Base64 of a SHA-256, with its NUL. */
#define HASH_SIZE 45

/* Everything that the page may load, or do, is listed here. */
#define POLICY                                                                \
	"default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; " \
	"connect-src 'self'; img-src data:; base-uri 'none'; "                \
	"form-action 'none'; frame-ancestors 'none'"

static void
fail(const char *why)
{
	(void)fprintf(stderr, "page_maker: %s\n", why);
	exit(EXIT_FAILURE);
}

/* Read stdin into page, of PAGE_MAX bytes; its length. A NUL is put behind. */
static size_t
read_page(char *page)
{
	size_t len = fread(page, 1, PAGE_MAX, stdin);

	if (ferror(stdin))
		fail("the page can't be read");
	if (len == PAGE_MAX)
		fail("the page is too long");
	if (len == 0 || memchr(page, '\0', len) != NULL)
		fail("this is no page");
	if (memchr(page, '\r', len) != NULL)
		fail("a browser would hash other line ends than these");
	page[len] = '\0';
	return len;
}

/* Hash what is between the only open and the only close. */
static void
hash_element(const char *page, const char *open, const char *close, char *hash)
{
	const char *begin = strstr(page, open);
	const char *end = strstr(page, close);
	unsigned char digest[32];
	unsigned int len = sizeof(digest);

	if (begin == NULL || end == NULL || end < begin)
		fail("style or script is missing");
	begin += strlen(open);
	if (strstr(begin, open) != NULL || strstr(end + 1, close) != NULL)
		fail("there may be one style and one script");
	if (EVP_Digest(begin, (size_t)(end - begin), digest, &len, EVP_sha256(),
		NULL) != 1)
		fail("no SHA-256");
	(void)EVP_EncodeBlock((unsigned char *)hash, digest, sizeof(digest));
}

static void
print_bytes(const char *page, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		(void)printf("%s%u,", i % A_LINE == 0 ? "\n\t" : " ",
		    (unsigned int)(unsigned char)page[i]);
}

static void
print_source(const char *page, size_t len)
{
	char style[HASH_SIZE], script[HASH_SIZE];

	hash_element(page, "<style>", "</style>", style);
	hash_element(page, "<script>", "</script>", script);
	(void)puts("/* Made by page_maker of src/gateway/dashboard.html. */\n"
		   "#include \"gateway/page.h\"\n");
	(void)printf("const char page_csp[] = \"" POLICY "\";\n\n", style,
	    script);
	(void)fputs("const unsigned char page_html[] = {", stdout);
	print_bytes(page, len);
	(void)puts("\n};\n\nconst size_t page_html_len = sizeof(page_html);");
}

int
main(void)
{
	char *page = malloc(PAGE_MAX + 1);

	if (page == NULL)
		fail("no memory");
	print_source(page, read_page(page));
	free(page);
	if (fflush(stdout) == EOF || ferror(stdout))
		fail("the source can't be written");
	return EXIT_SUCCESS;
}
