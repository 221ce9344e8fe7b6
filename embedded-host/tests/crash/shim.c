/* Simulates a failing disk, a power cut and a wrong clock for a process (LD_PRELOAD, Linux).
 *
 * CRASH_FAULT=MODE:N counts the writes to the files of a state, or their syncs for modes with -sync:
 *   kill-write    SIGKILL before the Nth write
 *   torn-write    SIGKILL after half of the data of the Nth write
 *   kill-sync     SIGKILL before the Nth sync
 *   eio-write     the Nth write and all later ones fail with EIO
 *   eio-sync      the Nth sync fails with EIO, and its data may be lost; the next sync succeeds
 *   enospc-write  the Nth write writes half of its data, and all later ones fail with ENOSPC
 *   short-write   every Nth write writes half of its data, which is not an error
 * CRASH_UNDO=FILE  saves the data that unsynced writes overwrite to FILE, for power cuts (shim.py).
 * CRASH_CLOCK=FILE adds the number in the 8 bytes of FILE (signed nanoseconds) to the time of day.
 *                  The monotonic time does not change.
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
    const char *fault = getenv("CRASH_FAULT"), *file = getenv("CRASH_UNDO");
    const char *clock = getenv("CRASH_CLOCK");
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

/* The files of a state, as in shim.py. */
static const char *names[] = {"state.db", "state.db-wal", "state.db-journal", "state.db.new"};

/* Returns the index of the file in names, or -1 for other files. */
static int file_index(int fd) {
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

/* Writes a record: file, offset, length of the old data, old size of the file, then the old data.
 * The file -1-n means that the file n was synced. */
static void remember(int fd, int file, off_t at, size_t size) {
    struct stat now;
    if (undo < 0 || fstat(fd, &now)) return;
    int64_t length = at >= now.st_size ? 0 : now.st_size - at;
    if (length > (int64_t)size) length = size;
    int64_t head[4] = {file, at, length, now.st_size};
    char *old = malloc(sizeof head + length);
    if (!old) die();
    memcpy(old, head, sizeof head);
    if (pread(fd, old + sizeof head, length, at) != length) die();
    put(old, sizeof head + length);
    free(old);
}

/* Returns the number of bytes to write, or -1 and sets errno. */
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
        } else if (passed > limit &&
                   (!strcmp(mode, "eio-write") || !strcmp(mode, "enospc-write"))) {
            return errno = !strcmp(mode, "eio-write") ? EIO : ENOSPC, -1;
        }
    }
    remember(fd, file, at, size);
    return size;
}

static ssize_t put_at(int fd, const void *data, size_t size, off_t at) {
    int file = file_index(fd), torn;
    if (file < 0) return real_pwrite(fd, data, size, at);
    pthread_mutex_lock(&lock);
    ssize_t done = judge(fd, file, at, size, &torn);
    if (done >= 0) done = real_pwrite(fd, data, done, at);
    if (torn) die();
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    return put_at(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
    return put_at(fd, data, size, at);
}

ssize_t write(int fd, const void *data, size_t size) {
    int file = fd > 2 ? file_index(fd) : -1, torn;
    if (file < 0) return real_write(fd, data, size);
    pthread_mutex_lock(&lock);
    ssize_t done = judge(fd, file, lseek(fd, 0, SEEK_CUR), size, &torn);
    if (done >= 0) done = real_write(fd, data, done);
    if (torn) die();
    pthread_mutex_unlock(&lock);
    return done;
}

static int sync_file(int fd, int (*real)(int)) {
    int file = file_index(fd), result = -1;
    if (file < 0) return real(fd);
    pthread_mutex_lock(&lock);
    if (limit >= 0 && strstr(mode, "-sync") && ++passed == limit) {
        if (!strcmp(mode, "kill-sync")) die();
        errno = EIO;
    } else {
        /* For a power cut only the undo file matters, so the disk need not be synced. */
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
    int file = file_index(fd);
    struct stat now;
    if (file >= 0 && undo >= 0 && !fstat(fd, &now) && now.st_size > size)
        remember(fd, file, size, now.st_size - size);
    return real_ftruncate(fd, size);
}

int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off_t size) { return cut(fd, size); }

int clock_gettime(clockid_t id, struct timespec *at) {
    int result = real_clock ? real_clock(id, at) : (int)syscall(SYS_clock_gettime, id, at);
    if (!result && offset && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
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
