/* Stands in for libfiu's core under its POSIX preload: the wrappers around libc's functions are
 * libfiu's, whether one fails is the tracer's to say. It counts and draws for the whole tree of
 * processes, and knows where in the trace each failure is.
 *
 * libfiu's own core cannot be used in any program: asked for a name that is not enabled it calls
 * strdup(), and a malloc() that calls mmap() under a lock of its own (jemalloc) waits for itself.
 * Here are no locks and no allocation.
 *
 * A program that has failpoints of its own by libfiu keeps its core for those.
 *
 * CRASHPOINT_LIBFIU: the names asked for, with commas between. Loaded before fiu_posix_preload.so. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kFailpointPrctl = 0x43505046, kPointsMax = 128 }; /* trace/syscalls.h */

static char names[8192];
static const char* points[kPointsMax];
static int points_count;

struct outcome {
  int is_ours;
  uintptr_t error;
};
static __thread struct outcome last __attribute__((tls_model("initial-exec")));

__attribute__((constructor)) static void read_points(void) {
  const char* const text = getenv("CRASHPOINT_LIBFIU");
  if (text == NULL || strlen(text) >= sizeof names) {
    return;
  }
  strcpy(names, text);
  char* rest = names;
  for (char* name = NULL; points_count < kPointsMax && (name = strsep(&rest, ",")) != NULL;) {
    points[points_count++] = name;
  }
}

static int is_of_the_preload(const char* name) {
  return strncmp(name, "posix/", 6) == 0 || strncmp(name, "libc/", 5) == 0 ||
         strncmp(name, "linux/", 6) == 0;
}

int fiu_fail(const char* name) {
  if (!is_of_the_preload(name)) {
    int (*const next)(const char*) = (int (*)(const char*))dlsym(RTLD_NEXT, "fiu_fail");
    last.is_ours = 0;
    return next(name);
  }
  for (int i = 0; i < points_count; ++i) {
    if (strcmp(points[i], name) == 0) {
      const int errno_before = errno;
      const long answer = syscall(SYS_prctl, (long)kFailpointPrctl, name, 0L, 0L, 0L);
      errno = errno_before;
      last = (struct outcome){1, answer > 0 ? (uintptr_t)answer : 0};
      return answer > 0;
    }
  }
  return 0;
}

/* The errno. */
void* fiu_failinfo(void) {
  if (last.is_ours) {
    return (void*)last.error;
  }
  void* (*const next)(void) = (void* (*)(void))dlsym(RTLD_NEXT, "fiu_failinfo");
  return next();
}
