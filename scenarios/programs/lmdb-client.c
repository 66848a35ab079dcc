// A client of LMDB.
//   lmdb-client put FROM TO NOSYNC   puts these keys, a transaction each; "ok KEY" once each is committed
//   lmdb-client dump                 prints all keys and values
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int result) {
  if (result != 0) {
    fprintf(stderr, "%s\n", mdb_strerror(result));
    exit(1);
  }
}

int main(int argc, char** argv) {
  MDB_env* env;
  MDB_txn* txn;
  MDB_dbi db;
  const int writes = argc > 4;
  check(mdb_env_create(&env));
  check(mdb_env_open(env, ".", writes && atoi(argv[4]) ? MDB_NOSYNC : 0, 0644));
  for (int i = writes ? atoi(argv[2]) : 1; writes && i <= atoi(argv[3]); ++i) {
    char text[16];
    snprintf(text, sizeof text, "%02d", i);
    MDB_val value = {strlen(text), text};
    check(mdb_txn_begin(env, NULL, 0, &txn));
    check(mdb_dbi_open(txn, NULL, 0, &db));
    check(mdb_put(txn, db, &value, &value, 0));
    check(mdb_txn_commit(txn));
    printf("ok %s\n", text);
    fflush(stdout);
  }
  if (!writes) {
    MDB_cursor* at;
    MDB_val key, value;
    check(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
    check(mdb_dbi_open(txn, NULL, 0, &db));
    check(mdb_cursor_open(txn, db, &at));
    while (mdb_cursor_get(at, &key, &value, MDB_NEXT) == 0) {
      printf("%.*s %.*s\n", (int)key.mv_size, (char*)key.mv_data, (int)value.mv_size, (char*)value.mv_data);
    }
    mdb_txn_abort(txn);
  }
  mdb_env_close(env);
  return 0;
}
