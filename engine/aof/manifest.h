// The manifest: which files make up the append only file, in the order in which they are loaded.
//
// Text, one file a line: "file <name> seq <n> type <b|h|i>\n" (base, history, increment;
// redis-server 7.0's aof.c). Pairs may come in any order, unknown keys are ignored, a line that
// starts with '#' is a comment, a name with blanks or unprintable bytes is quoted. History files
// are no longer needed and wait to be deleted.
//
// A manifest that names no file (ours has only a comment then) says that a log is being created:
// files that are there already are the leftovers of an attempt in which nothing was acknowledged.
// Without it they could not be distinguished from a log whose manifest is lost.
//
// With `aof-checksum yes` the first line is the comment "#CRC:<size>:<check>\n": a checksum, as in
// aof_format.h but of no session, of the `size` bytes that follow. A flipped bit can turn an
// increment into history, and a file cut at the end of a line still parses: neither would be
// noticed. redis-server skips the line, and leaves it out when it writes a manifest of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace engine::aof {

struct ManifestEntry {
  std::string name;  // no path
  std::uint64_t seq = 0;

  bool operator==(const ManifestEntry&) const = default;
};

struct Manifest {
  std::optional<ManifestEntry> base;
  std::vector<ManifestEntry> history;
  std::vector<ManifestEntry> increments;  // seq strictly increasing

  bool operator==(const Manifest&) const = default;

  bool names_nothing() const { return !base && history.empty() && increments.empty(); }
  std::uint64_t next_base_seq() const { return base ? base->seq + 1 : 1; }
  std::uint64_t next_increment_seq() const {
    return increments.empty() ? 1 : increments.back().seq + 1;
  }
  // Base and increments, in loading order.
  std::vector<ManifestEntry> files() const;
};

// Where and why a manifest was refused; `reason` is redis-server's text.
struct ManifestError {
  std::size_t line = 0;  // from 1
  std::string content;   // of the line
  std::string reason;
};

// `verify`: holds a checksum, if there is one, against the rest.
tl::expected<Manifest, ManifestError> parse_manifest(std::string_view text, bool verify);
std::string format_manifest(const Manifest& manifest, bool checksum);

// Names inside the directory.
std::string manifest_name(std::string_view appendfilename);
std::string temp_manifest_name(std::string_view appendfilename);
std::string temp_increment_name(std::string_view appendfilename);
std::string lock_name(std::string_view appendfilename);
std::string base_name(std::string_view appendfilename, std::uint64_t seq, bool rdb);
std::string increment_name(std::string_view appendfilename, std::uint64_t seq);
// Whether `name` has the form of base_name() or increment_name().
bool is_numbered_name(std::string_view appendfilename, std::string_view name);

}  // namespace engine::aof
