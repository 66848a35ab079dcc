/* A parent, children and grandchildren that share descriptors, and a vfork with exec:
 *   forks          the whole
 *   forks orphan   leaves a child behind that outlives it
 *   forks zombie   leaves children unreaped
 *   forks alarm    is sent a signal that it handles in 20 ms, and forks once */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(int fd, const char* text) {
  if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
    abort();
  }
}

static volatile sig_atomic_t alarms;
static void on_alarm(int signal) {
  (void)signal;
  ++alarms;
  close(dup(STDOUT_FILENO)); /* calls that stop, in between */
}

static pid_t fork_or_say(int log) {
  const pid_t pid = fork();
  if (pid < 0) {
    put(log, errno == ENOMEM ? "no memory\n" : errno == EAGAIN ? "try again\n" : "?\n");
    exit(3);
  }
  return pid;
}

int main(int count, char** arguments) {
  const int log = open("log", O_WRONLY | O_CREAT | O_TRUNC, 0644); /* one position for all */
  put(log, "parent\n");
  if (count > 1 && strcmp(arguments[1], "orphan") == 0) {
    if (fork_or_say(log) == 0) {
      pause();
    }
    return 0;
  }
  if (count > 1 && strcmp(arguments[1], "zombie") == 0) {
    for (int i = 0; i < 3; ++i) {
      if (fork_or_say(log) == 0) {
        _exit(0);
      }
    }
    pause();
  }
  if (count > 1 && strcmp(arguments[1], "alarm") == 0) {
    const struct itimerval once = {.it_value = {.tv_usec = 20000}};
    const struct sigaction action = {.sa_handler = on_alarm};
    if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &once, NULL) != 0) {
      abort();
    }
    if (fork_or_say(log) == 0) {
      _exit(0);
    }
    return wait(NULL) > 0 && alarms == 1 ? 0 : 1;
  }
  const pid_t child = fork_or_say(log);
  if (child == 0) {
    const int temporary = open("temp-1.rdb", O_WRONLY | O_CREAT, 0644);
    put(temporary, "snapshot\n");
    fsync(temporary);
    close(temporary);
    rename("temp-1.rdb", "dump.rdb");
    put(log, "child\n");
    if (fork_or_say(log) == 0) {
      put(log, "grandchild\n");
      _exit(0);
    }
    wait(NULL);
    _exit(5);
  }
  int status = 0;
  waitpid(child, &status, 0);
  put(log, WEXITSTATUS(status) == 5 ? "child ended\n" : "child died\n");
  const pid_t quick = vfork();
  if (quick == 0) {
    execl("/bin/sh", "sh", "-c", "echo exec >> log", (char*)NULL);
    _exit(127);
  }
  waitpid(quick, NULL, 0);
  lseek(log, 0, SEEK_END);
  put(log, "end\n");
  return 0;
}
