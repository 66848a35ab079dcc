/* Ways to files that a path or a number alone does not tell: "odd_files WAY". Exits 77 where the machine does not
 * permit it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kNotPermitted = 77 };

static int check(int result) {
  if (result < 0) {
    perror("odd_files");
    exit(1);
  }
  return result;
}

static void put(int fd, const char* text) {
  if (write(check(fd), text, strlen(text)) != (ssize_t)strlen(text)) {
    abort();
  }
}

static void make(const char* path, int flags, const char* text) {
  const int fd = open(path, O_WRONLY | O_CREAT | flags, 0640);
  put(fd, text);
  close(fd);
}

/* Symlinks that point to nothing yet, or into another directory. */
static void symlinks(void) {
  check(mkdir("real", 0755));
  check(symlink("made", "pointer"));
  make("pointer", 0, "through a link");
  check(symlink("real", "way"));
  make("way/inner", O_EXCL, "in the directory");
  check(symlink("../up", "real/out"));
  make("way/out", O_TRUNC, "up again");
  check(symlink("second", "first"));
  check(symlink("end", "second"));
  make("first", O_APPEND, "two links on");
  check(truncate("pointer", 3));
  check(rename("way/inner", "way/moved"));
  check(link("way/moved", "hard"));
  make("/dev/fd/../fd/1", 0, "");
}

/* Paths from a root that is a directory. */
static void in_root(void) {
  check(mkdir("root", 0755));
  check(mkdir("root/etc", 0755));
  check(symlink("/etc", "root/conf"));
  const int root = check(open("root", O_PATH | O_DIRECTORY));
  struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = 0644, .resolve = RESOLVE_IN_ROOT};
  put((int)syscall(SYS_openat2, root, "/etc/one", &how, sizeof how), "one");
  put((int)syscall(SYS_openat2, root, "/conf/two", &how, sizeof how), "two");
  put((int)syscall(SYS_openat2, root, "../../etc/three", &how, sizeof how), "three");
}

static void other_root(void) {
  if (chroot(".") != 0 && (unshare(CLONE_NEWUSER) != 0 || chroot(".") != 0)) {
    exit(kNotPermitted);
  }
  check(chdir("/"));
  make("/new", 0, "in the root");
  check(mkdir("/sub", 0755));
  check(rename("/new", "/sub/new"));
  check(symlink("/sub", "/way"));
  check(chdir("sub"));
  make("../way/more", 0, "by a link from the root");
  check(link("/way/more", "../second"));
  check(unlink("/way"));
}

static void deep(void) {
  char name[201] = "";
  memset(name, 'd', 200);
  for (int i = 0; i < 25; ++i) {
    check(mkdir(name, 0755));
    check(chdir(name));
  }
  make("leaf", 0, "deep");
  check(rename("leaf", "renamed"));
  make("renamed", O_APPEND, " below");
  for (int i = 0; i < 25; ++i) {
    check(chdir(".."));
  }
  check(rename(name, "top"));
}

static int nameless(const char* text) {
  const int fd = check(open(".", O_TMPFILE | O_RDWR, 0644));
  put(fd, text);
  return fd;
}

static void unnamed(void) {
  char path[64];
  const int a = nameless("by proc");
  const int b = nameless("by dev");
  const int c = nameless("by number");
  nameless("lost");
  snprintf(path, sizeof path, "/proc/self/fd/%d", a);
  check(linkat(AT_FDCWD, path, AT_FDCWD, "a", AT_SYMLINK_FOLLOW));
  snprintf(path, sizeof path, "/dev/fd/%d", b);
  check(linkat(AT_FDCWD, path, AT_FDCWD, "b", AT_SYMLINK_FOLLOW));
  snprintf(path, sizeof path, "/proc/%d/fd/%d", getpid(), c);
  check(linkat(AT_FDCWD, path, AT_FDCWD, "c", AT_SYMLINK_FOLLOW));
  put(a, ", and more");
}

