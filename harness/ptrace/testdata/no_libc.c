/* Raw system calls, no libc: as Go and others make them. Appends three records and syncs each. */
typedef unsigned long word;

static long call(word number, word a, word b, word c, word d) {
#if defined(__x86_64__)
  long result;
  register word r10 __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register word x8 __asm__("x8") = number;
  register word x0 __asm__("x0") = a;
  register word x1 __asm__("x1") = b;
  register word x2 __asm__("x2") = c;
  register word x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return (long)x0;
#endif
}

#if defined(__x86_64__)
enum { kWrite = 1, kOpenat = 257, kFdatasync = 75, kExitGroup = 231 };
#else
enum { kWrite = 64, kOpenat = 56, kFdatasync = 83, kExitGroup = 94 };
#endif

void _start(void) {
  static const char record[] = "record\n";
  const long fd =
      call(kOpenat, (word)-100, (word) "raw", 0x441 /* O_WRONLY|O_CREAT|O_APPEND */, 0644);
  for (int i = 0; i < 3; ++i) {
    call(kWrite, (word)fd, (word)record, sizeof record - 1, 0);
    call(kFdatasync, (word)fd, 0, 0, 0);
  }
  call(kExitGroup, 7, 0, 0, 0);
  __builtin_unreachable();
}
