/* SPDX-License-Identifier: MIT
 * Durable steps a second on a file, against the limit of the machine: records of the same size written into a
 * preallocated file, each with its fdatasync. SQLite (HAVE_SQLITE) and LMDB (HAVE_LMDB) beside it, all in turns, so
 * that a disk whose speed changes changes it for all. Medians over the rounds.
 *
 *   bench-posix FOLDER [quick] */
#ifdef __linux__
#define _GNU_SOURCE 1                  /* syscall */
#endif
#include "bench.h"
#include "inngest_posix.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#ifdef HAVE_SQLITE
#include <sqlite3.h>
#endif
#ifdef HAVE_LMDB
#include <lmdb.h>
#endif

#define MOST_ROUNDS 7
static unsigned rounds = 7, steps = 100;
static char folder[200], path[256];
static const uint8_t record[64 * 44] = { 1 };

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- the disk -------------------------------------------------------------------------------------------------------- */

#ifdef __linux__
/* In place of the system's, for all: how long a sync takes at least, or that there is none. */
static double sync_takes;
static bool sync_is_left_out;
int fdatasync(int file)
{
    double until = seconds() + sync_takes;
    if (sync_is_left_out) return 0;
    if (syscall(SYS_fdatasync, file) != 0) return -1;
    while (seconds() < until) (void)usleep((useconds_t)((until - seconds()) * 5e5));
    return 0;
}
#endif

/* ---- what the machine can do ----------------------------------------------------------------------------------------- */

static int limit_file;
static off_t limit_at;

