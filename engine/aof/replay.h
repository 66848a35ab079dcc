// Replays one file of the append only file, and decides what its end is worth.
//
// What follows from which state is laid down in a table of load rules (the README of this folder).
// Nothing is changed on disk here: a tail that must go is reported as `valid_size`, and cut by the
// one who opens the file for appending, after everything has been loaded.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/aof/replay_target.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/io/file.h"

namespace engine::aof {

struct ReplayOptions {
  std::uint64_t offset = 0;  // where commands begin: after an RDB preamble, otherwise 0
  bool last = false;         // only the last file of a manifest may end in the middle of something
  bool truncated_ok = true;  // aof-load-truncated
  bool checksum = true;      // aof-checksum: annotations are verified
  int databases = 16;
  std::int64_t command_delay_us = 0;                   // key-load-delay
  std::function<void(std::uint64_t offset)> progress;  // every 1024 commands; may be empty
};

// Commands of a log that had no effect, for the server's log.
struct WithoutEffect {
  std::uint64_t count = 0;
  std::string first;  // "'SAVE' at byte 123"
};

struct ReplayResult {
  std::uint64_t commands = 0;    // handed to the target
  std::uint64_t valid_size = 0;  // the file up to here was replayed; the rest must be cut off
  std::uint64_t file_size = 0;
  // What is appended at valid_size and torn by a power loss can be distinguished from damage: the
  // last thing before it is ours, under a checksum.
  bool checked = false;
  std::string cut_reason;  // why valid_size < file_size, for the log
  WithoutEffect skipped;   // they change no data
  WithoutEffect refused;   // the data before them is not what they were logged on
};

// An error's message names the file and what to do; the state of `target` is then worthless.
Result<ReplayResult> replay_file(const io::File& file, const ReplayOptions& options,
                                 ReplayTarget& target);

}  // namespace engine::aof
