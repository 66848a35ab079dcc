// Every failpoint of the engine, with what happens there.
#pragma once

#include <array>
#include <string_view>

namespace engine::io {

struct Failpoint {
  const char* name;
  const char* description;
};

inline constexpr auto kFailpoints = std::to_array<Failpoint>({
    {"aof/append/before-write", "a batch of steps is about to be written to the increment"},
    {"aof/append/after-write", "the batch is written, not yet synced, not yet acknowledged"},
    {"aof/append/before-fsync", "the increment is about to be synced"},
    {"aof/append/after-fsync", "the increment is synced, the replies are not yet sent"},
    {"aof/increment/before-create", "a new increment is about to be created"},
    {"aof/increment/before-thread", "the thread that syncs an increment is about to be started"},
    {"aof/load/before-file", "a base or an increment is about to be loaded"},
    {"aof/load/before-truncate", "everything is loaded, a torn tail is about to be cut off"},
    {"aof/load/after-truncate", "the torn tail is cut off, not yet synced"},
    {"manifest/write/before", "a new manifest is about to be written to its temporary name"},
    {"manifest/sync/before", "the temporary manifest is written, about to be synced"},
    {"manifest/rename/before", "the temporary manifest is durable, about to take its name"},
    {"manifest/rename/after", "the new manifest has its name, the directory is not yet synced"},
    {"manifest/directory-sync/after", "the new manifest is durable"},
    {"rdb/save/before-write", "the temporary snapshot file is about to be created"},
    {"rdb/save/half", "half of the keys are in the snapshot"},
    {"rdb/save/before-fsync", "the snapshot is written, about to be synced"},
    {"rdb/save/after-fsync", "the snapshot is durable under its temporary name"},
    {"rdb/save/before-rename", "the snapshot is about to take its name"},
    {"rdb/save/after-rename", "the snapshot has its name, the directory is not yet synced"},
    {"rdb/save/after-directory-sync", "the snapshot is durable under its name"},
    {"rdb/bgsave/before-fork", "a child is about to be forked for a snapshot"},
    {"rdb/bgsave/after-fork", "in the parent: the snapshot child runs"},
    {"rdb/bgsave/child-start", "in the child: before it does anything"},
    {"rdb/bgsave/child-before-exit",
     "in the child: the snapshot is durable under its temporary name"},
    {"aof/rewrite/before-fork", "the log is synced, a child is about to be forked for a rewrite"},
    {"aof/rewrite/after-fork",
     "in the parent: the rewrite child runs, the log still goes to the old increment"},
    {"aof/rewrite/after-switch", "the log goes to a new increment that the manifest names"},
    {"aof/rewrite/child-start", "in the child: before it does anything"},
    {"aof/rewrite/child-half", "in the child: half of the keys are in the new base"},
    {"aof/rewrite/child-before-fsync", "in the child: the new base is written, about to be synced"},
    {"aof/rewrite/child-before-exit",
     "in the child: the new base is durable under its temporary name"},
    {"aof/rewrite/before-base-rename",
     "the child has succeeded, the new base is about to get its name"},
    {"aof/rewrite/after-base-rename",
     "the new base has its name, the manifest does not name it yet"},
    {"aof/rewrite/before-history-removal",
     "the manifest names the new base, the old files are about to be removed"},
    {"aof/rewrite/after-history-removal",
     "the old files are removed, the manifest still lists them as history"},
    {"planted/reply-before-append", "bug: replies leave before the log is written"},
    {"planted/skip-fsync", "bug: under appendfsync always the log is not synced"},
    {"planted/skip-manifest-directory-sync", "bug: the directory is not synced after the rename"},
    {"planted/skip-sync-of-the-replaced-log",
     "bug: a rewrite goes on in a new log without having synced the one before"},
    {"planted/skip-snapshot-fsync",
     "bug: a snapshot or base takes its name without having been synced"},
    {"planted/skip-tail-truncation", "bug: a torn tail is skipped at load, but stays in the file"},
    {"planted/hold-log-after-truncation",
     "bug: once a torn tail was cut off, the log is written when the server ends, not before"},
    {"planted/skip-fsync-after-truncation",
     "bug: once a torn tail was cut off, the log is not synced under appendfsync always"},
    {"planted/ignore-base-rename-error",
     "bug: a rewrite whose base file does not get its name goes on as if it had"},
    {"planted/skip-fsync-at-the-end", "bug: the log is not synced before the server ends"},
    {"planted/keep-temporary-files", "bug: files that an earlier process left are not removed"},
    {"planted/leak-descriptor", "bug: each rewrite that fails leaves a descriptor open"},
    {"planted/retry-at-once", "bug: a snapshot that failed is tried again without a pause"},
    {"planted/child-outlives-its-parent",
     "bug: a child goes on when its parent was killed, and gives its snapshot the name itself"},
    {"planted/no-directory-lock", "bug: a server starts on a directory that another one uses"},
    {"planted/keep-refusing", "bug: once the log could not be written, no write is accepted again"},
});

constexpr bool is_failpoint(std::string_view name) {
  for (const Failpoint& failpoint : kFailpoints) {
    if (name == failpoint.name) {
      return true;
    }
  }
  return false;
}

}  // namespace engine::io
