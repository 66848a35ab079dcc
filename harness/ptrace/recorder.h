// Turns syscalls into events: what a call means at its entry, what it did at its exit.
//
// The tracer drives it: enter() at a seccomp stop; then, if the kernel runs the call and it is
// followed, leave() at its exit; or skipped() when a fault keeps the kernel from running it.
// All in the tracer's thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/ptrace/files.h"
#include "harness/ptrace/kernel/registers.h"
#include "harness/ptrace/tracer.h"
#include "harness/ptrace/tree.h"
#include "harness/trace/data_store.h"
#include "harness/trace/syscalls.h"
#include "harness/trace/trace.h"
#include "harness/trace/trace_file.h"

namespace crashpoint::ptrace {

class Recorder {
 public:
  // `file`, if not null, gets every complete event; `store` is then the one of the file.
  Recorder(const TracerOptions& options, std::shared_ptr<trace::SegmentStore> store,
           trace::TraceFileWriter* file);

  enum class Follow : std::uint8_t {
    kNone,   // nothing to record
    kEntry,  // an event, complete already: the exit is of no interest
    kExit,   // an event that leave() completes
    kWait,  // not now: enter() again when leave() has left thread.call.inode with nothing in flight.
    // (Where a write goes is known only if it is alone: O_APPEND, file position. And which of
    // two calls changed a name first, only if they come one after the other.)
  };
  // Fills thread.call. With kEntry and kExit, event(thread.call.event) is the new event.
  Follow enter(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry);

  // The kernel has run the call and returned `performed`; the program sees `result`.
  void leave(Thread& thread, std::int64_t performed, std::int64_t result);

  // The kernel does not run the call; the program sees `result`.
  void skipped(Thread& thread, std::int64_t result);

  // The thread has died, perhaps in the middle of a call.
  void abandoned(Thread& thread);

  // `size` bytes of the program's memory at `address` are about to become writable.
  void made_writable(const Thread& thread, std::uint64_t address, std::uint64_t size);

  // A process is about to make a connection.
  void connects(const Thread& thread, const SyscallEntry& entry);

  // An event that takes no time: kThread, kExec, kFailpoint. The caller fills in the rest and says
  // when it is complete().
  trace::Event& instant(const Thread& thread, trace::Op op, trace::Name syscall);
  void complete(const trace::Event& event);

  // A process has ended.
  void ended(const Process& process, int status);

  // Sets what a child was forked for, in its events so far too.
  void set_purpose(Process& child, trace::Name purpose);

  // Something a reader should know, or something that was not seen: see trace::Trace. Once each.
  void note(const std::string& text);
  void unseen(const std::string& text);

  // From any thread. From now on others change the directory as well: the trace need not explain it, and
  // what is not seen of it is no matter.
  void share_directory() { shared_ = true; }

  // Whether what the thread does can be seen at all: an ordinary user may not look into a process whose program
  // it may not read, or which has changed its privileges. If not, that is noted.
  bool can_see(const Thread& thread);

  [[nodiscard]] trace::Event& event(std::size_t index) { return trace_.events[index]; }
  [[nodiscard]] const trace::Event& event(std::size_t index) const { return trace_.events[index]; }
  [[nodiscard]] trace::Position now() const { return trace_.end; }
  [[nodiscard]] Files& files() { return files_; }
  [[nodiscard]] const trace::Trace& trace() const { return trace_; }
  // The end: nothing may be recorded any more.
  [[nodiscard]] trace::Trace take();

 private:
  trace::Event& begin(Thread& thread, const trace::Syscall& syscall, trace::Op op);
  void end(trace::Event& event, std::int64_t performed, std::int64_t result);
  void place(trace::Event& event, const Inode& inode) const;
  [[nodiscard]] Descriptor* descriptor(const Thread& thread, int fd);
  [[nodiscard]] Place place_at(const Thread& thread, std::int8_t directory, std::int8_t path);
  static void hold(Call& call, Inode* inode);
  static void release(Call& call);

  // recorder.cc
  Follow enter_close(Thread& thread, const trace::Syscall& syscall);
  Follow enter_sync(Thread& thread, const trace::Syscall& syscall);
  Follow enter_map(Thread& thread, const trace::Syscall& syscall);
  void leave_map(Thread& thread, trace::Event& event);
  void note_shared(const std::string& file);
  void leave_sync(Thread& thread, trace::Event& event);
  Follow enter_fork(Thread& thread, const trace::Syscall& syscall);
  // recorder_bytes.cc: what changes a file's bytes or size, and what is sent
  Follow enter_write(Thread& thread, const trace::Syscall& syscall);
  void leave_write(Thread& thread, trace::Event& event);
  void capture(const Thread& thread, const trace::Syscall& syscall, trace::Event& event);
  Follow enter_copy(Thread& thread, const trace::Syscall& syscall);
  void leave_copy(Thread& thread, trace::Event& event);
  Follow enter_size(Thread& thread, const trace::Syscall& syscall);
  void leave_size(Thread& thread, trace::Event& event);
  void find_true_offset(Thread& thread, trace::Event& event);
  // recorder_names.cc: what makes, changes and removes names, and modes
  Follow enter_open(Thread& thread, const trace::Syscall& syscall);
  void leave_open(Thread& thread, trace::Event& event);
  Follow enter_names(Thread& thread, const trace::Syscall& syscall);
  void leave_names(Thread& thread, trace::Event& event);
  void leave_rename(Thread& thread, const trace::Event& event);
  void leave_link(Thread& thread, trace::Event& event);
  void leave_made(trace::Event& event, const Place& made);
  void tell_of_special(trace::Event& event, const Inode* replaced);
  void watch_data_directory();
  Follow enter_mode(Thread& thread, const trace::Syscall& syscall);
  void leave_mode(Thread& thread, trace::Event& event);
  // recorder_arrivals.cc: what comes from outside, and what the end must be
  struct FoundFile {
    FileStatus status;
    int directory = -1;
    std::string name;  // in there; empty: `directory` is the file itself, opened with O_PATH
    std::string path;  // as in trace::Event::path
  };
  void read_arrivals(Thread& thread, const trace::Syscall& syscall, const Call::Places& places);
  void read_arrival(const Thread& thread, const Place& place, bool follow);
  void tell_found(const Thread& thread, const FoundFile& found);
  trace::DataRef read_found(const FoundFile& found);
  trace::DataRef read_content(int file, std::int64_t offset, std::size_t size);
  void expect_followed(const Place& place);
  void check_end();

  std::shared_ptr<trace::SegmentStore> store_;
  trace::TraceFileWriter* file_;
  trace::Trace trace_;
  Files files_;
  std::set<std::string> noted_;
  std::atomic<bool> shared_ = false;
};

}  // namespace crashpoint::ptrace
