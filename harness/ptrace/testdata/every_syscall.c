/* Makes each recorded system call at least once, in its working directory, and tells what it did. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "told.h"

static void* volatile nowhere = (void*)8;

static void close_told(int fd, const char* path) {
  tell("close", path, "", 0, 0, RESULT(close(fd)), "");
}

static int open_told(const char* path, int flags) {
  const long fd = RESULT(openat(AT_FDCWD, path, flags, 0644));
  tell("openat", path, "", 0, 0, fd, "");
  return (int)fd;
}

static void writes(void) {
  const int fd = open_told("data", O_RDWR | O_CREAT | O_EXCL);
  tell("write", "data", "", 0, 5, RESULT(write(fd, "hello", 5)), "hello");
  tell("pwrite64", "data", "", 100, 4, RESULT(pwrite(fd, "far!", 4, 100)), "far!");
  tell("write", "data", "", 5, 7, RESULT(write(fd, ", world", 7)), ", world");
  struct iovec pieces[2] = {{"one ", 4}, {"two", 3}};
  tell("writev", "data", "", 12, 7, RESULT(writev(fd, pieces, 2)), "one two");
  tell("pwritev", "data", "", 40, 7, RESULT(pwritev(fd, pieces, 2, 40)), "one two");
  tell("pwritev2", "data", "", 60, 7, RESULT(pwritev2(fd, pieces, 2, 60, RWF_DSYNC)), "one two");
  tell("pwritev2", "data", "", 19, 7, RESULT(pwritev2(fd, pieces, 2, -1, 0)), "one two");
  lseek(fd, 2, SEEK_SET);
  tell("write", "data", "", 2, 2, RESULT(write(fd, "LL", 2)), "LL");
  tell("write", "data", "", 4, 0, RESULT(write(fd, "", 0)), "");
  tell("write", "data", "", 4, 9, RESULT(write(fd, nowhere, 9)), "");

  const int copy = dup(fd);
  tell("write", "data", "", 4, 3, RESULT(write(copy, "dup", 3)), "dup");
  close_told(copy, "data");
  close_told(fd, "data");

  const int log = open_told("log", O_WRONLY | O_CREAT | O_APPEND | O_SYNC);
  tell("write", "log", "", 0, 3, RESULT(write(log, "abc", 3)), "abc");
  tell("pwrite64", "log", "", 3, 3, RESULT(pwrite(log, "def", 3, 0)), "def");
  lseek(log, 0, SEEK_SET);
  tell("write", "log", "", 6, 3, RESULT(write(log, "ghi", 3)), "ghi");
  /* The number of `log` comes to mean another file, and back. */
  const int other = open_told("other", O_WRONLY | O_CREAT);
  const int saved = dup(log);
  dup2(other, log);
  tell("write", "other", "", 0, 4, RESULT(write(log, "else", 4)), "else");
  dup3(saved, log, 0);
  tell("write", "log", "", 9, 4, RESULT(write(log, "back", 4)), "back");
  fcntl(log, F_SETFL, 0);
  lseek(log, 1, SEEK_SET);
  tell("write", "log", "", 1, 1, RESULT(write(log, "B", 1)), "B");
  close_range((unsigned)other, ~0U, 0);
  close(log);
  tell("close", "log", "", 0, 0, 0, "");
}

