#!/usr/bin/env python3
"""Reads the #include lines of src/ against the table of layers: a folder may include itself, folders of lower
rows, and the folders of its own row that are named here. Also: engine/ and plan/ never see AWS, plan/ does no
I/O, only ui/ prints and only cli/main.c exits."""
import pathlib
import re
import sys

# row, folder, folders of the same row it may include
LAYERS = [
    (10, "cli", []),
    (9, "ui", []),
    (8, "ops", []),
    (7, "tenant", []),
    (6, "store", []),
    (5, "provider", []),
    (4, "aws", ["http"]),
    (4, "http", []),
    (3, "engine", ["plan"]),
    (3, "plan", []),
    (2, "component", ["model", "graph", "state"]),
    (2, "model", []),
    (2, "graph", []),
    (2, "state", []),
    (2, "config", []),
    (1, "schema", ["yaml", "json"]),
    (1, "yaml", []),
    (1, "json", []),
    (0, "base", []),
]
ROW = {folder: row for row, folder, _ in LAYERS}
BESIDE = {folder: set(names) for _, folder, names in LAYERS}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z_0-9]+)/', re.M)
# What a folder must not call: (folders, pattern, reason)
FORBIDDEN = [
    ({"plan", "graph", "state", "component", "engine"}, r"\b(fopen|openat|socket|curl_\w+|sqlite\w*|system|popen)\s*\(", "does no I/O"),
    (set(ROW) - {"ui", "cli"}, r"(?<![\w_])(printf|puts|putchar|fprintf|vprintf|perror)\s*\(", "does not print"),
    (set(ROW), r"(?<![\w_])(exit|quick_exit)\s*\(", "does not exit"),
    (set(ROW), r"(?<![\w_])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca|tmpnam|mktemp)\s*\(", "banned function"),
]
ALLOWED = {("component", "open"), ("base", "fprintf")}


def strip(text):
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S))


def findings(root):
    for path in sorted((root / "src").rglob("*.[ch]")):
        folder = path.relative_to(root / "src").parts[0]
        text = path.read_text(encoding="utf-8")
        if folder not in ROW:
            yield f"{path}: folder {folder} is not in the table of layers"
            continue
        for other in INCLUDE.findall(text):
            if other not in ROW:
                yield f"{path}: includes unknown folder {other}/"
            elif other != folder and ROW[other] >= ROW[folder] and other not in BESIDE[folder]:
                yield f"{path}: {folder}/ (row {ROW[folder]}) includes {other}/ (row {ROW[other]})"
        code = strip(text)
        for folders, pattern, reason in FORBIDDEN:
            if folder not in folders:
                continue
            for match in re.finditer(pattern, code):
                if (folder, match.group(1)) in ALLOWED:
                    continue
                line = code.count("\n", 0, match.start()) + 1
                yield f"{path}:{line}: {match.group(1)}: {folder}/ {reason}"


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    found = list(findings(root))
    for line in found:
        print(line)
    files = len(list((root / "src").rglob("*.[ch]")))
    print(f"layers: {files} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
