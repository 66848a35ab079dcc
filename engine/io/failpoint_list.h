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
    {"aof/load/before-truncate", "everything is loaded, a torn tail is about to be cut off"},
    {"aof/load/after-truncate", "the torn tail is cut off, not yet synced"},
    {"manifest/write/before", "a new manifest is about to be written to its temporary name"},
    {"manifest/sync/before", "the temporary manifest is written, about to be synced"},
    {"manifest/rename/before", "the temporary manifest is durable, about to take its name"},
    {"manifest/rename/after", "the new manifest has its name, the directory is not yet synced"},
    {"manifest/directory-sync/after", "the new manifest is durable"},
    {"planted/reply-before-append", "bug: replies leave before the log is written"},
    {"planted/skip-fsync", "bug: under appendfsync always the log is not synced"},
    {"planted/skip-manifest-directory-sync", "bug: the directory is not synced after the rename"},
    {"planted/skip-tail-truncation", "bug: a torn tail is skipped at load, but stays in the file"},
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
