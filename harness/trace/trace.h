// A recorded run: the data directory as it was before, and every event since.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/trace/event.h"
#include "harness/trace/event_list.h"

namespace crashpoint::trace {

// The content of a directory: relative path -> entry. Parents sort before what they hold.
struct ImageEntry {
  enum class Kind : std::uint8_t { kFile, kDirectory, kSymlink };
  Kind kind = Kind::kFile;
  std::uint32_t mode = 0644;
  std::string content;  // of a file; the target of a symlink
  FileId file = 0;      // equal for hard links of one file; 0 outside a trace
};
using Image = std::map<std::string, ImageEntry>;

// Bytes recorded with events; kept in memory up to a bound, then spilled to an unlinked file.
class DataStore {
 public:
  virtual ~DataStore() = default;
  virtual DataRef append(std::span<const std::byte> bytes) = 0;
  // Valid while the store lives.
  [[nodiscard]] virtual std::string_view view(DataRef ref) const = 0;
};

// In words for the report.
using Notes = std::vector<std::string>;

struct Trace {
  Image initial;                     // the data directory before the first event
  EventList events;                  // in order of `enter`
  std::shared_ptr<DataStore> store;  // holds every DataRef of `events`
  Notes notes;   // what else a reader should know: how the run differed from one without a tracer
  Notes unseen;  // what may have been done to the data directory without an event ("shared mapping
                 // of x.db"): nothing that rests on this trace can be called durable or a pass
  Position end = 0;  // past every position used

  [[nodiscard]] std::string_view data(const Event& event) const { return store->view(event.data); }
};

}  // namespace crashpoint::trace
