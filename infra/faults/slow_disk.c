/* Settles how a disk is made slow: preloaded into PostgreSQL, this makes its syncs and its reads of data late.
 *
 * C, because an interposed function cannot do without what `unsafe_code = "forbid"` forbids in Rust. The file that
 * ENT_SLOW_DISK names holds two numbers: the milliseconds by which each sync and each read is late, at most 60,000; without
 * the file, none is. It is looked at every 50 ms at most, so a disk that is not slow costs one reading of the clock.
 *
 * A sync is fsync or fdatasync: a commit waits for it. A read is pread or preadv, by which PostgreSQL reads pages that are
 * not in its shared buffers; whether the kernel had them in memory makes no difference here. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 50, LONGEST_MS = 60000 };

static long sync_ms, read_ms, next_look_ms;

/* The function that this file stands before; found when it is first needed. */
#define REAL(result, name, ...)                        \
    static result (*real)(__VA_ARGS__);                \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static long bounded(long milliseconds) {
    return milliseconds < 0 ? 0 : milliseconds > LONGEST_MS ? LONGEST_MS : milliseconds;
}

static void look(void) {
    long now = now_ms(), sync = 0, reads = 0;
    if (now < next_look_ms) return;
    next_look_ms = now + LOOK_EVERY_MS;
    const char *path = getenv("ENT_SLOW_DISK");
    char text[64] = "";
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        ssize_t length = read(file, text, sizeof text - 1);
        text[length > 0 ? length : 0] = 0;
        close(file);
    }
    if (sscanf(text, "%ld %ld", &sync, &reads) != 2) sync = reads = 0;
    sync_ms = bounded(sync);
    read_ms = bounded(reads);
}

/* A signal does not shorten it, as it does not shorten a disk's work; the caller's errno is kept. */
static void be_late(const long *milliseconds) {
    int error = errno;
    look();
    if (*milliseconds > 0) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += *milliseconds / 1000;
        until.tv_nsec += *milliseconds % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec += 1;
            until.tv_nsec -= 1000000000;
        }
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) continue;
    }
    errno = error;
}

int fsync(int file) {
    REAL(int, fsync, int);
    be_late(&sync_ms);
    return real(file);
}

int fdatasync(int file) {
    REAL(int, fdatasync, int);
    be_late(&sync_ms);
    return real(file);
}

ssize_t pread(int file, void *buffer, size_t size, off_t offset) {
    REAL(ssize_t, pread, int, void *, size_t, off_t);
    be_late(&read_ms);
    return real(file, buffer, size, offset);
}

ssize_t pread64(int file, void *buffer, size_t size, off64_t offset) {
    REAL(ssize_t, pread64, int, void *, size_t, off64_t);
    be_late(&read_ms);
    return real(file, buffer, size, offset);
}

ssize_t preadv(int file, const struct iovec *parts, int count, off_t offset) {
    REAL(ssize_t, preadv, int, const struct iovec *, int, off_t);
    be_late(&read_ms);
    return real(file, parts, count, offset);
}

ssize_t preadv64(int file, const struct iovec *parts, int count, off64_t offset) {
    REAL(ssize_t, preadv64, int, const struct iovec *, int, off64_t);
    be_late(&read_ms);
    return real(file, parts, count, offset);
}
