// What the traced programs' paths and descriptors stand for.
//
// Inodes       One per file ever seen, told apart as the kernel does (FileKey). Sizes and names are kept
//              up by hand from the calls that change them, because only then do they tell what was true at
//              the time of the call.
// Places       A name in a directory. The directory is opened, and which one that is is asked of the kernel: its
//              path is what the trace calls it, however the program reached it (another root, other mounts,
//              a path that is too long to be said).
// Descriptors  Looked up in /proc once and remembered until the number can mean something else
//              (close, dup2, exec ...). A process's table starts empty, whatever it inherits.
// Followed     What is or was in the data directory, and what came from outside and was read then. Its bytes
//              and names are recorded wherever it is; outside by absolute paths.
//
// All of it belongs to the tracer's thread.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/fd.h"
#include "harness/ptrace/connection.h"
#include "harness/ptrace/kernel/kernel_path.h"
#include "harness/ptrace/kernel/on_disk.h"
#include "harness/trace/event.h"
#include "harness/trace/trace.h"

namespace crashpoint::ptrace {

struct Inode {
  trace::FileId id = 0;
  trace::Name path;       // as in trace::Event::path: the last name it is known by
  bool followed = false;  // as in trace::Event::inside
  bool directory = false;
  bool regular = false;
  bool special = false;            // a socket, a FIFO or a device: no data
  bool elsewhere = false;          // on another filesystem than the data directory
  bool named = false;              // has had a name that is followed
  bool unsynced = false;           // changed while it was not followed, and not synced since
  std::uint32_t mode = 0;          // permission bits, of what is followed
  std::uint32_t names = 0;         // that are followed
  std::uint32_t names_inside = 0;  // of these, in the data directory
  std::int64_t size = 0;           // of a regular file that is followed
  // Calls that write to it or, to a directory, change names in it.
  std::uint32_t in_flight = 0;
  std::vector<pid_t> waiting;  // threads held until there are none
};

// What the first program was given as its standard output and error.
enum class Stream : std::uint8_t { kNone, kOutput, kError };

enum class DescriptorKind : std::uint8_t { kFile, kDirectory, kSocket, kOther };

struct Descriptor {
  DescriptorKind kind = DescriptorKind::kOther;
  Inode* inode = nullptr;         // of kFile and kDirectory
  trace::Name peer;               // of kSocket: as in trace::Event::connection
  std::uint32_t flags = 0;        // open flags, of kFile and kDirectory
  std::uint64_t flags_as_of = 0;  // see Files::flags_changed()
  Stream stream = Stream::kNone;
  bool internal = false;   // of kSocket: what is sent there reaches the traced tree
  int copy = -1;           // ours, if acting through it is the same as if the program did
  unsigned writes = 0;     // to a file, while there is no copy
  int position_file = -1;  // our /proc/PID/fdinfo/FD, opened when its offset is first asked for

  Descriptor() = default;
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

// The descriptors of one process, or of several that share them (CLONE_FILES).
class DescriptorTable {
 public:
  [[nodiscard]] Descriptor* find(int fd) {
    return fd >= 0 && static_cast<std::size_t>(fd) < table_.size()
               ? table_[static_cast<std::size_t>(fd)].get()
               : nullptr;
  }
  Descriptor& add(int fd);
  void forget(int fd);
  void forget_range(std::uint64_t first, std::uint64_t last);
  void forget_all() { table_.clear(); }

  // Whether a number means now what it meant when it was added.
  [[nodiscard]] bool is_certain() const { return !divided_ && changing_ == 0; }
  // Some of the threads have a table of their own from here on.
  void divide() { divided_ = true; }
  // Numbers come to mean something else between these.
  void change_begins() { ++changing_; }
  void change_ends() { --changing_; }

  // Number `to` becomes a copy of `from`.
  void copied(int from, int to) { copy_of_[to] = original(from); }
  // The number that `fd` was copied from first, as far as is known; else `fd`.
  [[nodiscard]] int original(int fd) const {
    const auto found = copy_of_.find(fd);
    return found == copy_of_.end() ? fd : found->second;
  }
  // For who inherits the descriptors: nothing is known of them but which are copies.
  [[nodiscard]] std::shared_ptr<DescriptorTable> inherited() const {
    auto table = std::make_shared<DescriptorTable>();
    table->copy_of_ = copy_of_;
    return table;
  }

 private:
  std::vector<std::unique_ptr<Descriptor>> table_;
  std::map<int, int> copy_of_;
  bool divided_ = false;
  std::uint32_t changing_ = 0;
};

// A name in a directory, as a call gave it.
struct Place {
  trace::Name name;            // as in trace::Event::path
  Inode* directory = nullptr;  // null: the tracer has found none
  Fd opened;                   // the directory, O_PATH
  std::string last;            // its name in there; empty: the directory itself

