/* A thread that takes no signal sleeps for ever, while the main one makes a file. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static pthread_barrier_t started;

static void* sleep_deaf(void* unused) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  pthread_barrier_wait(&started);
  for (;;) {
    pause();
  }
  return unused;
}

int main(void) {
  pthread_t thread;
  pthread_barrier_init(&started, NULL, 2);
  if (pthread_create(&thread, NULL, sleep_deaf, NULL) != 0) {
    return 1;
  }
  pthread_barrier_wait(&started);
  FILE* file = fopen("file", "w");
  return file != NULL && fclose(file) == 0 ? 0 : 2;
}