static void copies(void) {
  const int in = open_told("data", O_RDONLY);
  const int out = open_told("copy", O_RDWR | O_CREAT);
  tell("sendfile", "copy", "", 0, 5, RESULT(sendfile(out, in, NULL, 5)), "heLLd");
  off_t from = 12;
  tell("sendfile", "copy", "", 5, 3, RESULT(sendfile(out, in, &from, 3)), "one");
  off_t source = 16;
  off_t target = 100;
  tell("copy_file_range", "copy", "", 100, 3,
       RESULT(copy_file_range(in, &source, out, &target, 3, 0)), "two");
  int ends[2];
  if (pipe(ends) == 0 && write(ends[1], "piped", 5) == 5) {
    tell("splice", "copy", "", 8, 5, RESULT(splice(ends[0], NULL, out, NULL, 5, 0)), "piped");
    target = 50;
    if (write(ends[1], "again", 5) == 5) {
      tell("splice", "copy", "", 50, 5, RESULT(splice(ends[0], NULL, out, &target, 5, 0)), "again");
    }
    close(ends[0]);
    close(ends[1]);
  }
  const int clone = open_told("clone", O_RDWR | O_CREAT);
  const long cloned = RESULT(ioctl(clone, FICLONE, in));
  char content[4096] = "";
  const ssize_t size = cloned == 0 ? read(clone, content, sizeof content - 1) : 0;
  for (ssize_t i = 0; i < size; ++i) {
    content[i] = content[i] == 0 ? '.' : content[i];
  }
  tell("ioctl", "clone", "", 0, lseek(in, 0, SEEK_END), cloned, content);
  close_told(clone, "clone");
  close_told(out, "copy");
  close_told(in, "data");
}

static void sizes(void) {
  tell("truncate", "copy", "", 0, 120, RESULT(truncate("copy", 120)), "");
  const int fd = open_told("copy", O_RDWR);
  tell("ftruncate", "copy", "", 0, 90, RESULT(ftruncate(fd, 90)), "");
  tell("fallocate", "copy", "", 80, 40, RESULT(fallocate(fd, 0, 80, 40)), "");
  tell("fallocate", "copy", "", 200, 40, RESULT(fallocate(fd, FALLOC_FL_KEEP_SIZE, 200, 40)), "");
  tell("fallocate", "copy", "", 10, 20,
       RESULT(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 20)), "");
  tell("fallocate", "copy", "", 30, 10, RESULT(fallocate(fd, FALLOC_FL_ZERO_RANGE, 30, 10)), "");
  close_told(fd, "copy");
  const int cut = open_told("copy", O_WRONLY | O_TRUNC);
  close_told(cut, "copy");
}

