#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files and functions stay short enough to be read whole. Tables of pure data are exempt, by name and with a reason."""
import re

import sources

SOURCE_LIMIT, SOURCE_WARNING = 800, 500
HEADER_LIMIT = 300
FUNCTION_LIMIT, FUNCTION_WARNING = 100, 60

# Path -> why it may be longer than the limit of its kind.
EXEMPT = {
    "src/oci/spec/runtime_spec.hh": "the structs of the runtime specification: data only, one list of fields each",
}

# What stands before a '{' that opens a function's body: a parameter list and what may follow it.
_FUNCTION = re.compile(
    r"[\w~>\]=+\-*/<!&|^%]\s*(?:<[^{};]*>\s*)?\((?:[^(){};]|\([^(){};]*\)|\{[^{};]*\})*\)\s*"
    r"(?:const|noexcept|override|final|mutable|->[^{};]*|requires[^{};]*|:[^;]*|\s)*$"
)
_NOT_FUNCTION = re.compile(r"\b(?:if|for|while|switch|catch|namespace|struct|class|enum|union|do|else|try|return)\b[^;{}]*$")
_NAME = re.compile(r"([~\w:]+|operator\s*\S+)\s*\(")


def functions(code):
    """(first line, name, lines) of each function body; nested lambdas count into their function."""
    found, stack = [], []
    last = 0  # where the text that belongs to the next '{' begins
    for match in re.finditer(r"[{};]", code):
        at = match.start()
        if match.group() == "{":
            head = code[last:at]
            in_function = any(entry for entry in stack)
            is_function = not in_function and _FUNCTION.search(head) and not _NOT_FUNCTION.search(head.strip().split("\n")[-1])
            name = _NAME.search(head.strip()) if is_function else None
            stack.append((code.count("\n", 0, at) + 1, name.group(1) if name else "?") if is_function else None)
        elif match.group() == "}" and stack:
            entry = stack.pop()
            if entry:
                found.append((entry[0], entry[1], code.count("\n", 0, at) + 2 - entry[0]))
        last = at + 1
    return found


def check(path, problems):
    text = sources.read(path)
    lines = text.count("\n")
    header = path.endswith(".hh")
    if lines > (HEADER_LIMIT if header else SOURCE_LIMIT) and path not in EXEMPT:
        problems.append(f"{path}: {lines} lines, at most {HEADER_LIMIT if header else SOURCE_LIMIT}")
    elif not header and lines > SOURCE_WARNING:
        print(f"warning: {path}: {lines} lines; over {SOURCE_WARNING} needs a reason")
    for first, name, length in functions(sources.code_only(text)):
        if length > FUNCTION_LIMIT:
            problems.append(f"{path}:{first}: function '{name}' has {length} lines, at most {FUNCTION_LIMIT}")
        elif length > FUNCTION_WARNING:
            print(f"warning: {path}:{first}: function '{name}' has {length} lines; over {FUNCTION_WARNING} needs a reason")


def main():
    problems = []
    paths = sources.files(["src"], (".cc", ".hh"))
    counted = 0
    for path in paths:
        check(path, problems)
        counted += len(functions(sources.code_only(sources.read(path))))
    if counted < len(paths):  # a pattern that finds no functions would let everything pass
        problems.append(f"sizes: only {counted} functions found in {len(paths)} files")
    print(f"sizes: {counted} functions")
    sources.finish("sizes", len(paths), problems)


main()
