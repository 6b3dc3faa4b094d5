#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks inngest.c in one place at a time and looks whether the tests notice.

Every condition negated, every comparison shifted by one, every port call, failure check and checksum comparison
dropped, from the queue to the wrappers. All mutants are compiled at once: each is a copy of its function's body, and a
number in the environment says which copy runs. In the unbroken body each place notes that a test came by; a mutant
meets the tests that came by its place, those first that have caught most in the least time lately, until one fails, at
its first failed check or after five times its usual time. A shifted comparison meets only those in which it came out
another way, where it can be evaluated twice. What no test came by is compiled alone: with the same code as the original
it is no mutant. BUILD/mutants.log has a line for each; tests/mutants.txt names those that change nothing and so are not
run, with why: `function | what | line of source | change | why`. Fails if another one is left alive, but not in a sample,
and if a line there names none.

Environment: MUTANTS=40 takes so many at random, SEED=... which; ONLY=pattern those whose line in LIST=1 matches; AGAIN=1
those that the last run left alive; GO_ON=1 those that it did not come to; JOBS=2; SLOWEST=20: tests that take more
seconds are left out; LONG=1: the tests at full length, which those meet that a whole run has left; KEEP=1: what was
built is kept, and taken again, for inngest.c and the tests as they were; BUILD=build; CC, as make."""
import collections, os, random, re, resource, shutil, subprocess, sys, threading, time

BUILD = os.path.abspath(os.path.join(os.environ.get("BUILD") or "build", "mutants"))
LOG = BUILD + ".log"
CC = (os.environ.get("CC") or "cc").split()
CC += ["-std=c99", "-w", "-O1", "-Dalways_inline=unused", "-I.", "-Iport/posix", "-pthread", "-DTEST_FAILED=_Exit(1)"]   # each copy of a body once
JOBS = int(os.environ.get("JOBS", "2"))
FIRST, BEHIND = "Queue", "JSON"            # sections
OTHER_TESTS = re.compile(r"posix_|json|text|dump|budget|template|tempest_|firmwares|twins|clocks_dark")
QUEUE = re.compile(r"queue_")               # they include the library's source
SHORTER = {"power_cut": ["less", "1"], "faults": ["less", "12"], "rot": ["140", "1", "61"], "corners": ["31"], "handlers": ["500"], "handlers_small": ["500"], "handlers_cut": ["200"],
           "clocks": ["200"], "clocks_small": ["200"], "clocks_disk": ["200"], "chains": ["60"]}
LONG = os.environ.get("LONG")
LIVES = {} if LONG else {"LIVES": "500"}           # of disk_cache
PORT = r"\b(?:\w+->)*port->(read|program|erase|sync|is_blank|idle|lock|unlock|wake|log|may_write|restart|now)\("
LOOKS = ("record_room|record_bytes|round_up|minimum|first_offset|block_of|offset_of|position_at|after|contender|length_of|"
         "get2|get4|get_time|heartbeat_in|due_in|token_of|spare_blocks|largest_record|largest_start|until|sizeof|program_shift|class_of|"
         "first_run|capacity|hash_text|hash_id|is_earlier|offsetof|max_attempts")
ACTS = re.compile(r"\b(?:LOAD|PEEK)\(|\b(?!(?:%s)\()[a-z_]\w*\(" % LOOKS)       # calls that may do more than look
DEPTH = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


Mutant = collections.namedtuple("Mutant", "number what begin end new line name")


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
    """The parts of a condition between &&, || and those of a ?: on its own level, if there are several."""
    depth, start, found = 0, begin, []
    for i in range(begin, end):
        depth += DEPTH.get(text[i], 0)
        if depth == 0 and text[i:i + 2] in ("&&", "||"):
            found.append((start, i))
            start = i + 2
        elif depth == 0 and text[i] in "?:":
            found.append((start, i))
            start = i + 1
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
    for m in re.compile(r"\b[\w>.-]+(?:\([^()]*\))? (==|!=) (?:crc32\([^()]*\)|[\w>.-]*crc\b|stored\b)").finditer(code, begin, end):
        yield ("checksum not compared", m.start(), m.end(), "1" if m.group(1) == "==" else "0")


def expression(code, begin, end):
    """From where to where the operands of a comparison reach; of anything else, itself."""
    if not re.fullmatch(r"[<>=!]=?", code[begin:end]):
        return begin, end
    depth = 0
    while True:                                      # back to what binds less
        c = code[begin - 1]
        depth -= DEPTH.get(c, 0)
        if depth < 0 or depth == 0 and (c in ",;{}?:" or code[begin - 2:begin] in ("&&", "||") or c == "=" or code[begin - 6:begin] == "return"):
            break
        begin -= 1
    depth = 0
    while True:
        depth += DEPTH.get(code[end], 0)
        if depth < 0 or depth == 0 and (code[end] in ",;?:" or code[end:end + 2] in ("&&", "||")):
            return begin, end
        end += 1


def bodies(code):
    """The functions: name, from where to where the body."""
    at = 0
    while True:
        at = code.find("{", at)
        if at < 0:
            return
        end = closing(code, at) + 1
        if code[:at].rstrip().endswith(")"):
            head = re.findall(r"^[A-Za-z].*", code[:at], re.M)[-1]
            yield re.findall(r"(\w+)\(", head.replace("__attribute__(", ""))[0], at, end
        at = end


def described(source):
    """All mutants, once each, in order. Their names do not hold the line."""
    code, found, names = blank(source), {}, collections.Counter()
    places = list(bodies(code))
    for what, a, b, new in sorted(mutants(source), key=lambda m: m[1:3]):
        function = [name for name, begin, end in places if begin < a < end]
        if not function or (a, b, new) in found:
            continue
        begin, end = expression(code, a, b)
        text = source[source.rindex("\n", 0, a) + 1:source.index("\n", b)]
        change = source[begin:end] + "  =>  " + source[begin:a] + new + source[b:end]
        name = " | ".join(" ".join(s.split()) for s in (function[0], what, text, change))
        names[name] += 1
        if names[name] > 1:
            name += " (%d)" % names[name]
        found[a, b, new] = Mutant(len(found) + 1, what, a, b, new, source.count("\n", 0, a) + 1, name)
    return list(found.values())


def all_in_one(source, found, skipped):
    """inngest.c with all mutants but those skipped, and in which lines each stands."""
    code, text, lines, done = blank(source), ["extern int inngest_mutant;\nextern unsigned char inngest_reached[];\n"], {}, 0
    at_line = 3
    for _, begin, end in bodies(code):
        mine = [m for m in found if begin < m.begin < end and m.number not in skipped]
        if not mine:
            continue
        leave = "return; " if re.search(r"\bvoid \w+\([^;{}]*$", code[:begin]) else ""
        text.append(source[done:begin] + "{ switch (inngest_mutant) {")
        at_line += source.count("\n", done, begin)
        marks = []
        for i, what, a, b, new, _, _ in mine:
            body = source[begin:a] + new + source[b:end]
            text.append("\ncase %d: %s %sbreak;" % (i, body, leave))
            lines[i] = (at_line + 1, at_line + 1 + body.count("\n"))
            at_line = lines[i][1]
            if what == "failure ignored":
                a, b = a + len("INNGEST_TRY("), b - 1
            was = a, b
            a, b = expression(code, a, b)
            said = "2"
            if what == "shifted" and not re.search(r"\+\+|--|[^=!<>]=[^=]", code[a:b]) and not ACTS.search(code[a:b]):
                said = "(%s) != (%s) ? 2 : 1" % (source[a:b], source[a:was[0]] + new + source[was[1]:b])
            marks += [(a, 1, -b, "(inngest_reached[%d] |= %s, " % (i, said)), (b, 0, -a, ")")]
        text.append("\ndefault: break; }\n")
        at_line += 2
        done = begin
        for at, _, _, mark in sorted(marks):
            text.append(source[done:at] + mark)
            done = at
        text.append(source[done:end] + "}")
        at_line += source.count("\n", begin, end)
        done = end
    return "".join(text) + source[done:], lines


SWITCH = """
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
int inngest_mutant;
unsigned char inngest_reached[%d];
__attribute__((constructor)) static void choose(void)
{
    struct itimerval limit = { { 0, 0 }, { 0, 0 } };
    if (getenv("MUTANT")) inngest_mutant = atoi(getenv("MUTANT"));
    if (getenv("MOST_MS")) {
        limit.it_value.tv_sec = atoi(getenv("MOST_MS")) / 1000;
        limit.it_value.tv_usec = atoi(getenv("MOST_MS")) %% 1000 * 1000;
        setitimer(ITIMER_PROF, &limit, NULL);
    }
}
__attribute__((destructor)) static void tell(void)
{
    FILE *f = getenv("REACHED") ? fopen(getenv("REACHED"), "wb") : NULL;
    if (f == NULL) return;
    fwrite(inngest_reached, 1, sizeof inngest_reached, f);
    fclose(f);
}
"""


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more).returncode


class Test:
    """A program with all mutants in it; that of a queue's test with those of the queue and of a flush."""

    def __init__(self, name, root, objects):
        self.name, self.seconds, self.caught, self.reached, self.lately, self.spent = name, 0.0, 0, b"", 1.0, 0.0
        self.program = os.path.join(root, name)
        self.arguments = [] if LONG else SHORTER.get(name, [])
        fill = re.search(r"^\$\(BUILD\)/%s: OPTIONS = (.*)" % name, open("Makefile").read(), re.M)
        library = ["mutant.o"] if QUEUE.search(name) else objects
        if fill:
            options = re.sub(r"\$\(foreach o,(.*?),-DINNGEST_\$\(o\)\)", lambda m: " ".join("-DINNGEST_" + o for o in m.group(1).split()), fill.group(1))
            library = options.split() + ["-O0", "inngest.c"] + objects[1:]
        self.built = os.path.exists(self.program) or run(CC + ["tests/%s.c" % name] + library + ["-o", self.program], cwd=root) == 0

    def passes(self, mutant=0):
        cwd = os.path.dirname(self.program)
        if not mutant:
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            reached = self.program + (".reached.long" if LONG else ".reached")
            if os.path.exists(reached + ".seconds"):
                self.seconds = float(open(reached + ".seconds").read())
            elif run([self.program] + self.arguments, cwd=cwd, env=dict(os.environ, REACHED=reached, **LIVES)):
                return False
            else:
                self.seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
                with open(reached + ".seconds", "w") as f:
                    f.write("%.3f" % self.seconds)
            self.reached = open(reached, "rb").read()
            return True
        env = dict(os.environ, MUTANT=str(mutant), MOST_MS=str(int(300 + 5000 * self.seconds)), **LIVES)
        try:
            return run([self.program] + self.arguments, cwd=cwd, env=env, timeout=30 + 100 * self.seconds) == 0
        except subprocess.TimeoutExpired:
            return False

    def notices(self, mutant):
        """Does it? And what it has caught lately for the time it took."""
        start = time.time()
        passed = self.passes(mutant)
        self.caught += not passed
        self.lately = 0.95 * self.lately + (not passed)
        self.spent = 0.95 * self.spent + time.time() - start
        return not passed

    def worth(self):
        return (self.lately + 0.1) / (self.spent + self.seconds / 10 + 0.01)


