/* Signals and job control, as a program sees them:
 *   signals handle   handles SIGUSR1 sent to itself in the middle of writes; EINTR reaches it
 *   signals stop     a child stops itself, the parent sees it and lets it continue
 *   signals die      dies of SIGTERM */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t handled;

static void on_signal(int number) {
  (void)number;
  ++handled;
}

int main(int count, char** arguments) {
  const char* const what = count > 1 ? arguments[1] : "";
  if (strcmp(what, "die") == 0) {
    raise(SIGTERM);
  }
  if (strcmp(what, "stop") == 0) {
    int go[2];
    if (pipe(go) != 0) {
      return 1;
    }
    const pid_t child = fork();
    if (child == 0) {
      char byte = 0;
      raise(SIGSTOP);
      _exit(read(go[0], &byte, 1) == 1 ? 4 : 5); /* not before the parent has seen it continue */
    }
    int status = 0;
    waitpid(child, &status, WUNTRACED);
    dprintf(STDOUT_FILENO, WIFSTOPPED(status) ? "stopped\n" : "not stopped\n");
    kill(child, SIGCONT);
    waitpid(child, &status, WCONTINUED);
    dprintf(STDOUT_FILENO, WIFCONTINUED(status) ? "continued\n" : "not continued\n");
    if (write(go[1], "x", 1) != 1) {
      return 1;
    }
    waitpid(child, &status, 0);
    dprintf(STDOUT_FILENO, "exited with %d\n", WEXITSTATUS(status));
    return 0;
  }
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  const int fd = open("log", O_WRONLY | O_CREAT, 0644);
  for (int i = 0; i < 100; ++i) {
    kill(getpid(), SIGUSR1);
    if (write(fd, "x", 1) != 1) {
      return 1;
    }
  }
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  const struct itimerspec soon = {.it_value = {.tv_nsec = 20000000}};
  timer_settime(timer, 0, &soon, NULL);
  const struct timespec long_time = {.tv_sec = 60};
  const int slept = nanosleep(&long_time, NULL);
  dprintf(STDOUT_FILENO, "%d handled, sleep %s\n", (int)handled,
          slept == -1 && errno == EINTR ? "interrupted" : "not interrupted");
  return 0;
}
