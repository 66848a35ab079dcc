// What a trace says of durability without any crash: for each file what was written, synced and
// named; and the audit: what had been acknowledged while something was not yet durable.
//
// Durable       Bytes by fsync, fdatasync, O_SYNC of their file, or sync; names, and that a name is gone,
//               by fsync of their directory, or sync. That is the weakest promise: many filesystems do
//               more. A sync counts only if it is one of the filesystem of the data directory.
// Acknowledged  What `Acks` says: a send on a socket that returned, a line on standard output.
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

// What the program says that its work is done by.
struct Acks {
  bool sends = true;    // bytes sent on a socket, to others than itself
  bool output = true;   // a line on standard output
  bool errors = false;  // a line on standard error
  bool exit = false;    // the first process ends with status 0
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
  bool name_unsynced = false;     // at the end: a crash may lose its name, or give it the old one
  bool removal_unsynced = false;  // at the end: a crash may bring back a name it had
  Name removed;                   // the last name taken from it: by removal, or a move elsewhere
  Exposure content;               // acknowledged while content was not durable
  Exposure name;                  // and while its name was not
  Exposure removal;               // and while the loss of a name was not
};

struct Audit {
  std::vector<FileSummary> files;  // inside the data directory, by path
  Acks held_against;               // what was taken for an acknowledgement
  std::uint64_t sends = 0;         // of each kind that was
  std::uint64_t connections = 0;
  std::uint64_t output_lines = 0;
  std::uint64_t error_lines = 0;
  std::uint64_t exits = 0;
  std::uint64_t changes = 0;  // calls that changed the data directory

  [[nodiscard]] std::uint64_t acks() const { return sends + output_lines + error_lines + exits; }
};

// Whether the call changed the data directory: bytes, sizes, names.
[[nodiscard]] bool changes_directory(const Event& event);

[[nodiscard]] Audit audit(const Trace& trace, const Acks& acks = {});

}  // namespace crashpoint::trace
