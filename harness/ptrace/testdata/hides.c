/* Writes "hidden" to the file $2 in a way that a tracer may miss, as $1 says:
 *   clone, clone3  in a child that asks not to be traced
 *   thread         in a thread that does
 *   leave          in such a child, which then waits for its end; the parent does not
 *   strict         after it has asked for seccomp's strict mode, in vain
 *   undumpable     after it has made itself not dumpable
 *   foreign        by system calls of 32 bits, and then "seen" by one of 64; 77: this kernel has none */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static void put(const char* path) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  must(fd >= 0 && write(fd, "hidden", 6) == 6 && fsync(fd) == 0 && close(fd) == 0);
}

static void be_child(const char* path) {
  put(path);
  _exit(0);
}

static void leave_child(const char* path) {
  const long child = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
  must(child >= 0);
  if (child == 0) {
    put(path);
    pause();
  }
}

static void reap(long child) {
  int status = 0;
  must(child > 0 && waitpid((pid_t)child, &status, 0) == child && status == 0);
}

static void by_clone(const char* path) {
  uint64_t flags = CLONE_UNTRACED | SIGCHLD;
  long child = SYS_clone;
#ifdef __x86_64__
  register long none __asm__("r10") = 0;
  register long nothing __asm__("r8") = 0;
  __asm__ volatile("syscall"
                   : "+a"(child), "+D"(flags)
                   : "S"(0), "d"(0), "r"(none), "r"(nothing)
                   : "rcx", "r11", "memory");
#else
  child = syscall(SYS_clone, flags, 0, 0, 0, 0);
#endif
  must(flags == (CLONE_UNTRACED | SIGCHLD)); /* the program's registers are its own */
  if (child == 0) {
    be_child(path);
  }
  reap(child);
}

static void by_clone3(const char* path) {
  struct clone_args arguments = {.flags = CLONE_UNTRACED, .exit_signal = SIGCHLD};
  const long child = syscall(SYS_clone3, &arguments, sizeof arguments);
  must(arguments.flags == CLONE_UNTRACED); /* and so is its memory */
  if (child == 0) {
    be_child(path);
  }
  reap(child);
}

static int run_thread(void* path) {
  put(path);
  return 0;
}

static void by_thread(char* path) {
  static char stack[65536] __attribute__((aligned(16)));
  static pid_t alive = 1;
  const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                    CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | CLONE_UNTRACED;
  must(clone(run_thread, stack + sizeof stack, flags, path, NULL, NULL, &alive) > 0);
  while (*(volatile pid_t*)&alive != 0) {
    usleep(100);
  }
}

#ifdef __x86_64__
static int call32(int number, long a, long b, long c) {
  int result = 0;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(a), "c"(b), "d"(c)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
}

// Some virtual machines answer the interrupt with SIGSEGV, not ENOSYS.
static void none(int signal) {
  (void)signal;
  _exit(77);
}

static void by_foreign(const char* path) {
  must(signal(SIGSEGV, none) != SIG_ERR);
  char* const low = mmap((void*)0x10000000, 4096, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  must(low != MAP_FAILED);
  strcpy(low, path);
  const int fd = call32(5, (long)low, O_WRONLY | O_CREAT, 0644);
  if (fd < 0) {
    exit(77);
  }
  strcpy(low, "hidden");
  must(call32(4, fd, (long)low, 6) == 6 && write(fd, "seen", 4) == 4);
}
#else
static void by_foreign(const char* path) {
  (void)path;
  exit(77);
}
#endif

int main(int argc, char** argv) {
  must(argc == 3);
  const char* const how = argv[1];
  char* const path = argv[2];
  if (strcmp(how, "clone") == 0) {
    by_clone(path);
  } else if (strcmp(how, "clone3") == 0) {
    by_clone3(path);
  } else if (strcmp(how, "thread") == 0) {
    by_thread(path);
  } else if (strcmp(how, "leave") == 0) {
    leave_child(path);
  } else if (strcmp(how, "strict") == 0) {
    must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0);
    put(path);
  } else if (strcmp(how, "undumpable") == 0) {
    must(prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0);
    put(path);
  } else if (strcmp(how, "foreign") == 0) {
    by_foreign(path);
  } else {
    put(path);
  }
  return 0;
}
