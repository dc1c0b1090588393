## The browser of tests/system/test_dashboard.py; npm installs what it needs
## below the build folder.
EXTRA_DIST += \
	tests/browser/driver.js \
	tests/browser/package-lock.json \
	tests/browser/package.json \
	tests/browser/screenshot.py

distclean-local:
	rm -rf browser-modules