def lines_of(path):
    return open(path).read().splitlines() if os.path.exists(path) else []


def compiled(text, room):
    """The code; "" where there is none."""
    with open(os.path.join(room, "inngest.c"), "w") as f:
        f.write(text)
    if run(CC + ["-c", os.path.join(room, "inngest.c"), "-o", os.path.join(room, "inngest.o")], cwd=os.path.dirname(room)):
        return ""
    return open(os.path.join(room, "inngest.o"), "rb").read()


def build(source, found, root):
    """A copy of the tree with all mutants in it; gives the tests, and the mutants that do not compile."""
    names = sorted(n[:-2] for n in os.listdir("tests") if n.endswith(".c") and not OTHER_TESTS.search(n))
    objects = ["inngest.o", "mutant.o", "flash_emulator.o", "power_cut.o", "inngest_posix.o"]
    if os.path.exists(os.path.join(root, "inngest.c")):
        return [Test(name, root, objects) for name in names], set()
    shutil.copy("inngest.h", root)
    for name in ("port", "tests"):
        shutil.copytree(name, os.path.join(root, name))

    def write(skipped):
        text, lines = all_in_one(source, found, skipped)
        with open(os.path.join(root, "inngest.c"), "w") as f:
            f.write(text)
        return lines

    skipped, bad = set(), True
    while bad:
        lines = write(skipped)
        errors = subprocess.run(CC + ["-c", "inngest.c"], cwd=root, stderr=subprocess.PIPE, universal_newlines=True).stderr
        wrong = {int(n) for n in re.findall(r"^inngest.c:(\d+):\d+: error", errors, re.M)}
        bad = {i for i, (a, b) in lines.items() if any(a <= n <= b for n in wrong)}
        if wrong and not bad:
            sys.exit(errors)
        skipped |= bad
    with open(os.path.join(root, "mutant.c"), "w") as f:
        f.write(SWITCH % (max(m.number for m in found) + 1))
    for name in ("mutant", "port/flash_emulator/flash_emulator", "port/flash_emulator/power_cut", "port/posix/inngest_posix"):
        run(CC + ["-O2", "-c", name + ".c"], cwd=root)
    tests = [Test(name, root, objects) for name in names if not QUEUE.search(name)]
    behind = source.index("/* ---- 4 ")
    write(skipped | {m.number for m in found if m.begin > behind and not m.name.startswith("inngest_flush |")})
    return tests + [Test(name, root, objects) for name in names if QUEUE.search(name)], skipped


