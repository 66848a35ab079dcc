/* What a test program knows it did, one line a call, printed at its end:
 *   syscall|path|path2|offset|length|result|data
 * The tests hold the recording against it. */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char told[1 << 16];
static size_t told_size;

static void tell(const char* name, const char* path, const char* path2, long offset, long length,
                 long result, const char* data) {
  told_size +=
      (size_t)snprintf(told + told_size, sizeof told - told_size, "%s|%s|%s|%ld|%ld|%ld|%s\n", name,
                       path, path2, offset, length, result, data);
}

static void print_told(void) {
  if (write(STDOUT_FILENO, told, told_size) != (ssize_t)told_size) {
    abort();
  }
}

/* The result of a system call as the kernel gave it. */
#define RESULT(call)                  \
  ({                                  \
    long result_ = (long)(call);      \
    result_ == -1 ? -errno : result_; \
  })
