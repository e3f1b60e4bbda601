/* Library calls that fail or kill: preloaded into a process of its own by tests/faults.py.

Only calls that touch files below one folder count: by absolute path, or by a descriptor of such a file or folder.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OFF, ONCE, FOR_EVER, KILL_BEFORE, KILL_AFTER };
enum { FILES = 4096 };

static char folder[4096];
static atomic_long calls;
static long target;
static int mode, error;
static char ours[FILES];
static char last[512];

void faults_arm(const char *below, long which, int how, int code) {
    snprintf(folder, sizeof folder, "%s", below);
    target = which;
    error = code;
    atomic_store(&calls, 0);
    last[0] = 0;
    mode = how;
}

long faults_calls(void) { return atomic_load(&calls); }
const char *faults_last(void) { return last; }

static int below(int at, const char *path) {
    if (!folder[0] || !path) return 0;
    if (path[0] == '/') return !strncmp(path, folder, strlen(folder));
    return at != AT_FDCWD && at >= 0 && at < FILES && ours[at];
}

static int of_file(int file) { return folder[0] && file >= 0 && file < FILES && ours[file]; }

/* 1: the call must fail. 2: it must be made, and be the last thing that the process does. */
static int struck(int counts, const char *name, const char *path) {
    if (!counts) return 0;
    long n = atomic_fetch_add(&calls, 1) + 1;
    if (mode == OFF || n < target || (mode != FOR_EVER && n != target)) return 0;
    snprintf(last, sizeof last, "%s %s", name, path ? path : "");
    if (mode == KILL_BEFORE) kill(getpid(), SIGKILL);
    if (mode == KILL_AFTER) return 2;
    errno = error;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CALL(counts, path, name, ...)                                  \
    int what = struck(counts, #name, path);                            \
    if (what == 1) return -1;                                          \
    __typeof__(name(__VA_ARGS__)) result = REAL(name)(__VA_ARGS__);    \
    if (what == 2) kill(getpid(), SIGKILL);                            \
    return result;

static int opened(int file, int mine) {
    if (file >= 0 && file < FILES) ours[file] = (char)mine;
    return file;
}

#define OPEN(name, at, ...)                                            \
    va_list more;                                                      \
    va_start(more, flags);                                             \
    mode_t rights = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
    va_end(more);                                                      \
    int mine = below(at, path), what = struck(mine, #name, path);      \
    if (what == 1) return -1;                                          \
    int file = opened(REAL(name)(__VA_ARGS__, rights), mine);          \
    if (what == 2) kill(getpid(), SIGKILL);                            \
    return file;

int open(const char *path, int flags, ...) { OPEN(open, AT_FDCWD, path, flags) }
int open64(const char *path, int flags, ...) { OPEN(open64, AT_FDCWD, path, flags) }
int openat(int at, const char *path, int flags, ...) { OPEN(openat, at, at, path, flags) }
int openat64(int at, const char *path, int flags, ...) { OPEN(openat64, at, at, path, flags) }

int close(int file) {
    if (file >= 0 && file < FILES) ours[file] = 0;
    return REAL(close)(file);
}

ssize_t write(int file, const void *from, size_t count) { CALL(of_file(file), "", write, file, from, count) }
ssize_t read(int file, void *to, size_t count) { CALL(of_file(file), "", read, file, to, count) }
int fsync(int file) { CALL(of_file(file), "", fsync, file) }
int ftruncate64(int file, off64_t size) { CALL(of_file(file), "", ftruncate64, file, size) }
int ftruncate(int file, off_t size) { CALL(of_file(file), "", ftruncate, file, size) }
int rename(const char *old, const char *path) { CALL(below(AT_FDCWD, path), path, rename, old, path) }
int unlink(const char *path) { CALL(below(AT_FDCWD, path), path, unlink, path) }
int unlinkat(int at, const char *path, int flags) { CALL(below(at, path), path, unlinkat, at, path, flags) }
int mkdir(const char *path, mode_t rights) { CALL(below(AT_FDCWD, path), path, mkdir, path, rights) }
int rmdir(const char *path) { CALL(below(AT_FDCWD, path), path, rmdir, path) }