static void limit_open(void)
{
    static uint8_t block[4096];
    unsigned i;
    limit_file = open(in_folder("limit"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (limit_file < 0) { perror(path); exit(1); }
    memset(block, 0xFF, sizeof block);
    for (i = 0; i < 256; i++) if (write(limit_file, block, sizeof block) != (ssize_t)sizeof block) exit(1);
    fsync(limit_file);
}

static double limit(unsigned n, size_t size)
{
    double start = seconds();
    unsigned i;
    for (i = 0; i < n; i++) {
        if (limit_at + (off_t)size > 1 << 20) limit_at = 0;
        if (pwrite(limit_file, record, size, limit_at) != (ssize_t)size || fdatasync(limit_file) != 0) exit(1);
        limit_at += (off_t)size;
    }
    return seconds() - start;
}

/* ---- the library ----------------------------------------------------------------------------------------------------- */

static inngest_posix port;

static void open_jobs(const char *name, uint32_t bytes, uint32_t runs)
{
    (void)unlink(in_folder(name));
    if (inngest_posix_open(&port, in_folder(name), bytes) != 0) { perror(path); exit(1); }
    must(boot(&port.port, runs, INNGEST_RESET_POWER_ON), "init");
}

static void close_jobs(const char *name)
{
    must(inngest_close(&jobs), "close");
    inngest_posix_close(&port);
    (void)unlink(in_folder(name));
}

/* Jobs one at a time. The start and the finish are not counted as steps, but their time is. */
static double lone(unsigned n, unsigned steps_a_job)
{
    double start = seconds();
    job_is.steps = steps_a_job;
    do_jobs(n / steps_a_job);
    return seconds() - start;
}

/* ---- peers ------------------------------------------------------------------------------------------------------------ */

#ifdef HAVE_SQLITE
static sqlite3 *db;
static sqlite3_stmt *insert;
static void sqlite_open(void)
{
    (void)unlink(in_folder("peer.sqlite"));
    if (sqlite3_open(in_folder("peer.sqlite"), &db) != SQLITE_OK) exit(1);
    if (sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(k INTEGER PRIMARY KEY, v BLOB)", NULL, NULL, NULL) != SQLITE_OK) exit(1);
    sqlite3_prepare_v2(db, "INSERT INTO t(v) VALUES(?)", -1, &insert, NULL);
}
static double sqlite_rows(unsigned n, unsigned together)
{
    double start = seconds();
    unsigned i, k;
    for (i = 0; i < n; i++) {
        if (together > 1) sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
        for (k = 0; k < together; k++) {
            sqlite3_bind_blob(insert, 1, record, 32, SQLITE_STATIC);
            if (sqlite3_step(insert) != SQLITE_DONE) exit(1);
            sqlite3_reset(insert);
        }
        if (together > 1) sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    return seconds() - start;
}
#endif

#ifdef HAVE_LMDB
static MDB_env *lmdb;
static MDB_dbi table;
static void lmdb_open(void)
{
    MDB_txn *txn;
    (void)unlink(in_folder("peer.lmdb"));
    if (mdb_env_create(&lmdb) || mdb_env_set_mapsize(lmdb, 64u << 20) || mdb_env_open(lmdb, path, MDB_NOSUBDIR, 0600)) exit(1);
    if (mdb_txn_begin(lmdb, NULL, 0, &txn) || mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &table) || mdb_txn_commit(txn)) exit(1);
}
static double lmdb_rows(unsigned n)
{
    static size_t key;
    double start = seconds();
    for (; n > 0; n--) {
        MDB_txn *txn;
        MDB_val k = { sizeof key, &key }, v = { 32, (void *)(uintptr_t)record };
        key++;
        if (mdb_txn_begin(lmdb, NULL, 0, &txn) || mdb_put(txn, table, &k, &v, 0) || mdb_txn_commit(txn)) exit(1);
    }
    return seconds() - start;
}
#endif

/* ---- rounds -------------------------------------------------------------------------------------------------------------- */

static void a_lone_run(void)
{
    double limits[MOST_ROUNDS], ratio[MOST_ROUNDS], short_ratio[MOST_ROUNDS], sqlite[MOST_ROUNDS], mdb[MOST_ROUNDS];
    unsigned i;
    limit_open();
    functions[0].journal_bytes = 2600;
    open_jobs("lone", 1 << 20, 16);
#ifdef HAVE_SQLITE
    sqlite_open();
#endif
#ifdef HAVE_LMDB
    lmdb_open();
#endif
    for (i = 0; i < rounds; i++) {
        double best = limit(steps, 44);
        limits[i] = steps / best;
        ratio[i] = best / lone(steps, 50);
        short_ratio[i] = best / lone(steps, 5);
#ifdef HAVE_SQLITE
        sqlite[i] = best / sqlite_rows(steps, 1);
#endif
#ifdef HAVE_LMDB
        mdb[i] = best / lmdb_rows(steps);
#endif
    }
    figure("posix_limit", median(limits, rounds), "writes/s");
    figure("posix_lone_ratio", median(ratio, rounds), "ratio");
    figure("posix_jobs_of_5_ratio", median(short_ratio, rounds), "ratio");
#ifdef HAVE_SQLITE
    figure("sqlite_lone_ratio", median(sqlite, rounds), "ratio");
#else
    (void)sqlite;
    printf("skipped: SQLite (package libsqlite3-dev)\n");
#endif
#ifdef HAVE_LMDB
    figure("lmdb_lone_ratio", median(mdb, rounds), "ratio");
#else
    (void)mdb;
    printf("skipped: LMDB (package liblmdb-dev)\n");
#endif
    close_jobs("lone");
    functions[0].journal_bytes = 0;
}

/* 64 jobs at a time, and events that wait for a place: one sync makes a step of each durable, or the finish of one and the
 * start of the next. Gives steps a second. */
static unsigned sent;
static double turns_of_64(unsigned n)
{
    unsigned k, done = counters().steps_run;
    double start = seconds();
    for (k = 0; k < n; k++) {                          /* 64 are always under way; of the queue's 128 slots most are taken */
        while (sent < counters().runs_ended + 64 + 56) { must(inngest_send(&jobs, "app/work", payload, 32), "send"); sent++; }
        (void)inngest_tick(&jobs, now);
    }
    return (double)(counters().steps_run - done) / (seconds() - start);
}

static void open_64(unsigned steps_a_job)
{
    job_is.steps = steps_a_job;
    functions[0].journal_bytes = steps_a_job > 5 ? 2600 : 0;
    open_jobs("group", 1 << 20, 64);
    sent = 0;
}

static void close_64(void)
{
    while (counters().runs_ended < sent) (void)inngest_tick(&jobs, now);
    close_jobs("group");
    functions[0].journal_bytes = 0;
}

static void together(unsigned steps_a_job, const char *name, const char *limit_name, const char *sqlite_name)
{
    double ratio[MOST_ROUNDS], sqlite[MOST_ROUNDS], limits[MOST_ROUNDS];
    unsigned i, groups = steps_a_job > 5 ? steps_a_job + 1 : 3 * (steps_a_job + 1);   /* whole jobs, in turns */
    open_64(steps_a_job);
    for (i = 0; i < rounds; i++) {
        limits[i] = 64 * groups / limit(groups, 64 * 44);
        ratio[i] = turns_of_64(groups) / limits[i];
#ifdef HAVE_SQLITE
        if (sqlite_name) sqlite[i] = 64 * groups / sqlite_rows(groups, 64) / limits[i];
#endif
    }
    if (limit_name) figure(limit_name, median(limits, rounds), "records/s");
    figure(name, median(ratio, rounds), "ratio");
#ifdef HAVE_SQLITE
    if (sqlite_name) figure(sqlite_name, median(sqlite, rounds), "ratio");
#else
    (void)sqlite;
    (void)sqlite_name;
#endif
    close_64();
}

static int no_sync(void *context) { (void)context; return 0; }

/* The same engine and port, without the sync: a lone run with the hook that does nothing, and with none: a write a
 * record; 64 at a time where the disk alone is left out: a write a turn. Beside them bare writes of a record. */
static void sync_left_out(void)
{
    double took[MOST_ROUNDS];
    unsigned i, none;
    for (none = 0; none < 2; none++) {
        open_jobs("unsynced", 1 << 20, 16);
        must(inngest_close(&jobs), "close");
        port.port.sync = none ? NULL : no_sync;
        must(boot(&port.port, 16, INNGEST_RESET_POWER_ON), "init");
        for (i = 0; i < rounds; i++) took[i] = 50 * steps / lone(50 * steps, 5);
        figure(none ? "posix_no_sync" : "posix_empty_sync", median(took, rounds), "steps/s");
        close_jobs("unsynced");
    }
#ifdef __linux__
    sync_is_left_out = true;
    open_64(5);
    for (i = 0; i < rounds; i++) took[i] = turns_of_64(9 * steps);
    figure("posix_no_sync_64", median(took, rounds), "steps/s");
    close_64();
    for (i = 0; i < rounds; i++) took[i] = 50 * steps / limit(50 * steps, 44);
    figure("posix_bare_writes", median(took, rounds), "writes/s");
    sync_is_left_out = false;
#endif
}

int main(int argc, char **argv)
{
    snprintf(folder, sizeof folder, "%s", argc > 1 ? argv[1] : ".");
    if (argc > 2 && strcmp(argv[2], "quick") == 0) { rounds = 3; steps = 50; }
    (void)mkdir(folder, 0700);
    a_lone_run();
    together(50, "posix_64_runs_ratio", NULL, NULL);
    together(5, "posix_64_jobs_of_5_ratio", "posix_limit_64", "sqlite_64_rows_ratio");
#ifdef __linux__
    sync_takes = 2e-3;
    together(50, "posix_64_runs_2ms_ratio", NULL, NULL);
    together(5, "posix_64_jobs_of_5_2ms_ratio", NULL, "sqlite_64_rows_2ms_ratio");
    sync_takes = 0;
#endif
    sync_left_out();
    (void)unlink(in_folder("limit"));
    (void)unlink(in_folder("peer.sqlite"));
    (void)unlink(in_folder("peer.sqlite-wal"));
    (void)unlink(in_folder("peer.sqlite-shm"));
    (void)unlink(in_folder("peer.lmdb"));
    (void)unlink(in_folder("peer.lmdb-lock"));
    return 0;
}
