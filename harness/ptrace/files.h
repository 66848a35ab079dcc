// What the traced programs' paths and descriptors stand for.
//
// Inodes       One per file ever seen, with its size and names kept up by hand from the calls that
//              change them, because only then do they tell what was true at the time of the call.
// Descriptors  Looked up in /proc once and remembered until the number can mean something else
//              (close, dup2, exec ...). A process's table starts empty, whatever it inherits.
// Resolution   Paths are made absolute through /proc/PID/cwd or the directory's descriptor, and
//              their parent is followed through symlinks, at the entry of the call. Programs that
//              chroot or live in another mount namespace are not followed there.
//
// All of it belongs to the tracer's thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/ptrace/connection.h"
#include "harness/trace/event.h"
#include "harness/trace/trace.h"

namespace crashpoint::ptrace {

struct Inode {
  trace::FileId id = 0;
  trace::Name path;  // as in trace::Event::path: the last name it is known by
  bool inside = false;
  bool directory = false;
  bool regular = false;
  bool elsewhere = false;   // on another filesystem than the data directory
  std::uint32_t links = 1;  // names; 0: unlinked
  std::int64_t size = 0;    // of a regular file inside the data directory
  std::uint32_t writes_in_flight = 0;
  std::vector<pid_t> waiting;  // threads held until no write is in flight
};

// What the first program was given as its standard output and error.
enum class Stream : std::uint8_t { kNone, kOutput, kError };

enum class DescriptorKind : std::uint8_t { kFile, kDirectory, kSocket, kOther };

struct Descriptor {
  DescriptorKind kind = DescriptorKind::kOther;
  Inode* inode = nullptr;   // of kFile and kDirectory
  trace::Name peer;         // of kSocket: as in trace::Event::connection
  std::uint32_t flags = 0;  // open flags
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
};

// A thread and the process (thread group) it belongs to.
struct ThreadId {
  pid_t pid = 0;
  pid_t tid = 0;
};

// A path as a call gave it, made absolute.
struct ResolvedPath {
  std::string absolute;
  trace::Name name;  // as in trace::Event::path
  bool inside = false;
};

// The path with every symlink followed; the path itself if there is nothing.
[[nodiscard]] std::string canonical(const std::string& path);

// `directory_fd` as for openat(2); `data_directory` is canonical.
[[nodiscard]] ResolvedPath resolve_path(const std::string& data_directory, ThreadId thread,
                                        int directory_fd, std::string_view path);

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

  // As resolve_path().
  [[nodiscard]] ResolvedPath resolve(ThreadId thread, int directory_fd,
                                     std::string_view path) const {
    return resolve_path(data_directory_, thread, directory_fd, path);
  }

  // The file at an absolute path, its last symlink followed or not; nullptr: none there.
  Inode* find(const ResolvedPath& path, bool follow = false);

  // What descriptor `fd` of `tid` is, from memory or from /proc; nullptr: it is not open.
  Descriptor* descriptor(DescriptorTable& table, ThreadId thread, int fd);

  // The offset of an open file, in bytes, right now; -1: the thread is gone.
  std::int64_t position(Descriptor& descriptor, ThreadId thread, int fd);

  // Has happened:
  // `named` is false for O_TMPFILE.
  Inode& created(const ResolvedPath& path, const struct stat& status, bool named);
  void renamed(const ResolvedPath& from, const ResolvedPath& to, bool exchanged);
  void linked(Inode& inode, const ResolvedPath& to);
  void unlinked(const ResolvedPath& path);

  // Bytes in the files of the data directory (their sizes; an unlinked file takes none).
  [[nodiscard]] std::uint64_t bytes_inside() const { return bytes_inside_; }
  void set_size(Inode& inode, std::int64_t size);
  // By how much a write, copy or allocation would make its file longer. Holes count as used.
  [[nodiscard]] std::int64_t growth(const trace::Event& event) const;

  [[nodiscard]] const std::string& data_directory() const { return data_directory_; }

 private:
  struct InodeKey {
    dev_t device;
    ino_t number;
    auto operator<=>(const InodeKey&) const = default;
  };

  Inode& add(const struct stat& status, std::string_view absolute);
  Inode& known(const struct stat& status, std::string_view absolute);
  [[nodiscard]] trace::Name name_of(std::string_view absolute) const;
  [[nodiscard]] Stream stream_of(const std::string& path, int number) const;
  // `initial`: null to know the names only.
  struct Initial {
    trace::Image& image;
    bool with_content = false;
    trace::Notes& notes;
  };
  void read_directory(const std::string& absolute, const Initial* initial);
  void drop_name(const std::string& name);

  std::string data_directory_;          // canonical
  dev_t device_ = 0;                    // that it is on
  std::array<std::string, 2> streams_;  // as /proc/PID/fd/1 and 2 name them
  Insiders insiders_;
  std::deque<Inode> inodes_;  // by trace::FileId - 1
  std::map<InodeKey, Inode*> by_key_;
  std::map<std::string, Inode*, std::less<>> names_;  // of what lies inside, by trace::Event::path
  std::uint64_t bytes_inside_ = 0;
};

}  // namespace crashpoint::ptrace
