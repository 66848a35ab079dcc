/* append FILE COUNT: for i = 1..COUNT appends the line "i\n" to FILE by write, syncs it, and says "i" on stdout;
 * then renames it to FILE.done. Exits with 1 as soon as something fails, saying what on stdout. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const char* what) {
  dprintf(STDOUT_FILENO, "%s: %s\n", what, strerrorname_np(errno));
  return 1;
}

int main(int count, char** arguments) {
  const char* const path = count > 1 ? arguments[1] : "log";
  const int lines = count > 2 ? atoi(arguments[2]) : 5;
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0) {
    return fail("open");
  }
  for (int i = 1; i <= lines; ++i) {
    char line[64];
    const int size = snprintf(line, sizeof line, "line %d\n", i);
    const ssize_t written = write(fd, line, (size_t)size);
    if (written < 0) {
      return fail("write");
    }
    if (written < size) {
      dprintf(STDOUT_FILENO, "short write: %zd of %d\n", written, size);
      return 1;
    }
    if (fdatasync(fd) != 0) {
      return fail("fdatasync");
    }
    dprintf(STDOUT_FILENO, "%d\n", i);
  }
  char done[256];
  snprintf(done, sizeof done, "%s.done", path);
  return rename(path, done) == 0 ? 0 : fail("rename");
}
