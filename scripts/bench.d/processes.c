/* The cost of processes on this machine, the baseline of `scripts/bench explore`.
 *   processes forks N                             forks and reaps an empty process N times
 *   processes starts N JOBS FOLDER SERVER CONFIG  starts SERVER N times, each in its own directory, JOBS in
 *       parallel; waits until it answers PING on its unix socket, then sends SIGKILL. CONFIG: more directives.
 * Prints the number per second. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char* what) {
  fprintf(stderr, "processes: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void fork_and_reap(void) {
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
}

static int serves(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char reply[16];
  int answered = 0;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) == 0 && write(fd, "PING\r\n", 6) == 6) {
    answered = read(fd, reply, sizeof reply) > 0 && reply[0] == '+';
  }
  close(fd);
  return answered;
}

static void start_and_kill(const char* server, const char* folder, const char* config) {
  const struct timespec pause = {0, 1000000};
  char path[4096];
  snprintf(path, sizeof path, "%s/socket", folder);
  unlink(path);
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, 1);
    dup2(nowhere, 2);
    execl(server, server, config, "--dir", folder, "--unixsocket", path, "--port", "0", (char*)NULL);
    _exit(127);
  }
  while (!serves(path)) {
    if (waitpid(child, NULL, WNOHANG) == child) die("the server ended");
    nanosleep(&pause, NULL);
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

int main(int argc, char** argv) {
  const int count = argc > 2 ? atoi(argv[2]) : 0;
  const double began = now_s();
  if (argc == 3 && strcmp(argv[1], "forks") == 0) {
    for (int i = 0; i < count; ++i) fork_and_reap();
  } else if (argc == 7 && strcmp(argv[1], "starts") == 0) {
    const int jobs = atoi(argv[3]);
    for (int job = 0; job < jobs; ++job) {
      const pid_t worker = fork();
      if (worker < 0) die("fork");
      if (worker == 0) {
        char folder[4096];
        snprintf(folder, sizeof folder, "%s/%d", argv[4], job);
        mkdir(folder, 0700);
        for (int i = job; i < count; i += jobs) start_and_kill(argv[5], folder, argv[6]);
        _exit(0);
      }
    }
    for (int status = 0; wait(&status) > 0;) {
      if (status != 0) return 1;
    }
  } else {
    fputs("usage: processes forks N | starts N JOBS FOLDER SERVER CONFIG\n", stderr);
    return 2;
  }
  printf("%.0f\n", count / (now_s() - began));
  return 0;
}
