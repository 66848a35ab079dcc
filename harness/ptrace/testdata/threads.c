/* Eight threads write at once: all append to one file, some through one descriptor and some through
 * their own, and each to a place of its own in another file. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kThreads = 8, kRounds = 50 };

static int shared_log;
static int slots;
static int shared_position;

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static void* work(void* argument) {
  const int self = (int)(long)argument;
  const int own_log = open("log", O_WRONLY | O_APPEND);
  for (int round = 0; round < kRounds; ++round) {
    char record[32];
    const int size = snprintf(record, sizeof record, "thread %d round %02d\n", self, round);
    must(write(self % 2 == 0 ? shared_log : own_log, record, (size_t)size) == size);
    must(pwrite(slots, record, (size_t)size, (self * kRounds + round) * 32) == size);
    must(write(shared_position, record, (size_t)size) == size);
  }
  close(own_log);
  return NULL;
}

int main(void) {
  shared_log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
  slots = open("slots", O_WRONLY | O_CREAT, 0644);
  shared_position = open("position", O_WRONLY | O_CREAT, 0644);
  pthread_t threads[kThreads];
  for (long i = 0; i < kThreads; ++i) {
    must(pthread_create(&threads[i], NULL, work, (void*)i) == 0);
  }
  for (int i = 0; i < kThreads; ++i) {
    pthread_join(threads[i], NULL);
  }
  return 0;
}
