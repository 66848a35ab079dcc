// A client of gdbm, without mappings: what it stores goes through write().
//   gdbm-client put FROM TO   puts these keys and syncs after each; "ok KEY" once each is synced
//   gdbm-client dump          prints all keys and values, in the order of the keys
#include <gdbm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  const int writes = argc > 3;
  GDBM_FILE db = gdbm_open("t.gdbm", 512, (writes ? GDBM_WRCREAT : GDBM_READER) | GDBM_NOMMAP, 0644, NULL);
  if (db == NULL) {
    fprintf(stderr, "open: %s\n", gdbm_strerror(gdbm_errno));
    return 1;
  }
  for (int i = writes ? atoi(argv[2]) : 0; i <= (writes ? atoi(argv[3]) : 99); ++i) {
    char text[16];
    snprintf(text, sizeof text, "%02d", i);
    datum key = {text, 2};
    if (writes) {
      if (gdbm_store(db, key, key, GDBM_REPLACE) != 0 || gdbm_sync(db) != 0) return 1;
      printf("ok %s\n", text);
      fflush(stdout);
    } else {
      datum value = gdbm_fetch(db, key);
      if (value.dptr != NULL) printf("%s %.*s\n", text, value.dsize, value.dptr);
      if (value.dptr == NULL && gdbm_errno != GDBM_ITEM_NOT_FOUND) {
        fprintf(stderr, "%s: %s\n", text, gdbm_strerror(gdbm_errno));
        return 1;
      }
    }
  }
  return gdbm_close(db) != 0;
}
