/* Does to paths what its arguments say, in one thread: a word and one or two paths each.
 * read, stat, add (write at the end), cut (O_TRUNC), path (O_PATH), list, make (a directory), remove, rename A B,
 * link A B, symlink A B, reopen A (for writing, then read through /proc/self/fd), thread A (read it in another). */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void read_all(const char* path) {
  char buffer[4096];
  const int fd = open(path, O_RDONLY);
  while (fd >= 0 && read(fd, buffer, sizeof buffer) > 0) {
  }
  if (fd >= 0) close(fd);
}

static void* read_in_thread(void* path) {
  read_all(path);
  return NULL;
}

static void open_and_close(const char* path, int flags) {
  const int fd = open(path, flags, 0644);
  if (fd >= 0 && (flags & O_APPEND) != 0 && write(fd, "+", 1) != 1) exit(1);
  if (fd >= 0) close(fd);
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const char* const word = argv[i];
    const char* const path = argv[i + 1];
    const char* const path2 = i + 2 < argc ? argv[i + 2] : "";
    struct stat status;
    if (strcmp(word, "read") == 0) {
      read_all(path);
    } else if (strcmp(word, "stat") == 0) {
      (void)stat(path, &status);
    } else if (strcmp(word, "add") == 0) {
      open_and_close(path, O_WRONLY | O_APPEND | O_CREAT);
    } else if (strcmp(word, "cut") == 0) {
      open_and_close(path, O_WRONLY | O_CREAT | O_TRUNC);
    } else if (strcmp(word, "path") == 0) {
      open_and_close(path, O_PATH);
    } else if (strcmp(word, "list") == 0) {
      DIR* const directory = opendir(path);
      while (directory != NULL && readdir(directory) != NULL) {
      }
    } else if (strcmp(word, "make") == 0) {
      (void)mkdir(path, 0755);
    } else if (strcmp(word, "remove") == 0) {
      (void)remove(path);
    } else if (strcmp(word, "reopen") == 0) {
      char name[64];
      snprintf(name, sizeof name, "/proc/self/fd/%d", open(path, O_WRONLY));
      read_all(name);
    } else if (strcmp(word, "thread") == 0) {
      pthread_t thread;
      pthread_create(&thread, NULL, read_in_thread, (void*)path);
      pthread_join(thread, NULL);
    } else {
      ++i;
      if (strcmp(word, "rename") == 0) {
        (void)rename(path, path2);
      } else if (strcmp(word, "link") == 0) {
        (void)link(path, path2);
      } else if (strcmp(word, "symlink") == 0) {
        (void)symlink(path, path2);
      } else {
        return 1;
      }
    }
  }
  return 0;
}
