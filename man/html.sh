#!/bin/sh
# Render manual pages as HTML, each NAME.SECTION.html, with an index of them.
#
#     html.sh MANDOC FOLDER STYLESHEET PAGE...
#
# Pages that are not of this manual are linked to Debian's.
set -eu
mandoc=$1
folder=$2
style=$3
shift 3

# Pages come by sections, and in a section by name.
sorted() {
	for page in "$@"; do
		echo "${page##*.} ${page##*/} $page"
	done | sort | cut -d ' ' -f 3
}

index() {
	cat <<'END'
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<link rel="stylesheet" href="mercury.css" type="text/css" media="all">
<title>The manual of Mercury</title>
</head>
<body>
<main class="index">
<h1>The manual of Mercury</h1>
<p>Mercury is a TCP device listener server for Linux: mercuryd holds the
listening sockets, mercuryctl adds and removes them while it runs.</p>
<dl>
END
	for page in $(sorted "$@"); do
		name=${page##*/}
		about=$(sed -n 's/^\.Nd //p' "$page")
		printf '<dt><a href="%s.html">%s(%s)</a></dt>\n<dd>%s</dd>\n' \
		    "$name" "${name%.*}" "${name##*.}" "$about"
	done
	printf '</dl>\n</main>\n</body>\n</html>\n'
}

rm -rf "$folder"
mkdir -p "$folder"
cp "$style" "$folder/mercury.css"
# Where NAME.SECTION is there, mandoc links to ours, and else to Debian's.
for page in "$@"; do
	: >"$folder/${page##*/}"
done
links='%N.%S.html;https://manpages.debian.org/bookworm/%N.%S.en.html'
for page in "$@"; do
	case $page in
	/*) ;;
	*) page=$PWD/$page ;;
	esac
	(cd "$folder" && "$mandoc" -T html -I os=Mercury \
	    -O "style=mercury.css,toc,man=$links" "$page") \
	    >"$folder/made.tmp"
	# A way back, on top of the page.
	sed -e 's|^<html>$|<html lang="en">|' \
	    -e 's|^<body>$|<body>\n<nav><a href="index.html">The manual</a></nav>|' \
	    "$folder/made.tmp" >"$folder/${page##*/}.html"
	rm "$folder/made.tmp"
done
for page in "$@"; do
	rm "$folder/${page##*/}"
done
index "$@" >"$folder/index.html"
