"use strict";
/*
 * A browser for the system tests, which are in Python: reads a request a line
 * from stdin and writes an answer a line to stdout, all JSON. It starts one
 * Chromium, the system's own, and gives each page a context of its own.
 *
 *     {"open": {"width": 1440, "height": 900, ...}}    -> {"result": ID}
 *     {"page": ID, "call": "click", "args": ["#x"]}    a method of Playwright's
 *                                                      Page; dots lead on
 *     {"page": ID, "complaints": true}    what the page should not have done
 *     {"page": ID, "close": true}
 *
 * It ends, and the browser with it, when stdin ends.
 */
const path = require("node:path");
const readline = require("node:readline");

const { chromium } = require(path.join(process.argv[2], "playwright-core"));

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];
const pages = new Map();

/* Errors of the page, and what its policy had to forbid. */
function watch(page, complaints) {
	page.on("pageerror", (error) => complaints.push(String(error)));
	page.on("dialog", (dialog) => {
		complaints.push("a dialog: " + dialog.message());
		dialog.dismiss();
	});
	page.on("console", (message) => {
		if (/Content.Security.Policy/i.test(message.text()))
			complaints.push(message.text());
	});
	page.on("request", (request) => {
		const url = new URL(request.url());
		if (url.protocol !== "data:" && url.hostname !== "127.0.0.1")
			complaints.push("a request to " + url.hostname);
	});
}

async function open(browser, how) {
	const context = await browser.newContext({
		viewport: { width: how.width, height: how.height },
		colorScheme: how.scheme, reducedMotion: how.motion,
		deviceScaleFactor: how.scale, hasTouch: how.touch,
	});
	const page = await context.newPage();
	const complaints = [];

	page.setDefaultTimeout(how.timeout);
	watch(page, complaints);
	pages.set(pages.size + 1, { page, complaints });
	return pages.size;
}

async function call(page, name, args) {
	const way = name.split(".");
	const last = way.pop();
	let object = page;

	for (const word of way)
		object = object[word];
	const result = await object[last](...args);
	/* What is no plain value, such as an answer, is not for Python. */
	return ["evaluate", "title", "innerText"].includes(last) ? result : null;
}

async function handle(browser, request) {
	if (request.open)
		return open(browser, request.open);
	const { page, complaints } = pages.get(request.page);
	if (request.complaints)
		return complaints;
	if (request.close)
		return page.context().close();
	return call(page, request.call, request.args);
}

function answer(what) {
	process.stdout.write(JSON.stringify(what) + "\n");
}

async function main() {
	const browser = await chromium.launch({
		executablePath: process.argv[3], args: FLAGS, chromiumSandbox: false,
	});

	answer({ result: browser.version() });
	for await (const line of readline.createInterface({ input: process.stdin })) {
		try {
			const result = await handle(browser, JSON.parse(line));
			answer({ result: result === undefined ? null : result });
		} catch (error) {
			answer({ error: String(error.message || error) });
		}
	}
	await browser.close();
}

main().catch((error) => {
	answer({ error: String(error.message || error) });
	process.exit(1);
});
