#!/usr/bin/env python3
"""clang-tidy on several files at once: most of its time goes to the headers, which files of one folder share.

tidy.py BUILD_DIRECTORY FILE...   Files of one folder are joined into one translation unit, as far as their names
allow; clang parses the joined files first, and one that clashes with another goes into a unit of its own.
Exit code 1 if there is a warning, 2 if a file does not parse."""

import collections
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

FILES_PER_UNIT = 12
CHECKS = "-bugprone-suspicious-include"  # a unit includes .cc files
HEADER_FILTER = r"^.*/(engine|harness)/.*\.(h|cc)$"
LENIENT = ["-Wno-unknown-warning-option", "-Wno-ignored-optimization-argument"]  # the flags are those of g++


def flags_of(command):
    """The flags of a compile command: without launcher, compiler, output and input."""
    words = shlex.split(command)
    compiler = next(i for i, word in enumerate(words) if re.search(r"(g\+\+|c\+\+)(-\d+)?$", word))
    flags, words = [], iter(words[compiler + 1:])
    for word in words:
        if word in ("-o", "-c"):
            if next(words) is None:
                break
        elif not word.startswith("-fpch"):
            flags.append(word)
    return flags


class Units:
    def __init__(self, build):
        self.build = os.path.join(build, "units")
        os.makedirs(self.build, exist_ok=True)
        with open(os.path.join(build, "compile_commands.json")) as database:
            self.flags = {os.path.relpath(entry["file"]): flags_of(entry["command"])
                          for entry in json.load(database) if entry["file"].endswith(".cc")}

    def check(self, number, files):
        """(warnings, files that do not parse, files left for another unit)"""
        unit = os.path.join(self.build, f"{number}.cc")
        broken, left, flags = [], [], self.flags[files[0]] + LENIENT
        while files:
            with open(unit, "w") as out:
                out.writelines(f'#include "{os.path.abspath(file)}"\n' for file in files)
            parsed = subprocess.run(["clang++-14", "-fsyntax-only", "-w", *flags, unit], capture_output=True, text=True)
            error = re.search(r"^(\S+?):\d+:\d+: (?:fatal )?error:.*", parsed.stderr, re.M)
            if error is None:
                break
            if len(files) == 1:
                broken.append(f"{files[0]}: {error.group(0)}")
                files = []
            else:
                culprit = os.path.relpath(error.group(1))
                left.append(culprit if culprit in files else files[-1])
                files = [file for file in files if file != left[-1]]
        if not files:
            return "", broken, left
        tidy = subprocess.run(["clang-tidy-14", "--quiet", f"--checks={CHECKS}", f"--header-filter={HEADER_FILTER}", unit,
                               "--", *flags], capture_output=True, text=True)
        return tidy.stdout, broken, left


def main():
    units = Units(sys.argv[1])
    todo = [file for file in sys.argv[2:] if file in units.flags]
    blocks, broken, number = set(), [], 0
    while todo:
        groups = collections.defaultdict(list)
        for file in todo:
            groups[os.path.dirname(file), file.endswith("_test.cc")].append(file)
        jobs = [files[i:i + FILES_PER_UNIT] for files in groups.values() for i in range(0, len(files), FILES_PER_UNIT)]
        todo = []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for text, bad, left in pool.map(units.check, range(number, number + len(jobs)), jobs):
                # A warning in a header comes once for each unit.
                for block in re.split(r"^(?=/\S+:\d+:\d+: (?:warning|error):)", text, flags=re.M):
                    # One in a header of the system is about the names of parameters in a function that a test replaces.
                    if re.match(r"/\S*/(engine|harness)/", block) and block not in blocks:
                        blocks.add(block)
                        print(block, end="", flush=True)
                broken += bad
                todo += left
        number += len(jobs)
    for line in broken:
        print(line)
    sys.exit(2 if broken else 1 if blocks else 0)


if __name__ == "__main__":
    main()