static void names(void) {
  tell("mkdirat", "sub", "", 0, 0, RESULT(mkdirat(AT_FDCWD, "sub", 0755)), "");
  const int sub = open_told("sub", O_RDONLY | O_DIRECTORY);
  tell("renameat", "other", "sub/moved", 0, 0,
       RESULT(syscall(SYS_renameat, AT_FDCWD, "other", sub, "moved")), "");
  tell("renameat2", "sub/moved", "sub/data", 0, 0,
       RESULT(syscall(SYS_renameat2, sub, "moved", sub, "data", RENAME_NOREPLACE)), "");
  tell("renameat2", "data", "sub/data", 0, 0,
       RESULT(syscall(SYS_renameat2, AT_FDCWD, "data", AT_FDCWD, "sub/data", RENAME_NOREPLACE)),
       "");
  tell("renameat2", "data", "sub/data", 0, 0,
       RESULT(syscall(SYS_renameat2, AT_FDCWD, "data", AT_FDCWD, "sub/data", RENAME_EXCHANGE)), "");
  tell("linkat", "log", "sub/log2", 0, 0, RESULT(linkat(AT_FDCWD, "log", sub, "log2", 0)), "");
  tell("symlinkat", "sub/log2", "pointer", 0, 0, RESULT(symlinkat("sub/log2", AT_FDCWD, "pointer")),
       "");
  /* A file through a symlink, by its own name. */
  const long through = RESULT(openat(AT_FDCWD, "pointer", O_WRONLY | O_APPEND));
  tell("openat", "log", "", 0, 0, through, "");
  tell("write", "log", "", 13, 2, RESULT(write((int)through, "!!", 2)), "!!");
  /* It keeps its other name; what is left is written to under it. */
  tell("unlinkat", "log", "", 0, 0, RESULT(unlinkat(AT_FDCWD, "log", 0)), "");
  close((int)through);
  tell("close", "log", "", 0, 0, 0, "");

  /* Renamed and unlinked while open. */
  const int fd = open_told("work", O_RDWR | O_CREAT);
  tell("renameat", "work", "sub/done", 0, 0,
       RESULT(syscall(SYS_renameat, AT_FDCWD, "work", AT_FDCWD, "sub/done")), "");
  tell("write", "sub/done", "", 0, 5, RESULT(write(fd, "after", 5)), "after");
  tell("renameat", "sub", "renamed", 0, 0,
       RESULT(syscall(SYS_renameat, AT_FDCWD, "sub", AT_FDCWD, "renamed")), "");
  tell("write", "renamed/done", "", 5, 5, RESULT(write(fd, "again", 5)), "again");
  tell("unlinkat", "renamed/done", "", 0, 0, RESULT(unlinkat(sub, "done", 0)), "");
  tell("write", "renamed/done", "", 10, 4, RESULT(write(fd, "gone", 4)), "gone");
  close_told(fd, "renamed/done");

  /* Relative to another working directory. */
  if (chdir("renamed") != 0) {
    abort();
  }
  const long inner = RESULT(openat(AT_FDCWD, "../renamed/./inner", O_WRONLY | O_CREAT, 0600));
  tell("openat", "renamed/inner", "", 0, 0, inner, "");
  tell("write", "renamed/inner", "", 0, 2, RESULT(write((int)inner, "in", 2)), "in");
  close_told((int)inner, "renamed/inner");
  if (fchdir(sub) != 0 || chdir("..") != 0) {
    abort();
  }
  struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = 0640, .resolve = RESOLVE_BENEATH};
  const long how_fd = RESULT(syscall(SYS_openat2, sub, "how", &how, sizeof how));
  tell("openat2", "renamed/how", "", 0, 0, how_fd, "");
  close_told((int)how_fd, "renamed/how");
  tell("mkdirat", "empty", "", 0, 0, RESULT(mkdirat(AT_FDCWD, "empty", 0700)), "");
  tell("unlinkat", "empty", "", 0, 0, RESULT(unlinkat(AT_FDCWD, "empty", AT_REMOVEDIR)), "");
  tell("unlinkat", "renamed", "", 0, 0, RESULT(unlinkat(AT_FDCWD, "renamed", AT_REMOVEDIR)), "");
  close_told(sub, "renamed");
}

static void modes(void) {
  tell("mknodat", "node", "", 0, 0, RESULT(mknodat(AT_FDCWD, "node", S_IFREG | 0644, 0)), "");
  tell("fchmodat", "node", "", 0, 0, RESULT(syscall(SYS_fchmodat, AT_FDCWD, "node", 0640)), "");
  tell("fchmodat2", "node", "", 0, 0,
       RESULT(syscall(452, AT_FDCWD, "node", 0600, AT_SYMLINK_NOFOLLOW)), "");
  const int fd = open_told("node", O_WRONLY);
  tell("fchmod", "node", "", 0, 0, RESULT(fchmod(fd, 0604)), "");
  close_told(fd, "node");
}

static void old_names(void) {
#ifdef SYS_open
  tell("mknod", "old-node", "", 0, 0, RESULT(syscall(SYS_mknod, "old-node", 0644, 0)), "");
  tell("chmod", "old-node", "", 0, 0, RESULT(syscall(SYS_chmod, "old-node", 0755)), "");
  const long fd = RESULT(syscall(SYS_open, "old", O_WRONLY | O_CREAT, 0644));
  tell("open", "old", "", 0, 0, fd, "");
  close_told((int)fd, "old");
  const long made = RESULT(syscall(SYS_creat, "old", 0644));
  tell("creat", "old", "", 0, 0, made, "");
  close_told((int)made, "old");
  tell("rename", "old", "older", 0, 0, RESULT(syscall(SYS_rename, "old", "older")), "");
  tell("link", "older", "link", 0, 0, RESULT(syscall(SYS_link, "older", "link")), "");
  tell("symlink", "older", "symlink", 0, 0, RESULT(syscall(SYS_symlink, "older", "symlink")), "");
  tell("unlink", "symlink", "", 0, 0, RESULT(syscall(SYS_unlink, "symlink")), "");
  tell("mkdir", "directory", "", 0, 0, RESULT(syscall(SYS_mkdir, "directory", 0755)), "");
  tell("rmdir", "directory", "", 0, 0, RESULT(syscall(SYS_rmdir, "directory")), "");
  tell("unlink", "nothing", "", 0, 0, RESULT(syscall(SYS_unlink, "nothing")), "");
#endif
}

