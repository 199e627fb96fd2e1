#!/usr/bin/env bash
# Build the web site in a new folder: the committed report, with all that its pages link to.
set -euo pipefail
mkdir "$1"
cd "$(dirname "$0")/../report"
cp -r pages figures ./*.pdf ./*.json "$OLDPWD/$1"
echo '<meta http-equiv="refresh" content="0; url=pages/index.html">' > "$OLDPWD/$1/index.html"
