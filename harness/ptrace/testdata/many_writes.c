/* Writes to each descriptor often enough that the tracer may do it in our place, where the kernel
 * must answer as if it did not; and sees that the program cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "told.h"

enum { kMany = 12 };

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static int open_told(const char* path, int flags) {
  const int fd = openat(AT_FDCWD, path, flags, 0644);
  tell("openat", path, "", 0, 0, fd, "");
  return fd;
}

static void close_told(int fd, const char* path) {
  tell("close", path, "", 0, 0, close(fd), "");
}

static void write_told(int fd, const char* path, long offset, const char* text) {
  const long size = (long)strlen(text);
  tell("write", path, "", offset, size, RESULT(write(fd, text, (size_t)size)), text);
}

static long write_many(int fd, const char* path, long offset) {
  for (int i = 0; i < kMany; ++i, offset += 4) {
    write_told(fd, path, offset, "many");
  }
  return offset;
}

static void positions(void) {
  const int fd = open_told("data", O_RDWR | O_CREAT);
  long at = write_many(fd, "data", 0);
  must(lseek(fd, 0, SEEK_CUR) == at);
  lseek(fd, 6, SEEK_SET);
  at = write_many(fd, "data", 6);
  const int copy = dup(fd);
  at = write_many(copy, "data", at);
  must(lseek(fd, 0, SEEK_CUR) == at);
  close_told(copy, "data");

  /* A child shares the position. */
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < kMany; ++i) {
      must(write(fd, "born", 4) == 4);
    }
    _exit(0);
  }
  waitpid(child, NULL, 0);
  for (int i = 0; i < kMany; ++i, at += 4) {
    tell("write", "data", "", at, 4, 4, "born");
  }
  at = write_many(fd, "data", at);

  for (int i = 0; i < kMany; ++i) {
    tell("pwrite64", "data", "", 900 + i, 1, RESULT(pwrite(fd, "p", 1, 900 + i)), "p");
  }
  must(lseek(fd, 0, SEEK_CUR) == at);
  tell("pwrite64", "data", "", -3, 1, RESULT(pwrite(fd, "p", 1, -3)), "");
  struct iovec pieces[1025];
  for (int i = 0; i < 1025; ++i) {
    pieces[i] = (struct iovec){"v", 1};
  }
  for (int i = 0; i < kMany; ++i, at += 9) {
    tell("writev", "data", "", at, 9, RESULT(writev(fd, pieces, 9)), "vvvvvvvvv");
  }
  /* The most the kernel takes is 1024 pieces. */
  tell("writev", "data", "", at, 1024, RESULT(writev(fd, pieces, 1025)), "");

  must(fcntl(fd, F_SETFL, O_APPEND) == 0);
  write_many(fd, "data", 912);
  close_told(fd, "data");
}

static void appends(void) {
  const int log = open_told("log", O_WRONLY | O_CREAT | O_APPEND);
  const long end = write_many(log, "log", 0);
  lseek(log, 0, SEEK_SET);
  tell("pwrite64", "log", "", end, 1, RESULT(pwrite(log, "a", 1, 0)), "a");
  /* What it may do is looked at anew. */
  setfsuid(geteuid());
  write_many(log, "log", end + 1);
  must(unlink("log") == 0);
  tell("unlink", "log", "", 0, 0, 0, "");
  write_many(log, "log", 2 * end + 1);
  close_told(log, "log");
}

static int too_large;
static void on_too_large(int signal) {
  (void)signal;
  ++too_large;
}

static void refusals(void) {
  const int fd = open_told("limited", O_WRONLY | O_CREAT);
  const long at = write_many(fd, "limited", 0);
  signal(SIGXFSZ, on_too_large);
  struct rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = (rlim_t)at + 3;
  setrlimit(RLIMIT_FSIZE, &limit);
  tell("write", "limited", "", at, 4, RESULT(write(fd, "many", 4)), "man");
  must(too_large == 0);
  tell("write", "limited", "", at + 3, 4, RESULT(write(fd, "many", 4)), "");
  must(too_large == 1);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_FSIZE, &limit);
  write_many(fd, "limited", at + 3);

  const int read_only = open_told("limited", O_RDONLY);
  for (int i = 0; i < kMany; ++i) {
    tell("write", "limited", "", 0, 4, RESULT(write(read_only, "many", 4)), "");
  }
  close_told(read_only, "limited");

  /* A lock goes with the last descriptor of the open file. */
  must(flock(fd, LOCK_EX) == 0);
  close_told(fd, "limited");
  const int again = open_told("limited", O_WRONLY);
  must(flock(again, LOCK_EX | LOCK_NB) == 0);
  close_told(again, "limited");
}

/* By /proc: a question to the kernel could be answered otherwise. */
static void cpus(char line[256]) {
  FILE* const file = fopen("/proc/thread-self/status", "r");
  do {
    must(fgets(line, 256, file) != NULL);
  } while (strncmp(line, "Cpus_allowed:", 13) != 0);
  fclose(file);
}

/* However busy the tracer finds us, what we start may run where we may, and so may we. */
static void processors(const cpu_set_t* before, const char* before_text) {
  const int fd = open_told("busy", O_WRONLY | O_CREAT);
  for (int i = 0; i < 25; ++i) {
    write_many(fd, "busy", i * kMany * 4);
  }
  const pid_t child = fork();
  if (child == 0) {
    char text[256];
    cpus(text);
    _exit(strcmp(text, before_text) == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  must(status == 0);
  cpu_set_t now;
  must(sched_getaffinity(0, sizeof now, &now) == 0);
  must(CPU_EQUAL(&now, before));
  close_told(fd, "busy");
}

int main(void) {
  cpu_set_t before;
  char before_text[256];
  must(sched_getaffinity(0, sizeof before, &before) == 0);
  cpus(before_text);
  positions();
  appends();
  refusals();
  processors(&before, before_text);
  print_told();
  return 0;
}
