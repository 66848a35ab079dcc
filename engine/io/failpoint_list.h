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
    {"aof/append/before-fsync",
     "the increment is about to be synced (always: main thread; everysec: background)"},
    {"aof/append/after-fsync", "the increment is synced, the replies are not yet sent"},
    {"planted/reply-before-append", "bug: replies leave before the log is written"},
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
