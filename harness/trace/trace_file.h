// A trace on disk: FILE, lines of JSON, beside FILE.data, the recorded bytes.
//
//   line 1     {"crashpoint_trace": 1, "directory": the data directory, "command": [...],
//               "initial": {path: {"kind", "mode", "file", "data": [offset, size]}}}
//   then       an event a line, when it is complete: the members of trace::Event by name, those that
//              are zero or empty left out; "ns": [enter_ns, exit_ns], "is": the names of the members
//              that are true, "data": [offset, size] in FILE.data. A later line with the same
//              "enter" replaces an earlier one.
//   last line  {"end": position past all, "notes": [...], "unseen": [...],
//               "purposes": {child: purpose}}
//
// Version    The number in line 1. Readers refuse a higher one; members they do not know they skip.
// Crashes    Each line is written at once, each byte of data is in FILE.data before its event. If the
//            harness is killed, the last lines are missing, the last one may be torn, and FILE.data
//            may end in NULs: what can be read is a valid trace of the time up to then.
// Names      are bytes to the kernel but text in JSON: in one that is not UTF-8, or that has a \x in it,
//            a byte that is not UTF-8 is \xNN and a backslash is two. All others stay as they are.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/trace/data_store.h"
#include "harness/trace/trace.h"

namespace crashpoint::trace {

class TraceFileWriter {
 public:
  // Replaces FILE and FILE.data. Throws EnvironmentError if they cannot be written, here and later.
  TraceFileWriter(const std::string& path, const std::string& directory,
                  const std::vector<std::string>& command);
  ~TraceFileWriter();
  TraceFileWriter(const TraceFileWriter&) = delete;
  TraceFileWriter& operator=(const TraceFileWriter&) = delete;

  // Where the bytes of the events must be: in FILE.data.
  [[nodiscard]] const std::shared_ptr<SegmentStore>& store() const { return store_; }

  void begin(const Image& initial);
  void add(const Event& event);
  // Events still in the kernel, what is known only now, and the end.
  void finish(const Trace& trace);

 private:
  void write_line(const std::string& line);

  std::string path_;
  std::string directory_;
  std::vector<std::string> command_;
  std::shared_ptr<SegmentStore> store_;
  int file_ = -1;
};

struct TraceFile {
  Trace trace;
  std::string directory;
  std::vector<std::string> command;
  bool complete = false;  // the last line is there: the harness was not interrupted
};

// Throws UsageError for what is no trace file, or one of a later version.
[[nodiscard]] TraceFile read_trace_file(const std::string& path);

}  // namespace crashpoint::trace