def ended():
    """How each mutant in the log ended, the last time."""
    parts = [line.split(" | ", 2) for line in lines_of(LOG)]
    return {p[2]: re.split(" by |,", p[0])[0] for p in parts if len(p) == 3}


def main():
    source = open("inngest.c").read()
    found, over = described(source), ended()
    if os.environ.get("ONLY"):
        found = [m for m in found if re.search(os.environ["ONLY"], "%d | %s" % m[5:])]
    if os.environ.get("AGAIN") or os.environ.get("GO_ON"):
        found = [m for m in found if (os.environ.get("AGAIN") and over.get(m.name) == "survived") or (os.environ.get("GO_ON") and m.name not in over)]
    if os.environ.get("LIST"):
        for m in found:
            print("%d | %s" % m[5:])
        print(len(found), "mutants")
        return 0
    sample = int(os.environ.get("MUTANTS") or 0)
    if sample:
        seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(10 ** 9))
        print("seed", seed)
        found = random.Random(seed).sample(found, min(sample, len(found)))
    known = {}
    for line in lines_of("tests/mutants.txt"):
        parts = [p.strip() for p in line.split(" | ")]
        if len(parts) >= 5 and not line.startswith("#"):
            known[" | ".join(parts[:-1])] = parts[-1]
    stale = set(known) - {m.name for m in described(source)}
    for name in sorted(stale):
        print("tests/mutants.txt names no mutant:", name)
    if not (os.environ.get("AGAIN") or os.environ.get("GO_ON")):
        os.makedirs(os.path.dirname(LOG), exist_ok=True)
        open(LOG, "w").close()
    if not os.environ.get("KEEP"):
        shutil.rmtree(BUILD, ignore_errors=True)
    rooms = [os.path.join(BUILD, str(i)) for i in range(JOBS)]
    for room in rooms:
        os.makedirs(room, exist_ok=True)
    start = time.time()
    built, skipped = build(source, described(source) if os.environ.get("KEEP") else found, BUILD)
    print("%d mutants, built in %.0f s" % (len(found) - len(skipped), time.time() - start), flush=True)
    tests, broken = [], bool(stale)
    slowest = float(os.environ.get("SLOWEST") or (60 if LONG else 20))
    for test in built:
        if not test.built or not test.passes():
            print("left out: tests/%s.c %s" % (test.name, "fails without a mutant" if test.built else "does not build"))
            broken = True
        elif test.seconds > slowest:
            print("left out: tests/%s.c takes %.0f s; SLOWEST=%.0f" % (test.name, test.seconds, slowest))
        else:
            tests.append(test)
    print("tests:", ", ".join("%s %.2f s" % (t.name, t.seconds) for t in sorted(tests, key=lambda t: t.seconds)), flush=True)
    original = {room: compiled(source, room) for room in rooms}
    queue, lock, log = collections.deque(found), threading.Lock(), open(LOG, "a")
    start = time.time()

    def judge(m, room):
        """How it ended, and the test that noticed."""
        if m.number in skipped:
            return "no code", None
        if m.name in known:
            return "equivalent", None
        met = max(t.reached[m.number] for t in tests)
        for test in sorted((t for t in tests if t.reached[m.number] > 1), key=lambda t: -t.worth()):
            if test.notices(m.number):
                return "caught", test
        if met < 2 and compiled(source[:m.begin] + m.new + source[m.end:], room) in ("", original[room]):
            return "no code", None
        return "survived" + (", never met", ", no difference met", "", "")[met], None

    def work(room):
        while True:
            with lock:
                if not queue:
                    return
                m = queue.popleft()
            how, test = judge(m, room)
            with lock:
                print("%s | %d | %s" % (how + (" by " + test.name if test else ""), m.line, m.name), file=log, flush=True)
                if how == "equivalent":
                    print("equivalent: inngest.c:%d | %s | %s" % (m.line, m.name, known[m.name]), flush=True)
                elif how.startswith("survived"):
                    print("%s: inngest.c:%d | %s" % (how, m.line, m.name), flush=True)

    threads = [threading.Thread(target=work, args=(room,)) for room in rooms]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print("caught by:", ", ".join("%s %d" % (t.name, t.caught) for t in sorted(tests, key=lambda t: -t.caught) if t.caught))
    count = collections.Counter(ended().values())
    print("figure mutants_caught %d mutants\nfigure mutants_equivalent %d mutants\nfigure mutants_all %d mutants\n%.0f s" %
          (count["caught"], count["equivalent"], sum(count.values()) - count["no code"], time.time() - start))
    if count["survived"] and not sample and not LONG:
        print("again, those that are left, with the long tests", flush=True)
        os.execve(sys.executable, [sys.executable] + sys.argv, dict(os.environ, AGAIN="1", LONG="1"))
    if not os.environ.get("KEEP"):
        shutil.rmtree(BUILD, ignore_errors=True)
    return 1 if broken or (count["survived"] and not sample) else 0


if __name__ == "__main__":
    sys.exit(main())
