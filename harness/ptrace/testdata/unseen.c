/* Writes to files of the directory $1 in ways that cannot be seen in full, then becomes $2... */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static int open_page(const char* path, int flags) {
  const int fd = open(path, O_RDWR | O_CREAT | flags, 0644);
  must(fd < 0 || ftruncate(fd, 4096) == 0);
  return fd;
}

static char* map_page(const char* path, int protection) {
  const int fd = open_page(path, 0);
  char* const page = mmap(NULL, 4096, protection, MAP_SHARED, fd, 0);
  must(page != MAP_FAILED && close(fd) == 0);
  return page;
}

int main(int argc, char** argv) {
  must(argc > 2 && chdir(argv[1]) == 0);
  strcpy(map_page("mapped", PROT_READ | PROT_WRITE), "written");

  map_page("only-read", PROT_READ);
  char* const later = map_page("made-writable", PROT_READ);
  must(mprotect(later, 4096, PROT_READ | PROT_WRITE) == 0);
  strcpy(later, "written");

  must(close(open_page("direct", O_DIRECT)) == 0 || errno == EBADF); /* not every filesystem can */

  char parameters[256] = "";
  close((int)syscall(SYS_io_uring_setup, 1, parameters));
  execv(argv[2], argv + 2);
  return 127;
}
