#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks inngest.c in one place at a time and looks whether the tests notice.

Every condition negated, every comparison shifted by one, every port call, failure check and checksum comparison
dropped, from the queue to the wrappers. Each mutant meets the fast tests, fastest first, until one fails.
Environment: SAMPLE=40 takes so many at random, SEED=... which; ONLY=pattern those whose line matches; LIST=1 only
lists; JOBS=2; SLOWEST=20, 4 with
SAMPLE: tests that take more seconds are left out; BUILD=build; CC, as make. tests/mutants.txt names survivors that change nothing, with why:
lines of `what | line of source | why`."""
import os, random, re, shutil, subprocess, sys, threading, time

BUILD = os.path.join(os.environ.get("BUILD", "build"), "mutants")
JOBS = int(os.environ.get("JOBS", "2"))
FIRST, BEHIND = "Queue", "JSON"            # sections
OTHER_TESTS = re.compile(r"posix_|json|text|dump|budget")
PORT = r"jobs->port->(read|program|erase|sync|is_blank|idle|lock|unlock|wake|log|may_write|restart)\("
DEPTH = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


def blank(source):
    """The source with comments, strings, characters and directives as spaces: same length."""
    pattern = r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^[ \t]*\#(?:\\\n|[^\n])*'
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), source, flags=re.S | re.M)


def closing(text, at):
    """Where the bracket opened at `at` closes."""
    depth = 0
    for i in range(at, len(text)):
        depth += DEPTH.get(text[i], 0)
        if depth == 0:
            return i
    raise ValueError("unbalanced")


def operand_before(text, at):
    """Where the condition of the ? at `at` begins."""
    depth, i = 0, at - 1
    while True:
        c = text[i]
        depth -= DEPTH.get(c, 0)
        if depth < 0 or (depth == 0 and (c in ",;{}" or (c == "=" and text[i - 1] not in "=!<>" and text[i + 1] != "=")
                                         or (c in "?:"))):
            return i + 1
        if depth == 0 and re.match(r"return\b", text[i:]) and not text[i - 1].isalnum():
            return i + 6
        i -= 1


def operands(text, begin, end):
    """The parts of a condition between && and || on its own level, if there are several."""
    depth, start, found = 0, begin, []
    for i in range(begin, end):
        depth += DEPTH.get(text[i], 0)
        if depth == 0 and text[i:i + 2] in ("&&", "||"):
            found.append((start, i))
            start = i + 2
    return found + [(start, end)] if found else []


def mutants(source):
    """Yields (what, begin, end, replacement)."""
    code = blank(source)
    begin = source.index("/* ---- ", re.search(r"^/\* ---- \d+ " + FIRST, source, re.M).start())
    end = re.search(r"^/\* ---- \d+ " + BEHIND, source, re.M).start()

    def negate(what, a, b):
        yield (what, a, b, "!(" + source[a:b].strip() + ")" if not source[a].isspace() else " !(" + source[a:b].strip() + ") ")

    for m in re.compile(r"\b(if|while) \(").finditer(code, begin, end):
        close = closing(code, m.end() - 1)
        yield from negate("negated", m.end(), close)
        for a, b in operands(code, m.end(), close):
            yield from negate("operand negated", a, b)
    for m in re.compile(r"\bfor \(").finditer(code, begin, end):
        close = closing(code, m.end() - 1)
        parts = code[m.end():close].split(";")
        if len(parts) == 3 and parts[1].strip():
            a = m.end() + len(parts[0]) + 1
            yield from negate("negated", a, a + len(parts[1]))
    for m in re.compile(r" \? ").finditer(code, begin, end):
        yield from negate("negated", operand_before(code, m.start() + 1), m.start())
    for m in re.compile(r"\breturn ([^;?]*(?:&&|\|\||[=!<>]=| [<>] )[^;?]*);").finditer(code, begin, end):
        yield from negate("negated", m.start(1), m.end(1))
        for a, b in operands(code, m.start(1), m.end(1)):
            yield from negate("operand negated", a, b)
    shifted = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "== 1 +", "!=": "!= 1 +"}
    for m in re.compile(r" (<=?|>=?|==|!=) ").finditer(code, begin, end):
        if m.group(1) in ("==", "!=") and code.startswith("NULL", m.end()):
            continue
        yield ("shifted", m.start(1), m.end(1), shifted[m.group(1)])
    for m in re.compile(PORT).finditer(code, begin, end):
        close = closing(code, m.end() - 1)
        yield ("port call dropped", m.start(), close + 1, "true" if m.group(1) in ("is_blank", "may_write") else "0")
    for m in re.compile(r"\bport_sync\(jobs\)|\bport_sync\(ctx->jobs\)").finditer(code, begin, end):
        yield ("sync dropped", m.start(), m.end(), "INNGEST_OK")
    for m in re.compile(r"\bINNGEST_TRY\(").finditer(code, begin, end):
        close = closing(code, m.end() - 1)
        yield ("failure ignored", m.start(), close + 1, "(void)!(" + source[m.end():close] + ")")
    for m in re.compile(r"\b[\w>.-]+(?:\([^()]*\))? (==|!=) (?:crc32\([^()]*\)|crc\b|stored\b)").finditer(code, begin, end):
        yield ("checksum not compared", m.start(), m.end(), "1" if m.group(1) == "==" else "0")


def describe(source, mutant):
    what, a, b, new = mutant
    line = source.count("\n", 0, a) + 1
    text = source[source.rindex("\n", 0, a) + 1:source.index("\n", b)].strip()
    return line, what, " ".join(text.split()), " ".join((source[a:b] + "  =>  " + new).split())


class Workshop:
    """A copy of the tree in which one mutant at a time is built and tested."""

    def __init__(self, number):
        self.root = os.path.join(BUILD, str(number))
        shutil.rmtree(self.root, ignore_errors=True)
        os.makedirs(self.root)
        for name in ("inngest.c", "inngest.h", "Makefile"):
            shutil.copy(name, self.root)
        for name in ("port", "tests", "examples"):
            shutil.copytree(name, os.path.join(self.root, name))

    def write(self, source):
        with open(os.path.join(self.root, "inngest.c"), "w") as f:
            f.write(source)

    def make(self, target):
        return subprocess.run(["make", "-s", "CFLAGS=-O1 -w", "BUILD=b", "b/" + target], cwd=self.root,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def run(self, test, seconds):
        try:
            return subprocess.run(["b/" + test], cwd=self.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  timeout=seconds).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def judge(self, source, tests):
        """The name of the test that notices; "" if none does; None if it does not compile."""
        self.write(source)
        if self.make("inngest.o").returncode:
            return None
        for test, seconds in tests:
            if self.make(test).returncode or not self.run(test, seconds):   # the object compiled: a test may #include it
                return test
        return ""


def main():
    source = open("inngest.c").read()
    found, places = [], set()
    for m in mutants(source):
        if (m[1], m[2], m[3]) not in places:
            places.add((m[1], m[2], m[3]))
            found.append(m)
    found.sort(key=lambda m: m[1])
    if os.environ.get("ONLY"):
        found = [m for m in found if re.search(os.environ["ONLY"], " | ".join(map(str, describe(source, m))))]
    if os.environ.get("LIST"):
        for m in found:
            print("%d: %s: %s" % (describe(source, m)[0], m[0], describe(source, m)[3]))
        print(len(found), "mutants")
        return 0
    sample = int(os.environ.get("SAMPLE") or 0)
    if sample:
        seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(10 ** 9))
        print("seed", seed)
        found = random.Random(seed).sample(found, min(sample, len(found)))
    known = {}
    if os.path.exists("tests/mutants.txt"):
        for line in open("tests/mutants.txt"):
            parts = [p.strip() for p in line.split(" | ")]
            if len(parts) == 3 and not line.startswith("#"):
                known[(parts[0], parts[1])] = parts[2]
    workshops = [Workshop(i) for i in range(JOBS)]
    tests, broken = [], False
    slowest = float(os.environ.get("SLOWEST") or (4 if sample else 20))
    for name in sorted(n[:-2] for n in os.listdir("tests") if n.endswith(".c")):
        if OTHER_TESTS.search(name):
            continue
        if workshops[0].make(name).returncode:
            print("skipped: tests/%s.c does not build" % name)
            continue
        start = time.time()
        if not workshops[0].run(name, 30):
            print("left out: tests/%s.c fails without a mutant" % name)
            broken = True
            continue
        took = time.time() - start
        if took > slowest:
            print("left out: tests/%s.c takes %.0f s; SLOWEST=%.0f" % (name, took, slowest))
            continue
        tests.append((name, took))
    tests.sort(key=lambda t: t[1])
    print("tests:", ", ".join("%s %.1f s" % t for t in tests))
    tests = [(name, 3 + 8 * seconds) for name, seconds in tests]
    queue, lock = list(found), threading.Lock()
    count = {"caught": 0, "equivalent": 0, "survived": 0, "no code": 0}
    survivors = []

    def work(shop):
        while True:
            with lock:
                if not queue:
                    return
                m = queue.pop(0)
            line, what, text, change = describe(source, m)
            by = shop.judge(source[:m[1]] + m[3] + source[m[2]:], tests)
            with lock:
                if by is None:
                    count["no code"] += 1
                elif by:
                    count["caught"] += 1
                elif (what, change) in known:
                    count["equivalent"] += 1
                    print("equivalent: %d: %s: %s: %s" % (line, what, change, known[(what, change)]), flush=True)
                else:
                    count["survived"] += 1
                    survivors.append((line, what, change, text))
                    print("survived: inngest.c:%d: %s: %s" % (line, what, change), flush=True)

    threads = [threading.Thread(target=work, args=(shop,)) for shop in workshops]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    made = len(found) - count["no code"]
    print("figure mutants_caught %d mutants\nfigure mutants_equivalent %d mutants\nfigure mutants_all %d mutants" %
          (count["caught"], count["equivalent"], made))
    shutil.rmtree(BUILD, ignore_errors=True)
    return 1 if broken or (survivors and not sample) else 0


if __name__ == "__main__":
    sys.exit(main())