  [[nodiscard]] bool followed() const { return directory != nullptr && directory->followed; }
  [[nodiscard]] bool inside() const { return followed() && !name.str().starts_with('/'); }
};

class Files {
 public:
  // `data_directory` exists. Reads all of it into `initial`, the content of files if asked to. What cannot
  // be read is left out, and noted.
  Files(const std::string& data_directory, trace::Image& initial, bool with_content,
        trace::Notes& notes);

  // What 1 and 2 of this thread stand for now is the tree's standard output and error from here on.
  void take_streams(ThreadId thread);
  // Among whom a connection is the tree's own.
  [[nodiscard]] Insiders& insiders() { return insiders_; }
  // From here on some threads may have another root directory or other mounts than the tracer.
  void roots_may_differ() { roots_may_differ_ = true; }

  // `directory_fd` as for openat(2).
  [[nodiscard]] Place place(ThreadId thread, int directory_fd, std::string_view path);
  [[nodiscard]] std::optional<FileStatus> status(const Place& place, bool follow = false) const;
  // The file there now, its last symlink followed or not; nullptr: none there.
  Inode* find(const Place& place, bool follow = false);

  // What descriptor `fd` is, from memory or from /proc; nullptr: it is not open.
  Descriptor* descriptor(DescriptorTable& table, ThreadId thread, int fd);
  // The flags of some open file have been changed: all that are remembered are looked up again.
  void flags_changed() { ++flags_as_of_; }
  // The offset of an open file, in bytes, right now; -1: the thread is gone.
  std::int64_t position(Descriptor& descriptor, ThreadId thread, int fd);

  // Has happened:
  // An open that may make a file returned `fd`; `asked` is what it was asked for, `exclusive` as by O_EXCL.
  struct Opened {
    Inode* made = nullptr;  // null: it was there already
    bool lost = false;      // it was made, and nobody can tell where
  };
  Opened opened(ThreadId thread, int fd, const Place& asked, bool exclusive);
  // A file without a name (O_TMPFILE).
  Inode* opened_unnamed(ThreadId thread, int fd, const Place& directory);
  // What a place stands for now was made there.
  Inode& made(const Place& place, const FileStatus& status);
  void renamed(const Place& from, const Place& to, bool exchanged);
  void named(Inode& inode, const std::string& name);
  void unnamed(const std::string& name);
  // A file, followed or not.
  Inode& look(const FileStatus& status, const std::string& absolute) {
    return known_or_added(status, absolute);
  }
  // It comes from outside, and has been read.
  Inode& follow(const FileStatus& status, const std::string& name);
  // What a followed name stands for; nullptr: there is none such.
  [[nodiscard]] const Inode* followed(const std::string& name) const;
  void synced_all();

  // Bytes in the files of the data directory (their sizes; an unlinked file takes none).
  [[nodiscard]] std::uint64_t bytes_inside() const { return bytes_inside_; }
  void set_size(Inode& inode, std::int64_t size);
  // By how much a write, copy or allocation would make its file longer. Holes count as used.
  [[nodiscard]] std::int64_t growth(const trace::Event& event) const;

  [[nodiscard]] const std::string& data_directory() const { return data_directory_; }
  // Its path still leads to it.
  [[nodiscard]] bool data_directory_is_there() const;
  // From here on it is not what its path leads to.
  void data_directory_went() { went_ = true; }
  [[nodiscard]] std::string absolute(const std::string& name) const;

  // What is on disk and is not what the calls that were seen have made.
  struct Difference {
    std::string path;
    trace::FileId file = 0;  // 0: not known
    std::string what;        // in words
  };
  [[nodiscard]] std::vector<Difference> differences() const;

 private:
  Inode& add(const FileStatus& status, std::string_view absolute);
  [[nodiscard]] Inode* known(const FileStatus& status) const;
  Inode& known_or_added(const FileStatus& status, std::string_view absolute);
  [[nodiscard]] bool same_root(pid_t tid) const;
  // A name, and whether it is followed.
  struct Found {
    std::string name;
    bool followed = false;
  };
  std::optional<Found> place_of(ThreadId thread, int fd, const FileStatus& status,
                                const Place& asked);
  std::optional<Found> find_in(int directory, const std::string& last, const FileKey& key);
  [[nodiscard]] Stream stream_of(const std::string& path, int number) const;
  void refresh_flags(Descriptor& descriptor, ThreadId thread, int fd);

  std::string data_directory_;  // canonical
  FileKey key_;                 // of it
  bool roots_may_differ_ = false;
  bool went_ = false;
  std::array<std::string, 2> streams_;  // as /proc/PID/fd/1 and 2 name them
  Insiders insiders_;
  std::deque<Inode> inodes_;  // by trace::FileId - 1
  std::map<FileKey, Inode*> by_key_;
  std::map<std::string, Inode*, std::less<>> names_;  // that are followed
  std::set<std::string, std::less<>> unreadable_;     // directories, at the start
  std::uint64_t flags_as_of_ = 0;
  std::uint64_t bytes_inside_ = 0;
};

}  // namespace crashpoint::ptrace