/* The flag belongs to the open file, whoever sets it. */
static void append(void) {
  const int fd = open("log", O_RDWR | O_CREAT, 0644);
  const int copy = dup(fd);
  for (int i = 0; i < 8; ++i) {
    put(fd, "0123456789");
  }
  check(fcntl(copy, F_SETFL, O_APPEND));
  lseek(fd, 5, SEEK_SET);
  put(fd, "appended");
  const struct iovec piece = {.iov_base = "HEAD", .iov_len = 4};
  if (pwritev2(fd, &piece, 1, 0, 0x20 /* RWF_NOAPPEND */) < 0) {
    put(fd, "the kernel is older than the flag");
  }
  check(fcntl(copy, F_SETFL, 0));
  lseek(fd, 2, SEEK_SET);
  put(fd, "XY");
  if (fork() == 0) {
    check(fcntl(fd, F_SETFL, O_APPEND));
    _exit(0);
  }
  wait(NULL);
  lseek(fd, 0, SEEK_SET);
  put(fd, "end");
}

static pthread_barrier_t gate;
static int shared;

static void* divides(void* by_close_range) {
  if (by_close_range != NULL) {
    check((int)syscall(SYS_close_range, 100, 200, CLOSE_RANGE_UNSHARE));
  } else {
    check(unshare(CLONE_FILES));
  }
  close(shared);
  const int fd = check(open(by_close_range != NULL ? "d" : "b", O_WRONLY | O_CREAT, 0644));
  if (fd != shared) {
    check(dup2(fd, shared));
  }
  put(shared, "the thread's");
  pthread_barrier_wait(&gate);
  pthread_barrier_wait(&gate);
  put(shared, " again");
  return NULL;
}

/* One number, two files. */
static void divided(void) {
  for (long by_close_range = 0; by_close_range < 2; ++by_close_range) {
    pthread_t thread;
    pthread_barrier_init(&gate, NULL, 2);
    shared = open(by_close_range ? "c" : "a", O_WRONLY | O_CREAT, 0644);
    put(shared, "first ");
    pthread_create(&thread, NULL, divides, (void*)by_close_range);
    pthread_barrier_wait(&gate);
    put(shared, "the main one's");
    pthread_barrier_wait(&gate);
    pthread_join(thread, NULL);
    put(shared, " end");
    close(shared);
  }
}

/* Each makes, renames and removes the same names. */
static void races(void) {
  for (int child = 0; child < 4; ++child) {
    if (fork() != 0) {
      continue;
    }
    for (int i = 0; i < 60; ++i) {
      const int lock = open("lock", O_WRONLY | O_CREAT | O_EXCL, 0644);
      if (lock >= 0) {
        put(lock, "held");
        close(lock);
        unlink("lock");
      }
      char path[32];
      snprintf(path, sizeof path, "temp-%d", child);
      make(path, O_TRUNC, path);
      rename(path, "current");
      mkdir("sub", 0755);
      make("shared", 0, path);
      rmdir("sub");
      link("current", "second");
      unlink("second");
    }
    _exit(0);
  }
  while (wait(NULL) > 0) {
  }
}

static void modes(void) {
  make("file", 0, "bytes");
  check(chmod("file", 0751));
  check(mkdir("directory", 0700));
  check(fchmodat(AT_FDCWD, "directory", 01777, 0));
  const int fd = check(open("file", O_RDONLY));
  check(fchmod(fd, 0444));
  check(mknod("node", S_IFREG | 0604, 0));
  check(mkfifo("fifo", 0600));
  check(rename("fifo", "other"));
  check(unlink("other"));
  make("replaced", 0, "bytes");
  check(mkfifo("fifo", 0600));
  check(rename("fifo", "replaced"));
  check(unlink("replaced"));
}

int main(int count, char** arguments) {
  static const struct {
    const char* name;
    void (*run)(void);
  } kWays[] = {{"symlinks", symlinks}, {"in-root", in_root}, {"other-root", other_root},
               {"deep", deep},         {"unnamed", unnamed}, {"append", append},
               {"divided", divided},   {"races", races},     {"modes", modes}};
  umask(022);
  for (size_t i = 0; i < sizeof kWays / sizeof kWays[0]; ++i) {
    if (count > 1 && strcmp(arguments[1], kWays[i].name) == 0) {
      kWays[i].run();
      return 0;
    }
  }
  return 2;
}
