// A client of LevelDB in C.
//   leveldb-client put FROM TO SYNC SIZE   puts the keys FROM..TO with values of SIZE bytes; "ok KEY" once each is put
//   leveldb-client dump                    prints all keys, with the size of each value and whether it is whole
#include <leveldb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(char* error) {
  if (error != NULL) {
    fprintf(stderr, "%s\n", error);
    exit(1);
  }
}

int main(int argc, char** argv) {
  char* error = NULL;
  leveldb_options_t* options = leveldb_options_create();
  leveldb_options_set_create_if_missing(options, argc > 2);
  leveldb_options_set_compression(options, leveldb_no_compression);
  leveldb_options_set_write_buffer_size(options, 64 << 10);  // the smallest: the log is switched soon
  leveldb_t* db = leveldb_open(options, "db", &error);
  check(error);
  if (argc > 5) {
    leveldb_writeoptions_t* write = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(write, (unsigned char)atoi(argv[4]));
    const size_t size = (size_t)atoi(argv[5]);
    char* value = malloc(size);
    for (int i = atoi(argv[2]); i <= atoi(argv[3]); ++i) {
      char key[16];
      snprintf(key, sizeof key, "%02d", i);
      memset(value, 'a' + i % 26, size);
      leveldb_put(db, write, key, strlen(key), value, size, &error);
      check(error);
      printf("ok %s\n", key);
      fflush(stdout);
    }
  } else {
    leveldb_iterator_t* at = leveldb_create_iterator(db, leveldb_readoptions_create());
    for (leveldb_iter_seek_to_first(at); leveldb_iter_valid(at); leveldb_iter_next(at)) {
      size_t key_size = 0, size = 0, same = 0;
      const char* key = leveldb_iter_key(at, &key_size);
      const char* value = leveldb_iter_value(at, &size);
      while (same < size && value[same] == value[0]) ++same;
      printf("%.*s %zu %s\n", (int)key_size, key, size, same == size ? "whole" : "broken");
    }
    leveldb_iter_get_error(at, &error);
    leveldb_iter_destroy(at);
    check(error);
  }
  leveldb_close(db);
  return 0;
}
