// What a trace says of durability without any crash: for each file what was written, synced and
// named; and the audit: what had been acknowledged while something was not yet durable.
//
// Durable       Bytes by fsync, fdatasync, O_SYNC of their file, or sync; names by fsync of their
//               directory, or sync. That is the weakest promise: many filesystems do more.
// Acknowledged  A send on a socket that returned, or a line on standard output.
// Not all that was not durable at an acknowledgement need have been promised by it: the audit lists
// what could be lost, the reader knows what should not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/trace/event.h"
#include "harness/trace/trace.h"

namespace crashpoint::trace {

// Something not durable while acknowledgements went out.
struct Exposure {
  std::uint64_t acks = 0;       // so many
  std::uint64_t bytes_max = 0;  // so many bytes at most, of a file's content
  Position first = kNever;      // the first such acknowledgement
  std::int64_t first_ns = 0;
};

struct FileSummary {
  Name path;  // its last name
  bool directory = false;
  bool created = false;
  bool unlinked = false;
  std::uint64_t writes = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t syncs = 0;           // that succeeded
  bool unsynced = false;             // at the end: content or size changed since the last sync
  std::uint64_t bytes_unsynced = 0;  // of that, bytes written
  bool name_unsynced = false;  // at the end: a crash may lose its name, or give it the old one
  Exposure content;            // acknowledged while content was not durable
  Exposure name;               // and while its name was not
};

struct Audit {
  std::vector<FileSummary> files;  // inside the data directory, by path
  std::uint64_t sends = 0;         // acknowledgements of each kind
  std::uint64_t output_lines = 0;
  std::uint64_t connections = 0;
};

[[nodiscard]] Audit audit(const Trace& trace);

}  // namespace crashpoint::trace
