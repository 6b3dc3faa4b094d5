#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks inngest.c in one place at a time and looks whether the tests notice.

Every condition negated, every comparison shifted by one, every port call, failure check and checksum comparison
dropped, from the queue to the wrappers. Each mutant meets the tests, those first that have caught most in the least
time, until one fails; one that compiles to the same code as the original is none. Environment: MUTANTS=40 takes so many
at random, SEED=... which; ONLY=pattern those whose line matches; AGAIN=1 those that the last run left alive; FROM=n
skips so many; LIST=1 only lists; JOBS=2; SLOWEST=20: tests that take more seconds are left out; BUILD=build; CC, as
make. BUILD/mutants.log has a line for each. tests/mutants.txt names survivors that change nothing, with why: lines of
`what | line of source | change | why`."""
import collections, hashlib, os, random, re, resource, shutil, subprocess, sys, threading, time

BUILD = os.path.abspath(os.path.join(os.environ.get("BUILD") or "build", "mutants"))
LOG = BUILD + ".log"
CC = (os.environ.get("CC") or "cc").split() + ["-std=c99", "-w", "-I.", "-Iport/posix", "-pthread"]
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


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more).returncode


class Test:
    """A program that is built once, and finds the mutant as a shared library; or, where it is compiled together with
    the library, once for each mutant."""

    def __init__(self, name, objects):
        self.name, self.seconds, self.caught = name, 0.0, 0
        source = open("tests/%s.c" % name).read()
        self.queue = bool(re.search(r'#include ".*(inngest\.c|explorer\.h|queue_nested\.c)"', source))
        fill = re.search(r"^\$\(BUILD\)/%s: OPTIONS = (.*)" % name, open("Makefile").read(), re.M)
        self.options = fill.group(1).split() if fill else []
        self.alone = self.queue or bool(self.options)
        self.program = os.path.join(BUILD, name)
        self.built = self.alone or run(CC + ["-O1", "tests/%s.c" % name] + objects + ["-L" + BUILD, "-linngest", "-o", self.program]) == 0

    def passes(self, shop, seconds=None):
        """None: it does not build."""
        program = self.program
        if self.alone:
            program = os.path.join(shop.root, self.name)
            rest = [] if self.queue else ["inngest.c", "port/flash_emulator/flash_emulator.c"]
            if run(CC + ["-O1"] + self.options + rest + ["tests/%s.c" % self.name, "-o", program], cwd=shop.root):
                return None
        limit = int(seconds if seconds else 60)         # of processor time: others may be at work beside
        try:
            return run([program], cwd=shop.root, timeout=20 * limit, env=dict(os.environ, LD_LIBRARY_PATH=shop.root),
                       preexec_fn=lambda: (resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
                                           resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))) == 0
        except subprocess.TimeoutExpired:
            return False

    def limit(self):
        return 1 + 5 * self.seconds


class Workshop:
    """A copy of the tree in which one mutant at a time is built and tested."""

    def __init__(self, number):
        self.root = os.path.join(BUILD, str(number))
        os.makedirs(self.root)
        for name in ("inngest.c", "inngest.h", "Makefile"):
            shutil.copy(name, self.root)
        for name in ("port", "tests"):
            shutil.copytree(name, os.path.join(self.root, name))

    def build(self, source, level):
        """What the compiler makes of it, or None."""
        with open(os.path.join(self.root, "inngest.c"), "w") as f:
            f.write(source)
        if run(CC + [level, "-fPIC", "-c", "inngest.c", "-o", "inngest.o"], cwd=self.root):
            return None
        if run(CC + ["-shared", "inngest.o", "-o", "libinngest.so"], cwd=self.root):
            return None
        return hashlib.sha256(open(os.path.join(self.root, "inngest.o"), "rb").read()).digest()

    def judge(self, source, original, tests, in_queue):
        """The name of the test that notices; "" if none does; None if it is no mutant."""
        if self.build(source, "-O0") in (None, original["-O0"]):
            return None
        slow, optimised = 2.0, False
        for test in sorted(tests, key=lambda t: (t.alone, t.seconds > slow, -(t.caught + 1) / (t.seconds + 0.05))):
            if test.queue and not in_queue:
                continue
            if (test.alone or test.seconds > slow) and not optimised:
                optimised = True
                if self.build(source, "-O2") == original["-O2"]:
                    return None
            if not test.passes(self, test.limit()):     # one that does not build was broken, too
                return test.name
        return ""


def lines_of(path):
    return open(path).read().splitlines() if os.path.exists(path) else []


def main():
    source = open("inngest.c").read()
    found, places = [], set()
    for m in mutants(source):
        if (m[1], m[2], m[3]) not in places:
            places.add((m[1], m[2], m[3]))
            found.append(m)
    found.sort(key=lambda m: m[1])
    queue_end = source.index("/* ---- 4 ")
    if os.environ.get("ONLY"):
        found = [m for m in found if re.search(os.environ["ONLY"], " | ".join(map(str, describe(source, m))))]
    if os.environ.get("AGAIN"):
        alive = {line.split(" | ", 2)[2] for line in lines_of(LOG) if line.startswith("survived | ")}
        found = [m for m in found if " | ".join(describe(source, m)[1:]) in alive]
    if os.environ.get("LIST"):
        for m in found:
            print("%d: %s: %s" % (describe(source, m)[0], m[0], describe(source, m)[3]))
        print(len(found), "mutants")
        return 0
    sample = int(os.environ.get("MUTANTS") or 0)
    if sample:
        seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(10 ** 9))
        print("seed", seed)
        found = random.Random(seed).sample(found, min(sample, len(found)))
    found = found[int(os.environ.get("FROM") or 0):]
    known = {}
    for line in lines_of("tests/mutants.txt"):
        parts = [p.strip() for p in line.split(" | ")]
        if len(parts) >= 4 and not line.startswith("#"):
            known[" | ".join(parts[:-1])] = parts[-1]
    shutil.rmtree(BUILD, ignore_errors=True)
    os.makedirs(BUILD)
    workshops = [Workshop(i) for i in range(JOBS)]
    first = workshops[0]
    original = {"-O2": first.build(source, "-O2"), "-O0": first.build(source, "-O0")}
    shutil.copy(os.path.join(first.root, "libinngest.so"), BUILD)
    objects = []
    for name in ("port/flash_emulator/flash_emulator", "port/flash_emulator/power_cut", "port/posix/inngest_posix"):
        objects.append(os.path.join(BUILD, os.path.basename(name) + ".o"))
        run(CC + ["-O2", "-c", name + ".c", "-o", objects[-1]])
    tests, broken = [], False
    slowest = float(os.environ.get("SLOWEST") or 20)
    for name in sorted(n[:-2] for n in os.listdir("tests") if n.endswith(".c")):
        if OTHER_TESTS.search(name):
            continue
        test = Test(name, objects)
        if not test.built:
            print("skipped: tests/%s.c does not build" % name)
            continue
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        if not test.passes(first):
            print("left out: tests/%s.c fails without a mutant" % name)
            broken = True
            continue
        test.seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        if test.seconds > slowest:
            print("left out: tests/%s.c takes %.0f s; SLOWEST=%.0f" % (name, test.seconds, slowest))
            continue
        tests.append(test)
    print("tests:", ", ".join("%s %.1f s" % (t.name, t.seconds) for t in sorted(tests, key=lambda t: t.seconds)), flush=True)
    queue, lock, log = collections.deque(found), threading.Lock(), open(LOG, "w")
    count = {"caught": 0, "equivalent": 0, "survived": 0, "no code": 0}
    start = time.time()

    def work(shop):
        while True:
            with lock:
                if not queue:
                    return
                m = queue.popleft()
            line, what, text, change = describe(source, m)
            name = " | ".join((what, text, change))
            by = shop.judge(source[:m[1]] + m[3] + source[m[2]:], original, tests, m[1] < queue_end)
            with lock:
                how = "no code" if by is None else "caught" if by else "equivalent" if name in known else "survived"
                count[how] += 1
                if by:
                    next(t for t in tests if t.name == by).caught += 1
                print("%s | %d | %s" % (how + (" by " + by if by else ""), line, name), file=log, flush=True)
                if how == "equivalent":
                    print("equivalent: %d: %s: %s: %s" % (line, what, change, known[name]), flush=True)
                elif how == "survived":
                    print("survived: inngest.c:%d: %s: %s" % (line, what, change), flush=True)

    threads = [threading.Thread(target=work, args=(shop,)) for shop in workshops]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print("caught by:", ", ".join("%s %d" % (t.name, t.caught) for t in sorted(tests, key=lambda t: -t.caught) if t.caught))
    print("figure mutants_caught %d mutants\nfigure mutants_equivalent %d mutants\nfigure mutants_all %d mutants\n%.0f s" %
          (count["caught"], count["equivalent"], len(found) - count["no code"], time.time() - start))
    shutil.rmtree(BUILD, ignore_errors=True)
    return 1 if broken or (count["survived"] and not sample) else 0


if __name__ == "__main__":
    sys.exit(main())
