#!/bin/sh
# Make all of `files/` anew, find the places of the phrases again (`expected.json`) and check everything.
#
# It takes about two minutes and runs on Debian 12. What it needs:
#
# Debian packages (apt-get install --no-install-recommends):
#   libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui pandoc poppler-utils ghostscript groff qpdf
#   imagemagick webp libjpeg-turbo-progs libimage-exiftool-perl enscript gnumeric chromium mutt sqlite3 pango1.0-tools
#   texlive-latex-base texlive-latex-recommended lmodern nodejs npm python3-venv
#   fonts-dejavu-core fonts-liberation fonts-ipafont-gothic fonts-hosny-amiri fonts-sil-gentium-basic
#
# PyPI packages and npm packages: see below; they are put into a working folder, not into the system.
#
# The working folder is made under the system's folder for temporary files and removed at the end. To keep it, and to make a
# single kind later with `make.py make KIND`, set CORPUS_WORK to a folder.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${CORPUS_WORK:-}" ]; then
    CORPUS_WORK=$(mktemp -d)
    trap 'rm -rf "$CORPUS_WORK"' EXIT
fi
mkdir -p "$CORPUS_WORK"
export CORPUS_WORK
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 TZ=UTC

missing=
for program in soffice pandoc pdftotext gs groff qpdf convert-im6.q16 cwebp cjpeg exiftool enscript ssconvert chromium mutt \
    sqlite3 pango-view pdflatex node npm python3; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
if [ -n "$missing" ]; then
    echo "missing programs:$missing (see the list of packages at the top of this script)" >&2
    exit 1
fi

if [ ! -x "$CORPUS_WORK/venv/bin/python" ]; then
    python3 -m venv "$CORPUS_WORK/venv"
    "$CORPUS_WORK/venv/bin/pip" --quiet install \
        ebooklib==0.20 fpdf2==2.8.9 img2pdf==0.6.3 lxml==6.1.3 odfpy==1.4.1 openpyxl==3.1.5 pandas==3.1.1 pillow==13.0.0 \
        pyexcel-ods3==0.6.1 python-docx==1.2.0 python-pptx==1.0.2 reportlab==5.1.0 typst==0.15.2 weasyprint==70.0 \
        xlsxwriter==3.3.1 xlwt==1.3.0
fi
if [ ! -d "$CORPUS_WORK/node_modules" ]; then
    npm --silent --prefix "$CORPUS_WORK" install --no-audit --no-fund \
        docx@9.15.2 exceljs@4.4.0 mailparser@3.14.2 nodemailer@10.6.0 pdf-lib@1.17.1 pdfkit@0.20.2 \
        pptxgenjs@4.0.1 xlsx@0.18.5
fi

python="$CORPUS_WORK/venv/bin/python"
"$python" -W ignore "$here/make.py" make
"$python" "$here/make.py" expect
"$python" "$here/make.py" check
