/* Passes failpoints as the engine does under the tracer, and says what it was answered. */
#include <stdio.h>
#include <sys/prctl.h>

static int failpoint(const char* name) {
  const int answer = prctl(0x43505046, name, 0, 0, 0);
  printf("%s %d\n", name, answer);
  return answer;
}

int main(void) {
  failpoint("test/first");
  failpoint("test/second");
  failpoint("test/second");
  return 0;
}