static void persistence(void) {
  const int fd = open_told("synced", O_RDWR | O_CREAT);
  tell("ftruncate", "synced", "", 0, 8192, RESULT(ftruncate(fd, 8192)), "");
  tell("sync_file_range", "synced", "", 0, 4096,
       RESULT(sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE)), "");
  tell("fdatasync", "synced", "", 0, 0, RESULT(fdatasync(fd)), "");
  tell("fsync", "synced", "", 0, 0, RESULT(fsync(fd)), "");
  tell("syncfs", "synced", "", 0, 0, RESULT(syncfs(fd)), "");
  char* const map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  tell("mmap", "synced", "", 0, 8192, (long)map, "");
  tell("msync", "synced", "", 4096, 4096, RESULT(msync(map + 4096, 4096, MS_SYNC)), "");
  close_told(fd, "synced");
  const int directory = open_told(".", O_RDONLY | O_DIRECTORY);
  tell("fsync", ".", "", 0, 0, RESULT(fsync(directory)), "");
  close_told(directory, ".");
  sync();
  tell("sync", "", "", 0, 0, 0, "");
}

static void sends(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    abort();
  }
  tell("write", "", "", 0, 4, RESULT(write(ends[0], "sent", 4)), "sent");
  tell("sendto", "", "", 0, 4, RESULT(send(ends[0], "sent", 4, MSG_NOSIGNAL)), "sent");
  struct iovec pieces[2] = {{"one ", 4}, {"two", 3}};
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
  tell("sendmsg", "", "", 0, 7, RESULT(sendmsg(ends[0], &message, 0)), "one two");
  struct mmsghdr messages[2] = {{.msg_hdr = message}, {.msg_hdr = message}};
  tell("sendmmsg", "", "", 0, 14, RESULT(sendmmsg(ends[0], messages, 2, 0)) * 7, "one twoone two");
  const int in = open_told("older", O_RDWR);
  tell("write", "older", "", 0, 6, RESULT(write(in, "static", 6)), "static");
  off_t from = 2;
  tell("sendfile", "", "", 0, 3, RESULT(sendfile(ends[0], in, &from, 3)), "ati");
  close_told(in, "older");
}

static void unnamed(void) {
  const long fd = RESULT(openat(AT_FDCWD, ".", O_RDWR | O_TMPFILE, 0644));
  if (fd < 0) {
    return; /* not every filesystem can */
  }
  struct stat status;
  char path[64];
  char self[64];
  fstat((int)fd, &status);
  snprintf(path, sizeof path, "#%lu", (unsigned long)status.st_ino);
  snprintf(self, sizeof self, "/proc/self/fd/%ld", fd);
  tell("openat", path, "", 0, 0, fd, "");
  tell("write", path, "", 0, 4, RESULT(write((int)fd, "anon", 4)), "anon");
  tell("linkat", path, "named", 0, 0,
       RESULT(linkat(AT_FDCWD, self, AT_FDCWD, "named", AT_SYMLINK_FOLLOW)), "");
  tell("write", "named", "", 4, 4, RESULT(write((int)fd, "ymus", 4)), "ymus");
  close_told((int)fd, "named");
}

static void direct(void) {
  const long fd = RESULT(openat(AT_FDCWD, "older", O_RDWR | O_DIRECT));
  tell("openat", "older", "", 0, 0, fd, "");
  if (fd >= 0) {
    close_told((int)fd, "older");
  }
}

int main(void) {
  writes();
  copies();
  sizes();
  names();
  modes();
  old_names();
  persistence();
  sends();
  unnamed();
  direct();
  print_told();
  return 0;
}
