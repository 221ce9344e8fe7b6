/* What a bad disk, a power cut and a wrong clock do to a process; LD_PRELOAD, Linux.
 *
 * CRASH_FAULT=MODE:N, counted over the writes (syncs, for the modes that end in -sync) of a state's files:
 *   kill-write    SIGKILL before the Nth write
 *   torn-write    half of the Nth write, then SIGKILL
 *   kill-sync     SIGKILL before the Nth sync
 *   eio-write     the Nth write fails with EIO, and every one after it
 *   eio-sync      the Nth sync fails with EIO, once: what it should have synced may be lost, the next sync says nothing of it
 *   enospc-write  half of the Nth write, and every one after it fails with ENOSPC
 *   short-write   every Nth write writes half of what it was given, which is no error
 * CRASH_UNDO=FILE  keeps in FILE what unsynced writes have overwritten, so that a power cut can be played: see shim.py.
 * CRASH_CLOCK=FILE adds the 8 bytes of FILE (nanoseconds, signed) to the time of day. Monotonic time goes on as it does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_clock)(clockid_t, struct timespec *);
static char mode[32];
static long limit = -1, passed;
static int undo = -1;
static volatile int64_t *offset;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_write = dlsym(RTLD_NEXT, "write");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    const char *fault = getenv("CRASH_FAULT"), *file = getenv("CRASH_UNDO"), *clock = getenv("CRASH_CLOCK");
    const char *colon = fault ? strchr(fault, ':') : NULL;
    if (colon && (size_t)(colon - fault) < sizeof mode) {
        memcpy(mode, fault, colon - fault);
        limit = atol(colon + 1);
    }
    if (file) undo = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    int fd = clock ? open(clock, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *map = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
        if (map != MAP_FAILED) offset = map;
        close(fd);
    }
}

/* The files of a state; shim.py has the same. */
static const char *names[] = {"state.db", "state.db-wal", "state.db-journal", "state.db.new"};

/* The number of its name, -1 for any other file. */
static int which(int fd) {
    char link[40], path[4096];
    if (limit < 0 && undo < 0) return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return -1;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    for (int file = 0; name && file < (int)(sizeof names / sizeof *names); file++)
        if (!strcmp(name + 1, names[file])) return file;
    return -1;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void put(const void *data, size_t size) {
    if (real_write(undo, data, size) != (ssize_t)size) die();
}

/* A record: file, offset, bytes that were there, the file's size before; then those bytes. File -1-n: n was synced. */
static void remember(int fd, int file, off_t at, size_t size) {
    struct stat now;
    if (undo < 0 || fstat(fd, &now)) return;
    int64_t there = at >= now.st_size ? 0 : now.st_size - at < (off_t)size ? now.st_size - at : (off_t)size;
    int64_t head[4] = {file, at, there, now.st_size};
    char *old = malloc(sizeof head + there);
    if (!old) die();
    memcpy(old, head, sizeof head);
    if (pread(fd, old + sizeof head, there, at) != there) die();
    put(old, sizeof head + there);
    free(old);
}

/* What becomes of a write: -1 with errno, or how many bytes are to be written. */
static ssize_t judge(int fd, int file, off_t at, size_t size, int *torn) {
    *torn = 0;
    if (limit >= 0 && strstr(mode, "-write")) {
        passed++;
        if (!strcmp(mode, "short-write")) {
            if (limit && passed % limit == 0 && size > 1) size /= 2;
        } else if (passed == limit) {
            if (!strcmp(mode, "kill-write")) die();
            if (!strcmp(mode, "eio-write")) return errno = EIO, -1;
            if (!strcmp(mode, "torn-write")) *torn = 1;
            size = size > 1 ? size / 2 : size;
        } else if (passed > limit && (!strcmp(mode, "eio-write") || !strcmp(mode, "enospc-write"))) {
            return errno = !strcmp(mode, "eio-write") ? EIO : ENOSPC, -1;
        }
    }
    remember(fd, file, at, size);
    return size;
}

static ssize_t put_at(int fd, const void *data, size_t size, off_t at) {
    int file = which(fd), torn;
    if (file < 0) return real_pwrite(fd, data, size, at);
    pthread_mutex_lock(&lock);
    ssize_t done = judge(fd, file, at, size, &torn);
    if (done >= 0) done = real_pwrite(fd, data, done, at);
    if (torn) die();
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return put_at(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) { return put_at(fd, data, size, at); }

ssize_t write(int fd, const void *data, size_t size) {
    int file = fd > 2 ? which(fd) : -1, torn;
    if (file < 0) return real_write(fd, data, size);
    pthread_mutex_lock(&lock);
    ssize_t done = judge(fd, file, lseek(fd, 0, SEEK_CUR), size, &torn);
    if (done >= 0) done = real_write(fd, data, done);
    if (torn) die();
    pthread_mutex_unlock(&lock);
    return done;
}

static int sync_file(int fd, int (*real)(int)) {
    int file = which(fd), result = -1;
    if (file < 0) return real(fd);
    pthread_mutex_lock(&lock);
    if (limit >= 0 && strstr(mode, "-sync") && ++passed == limit) {
        if (!strcmp(mode, "kill-sync")) die();
        errno = EIO;
    } else {
        /* A power cut's disk is the undo file's: nothing need reach the real one. */
        result = undo >= 0 ? 0 : real(fd);
        int64_t head[4] = {-1 - file, 0, 0, 0};
        if (!result && undo >= 0) put(head, sizeof head);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd) { return sync_file(fd, real_fsync); }
int fdatasync(int fd) { return sync_file(fd, real_fdatasync); }

static int cut(int fd, off_t size) {
    int file = which(fd);
    struct stat now;
    if (file >= 0 && undo >= 0 && !fstat(fd, &now) && now.st_size > size) remember(fd, file, size, now.st_size - size);
    return real_ftruncate(fd, size);
}

int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

int clock_gettime(clockid_t which_clock, struct timespec *at) {
    int result = real_clock ? real_clock(which_clock, at) : (int)syscall(SYS_clock_gettime, which_clock, at);
    if (!result && offset && (which_clock == CLOCK_REALTIME || which_clock == CLOCK_REALTIME_COARSE)) {
        int64_t all = (int64_t)at->tv_sec * 1000000000 + at->tv_nsec + *offset;
        at->tv_sec = all / 1000000000;
        at->tv_nsec = all % 1000000000;
    }
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
