/* Writes through stdio alone: what libc does inside is not to be seen from a preload. */
#include <stdio.h>

int main(void) {
  FILE* const file = fopen("lines", "w");
  for (int i = 0; i < 2000; ++i) {
    fprintf(file, "line %d\n", i);
  }
  fclose(file);
  FILE* const more = fopen("lines", "a");
  fputs("the last\n", more);
  fclose(more);
  return rename("lines", "all-lines");
}
