// The content of a data directory in memory, with file contents shared between the images that
// hold them: thousands of crash states differ in a few files only.
//
// Threads    Contents and images are immutable once built; reading them from several threads is
//            safe.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/trace/trace.h"

namespace crashpoint::crash {

// XXH3, 128 bits: equal digests are taken for equal bytes.
struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

[[nodiscard]] Digest digest_of(std::string_view bytes);
[[nodiscard]] std::string to_hex(const Digest& digest);  // 32 characters

struct DigestHash {
  std::size_t operator()(const Digest& digest) const noexcept { return digest.low; }
};

// The bytes of a file, or the target of a symlink.
struct Content {
  explicit Content(std::string content_bytes)
      : bytes(std::move(content_bytes)), digest(digest_of(bytes)) {}
  const std::string bytes;
  const Digest digest;
};
using SharedContent = std::shared_ptr<const Content>;

struct CrashImage {
  using Kind = trace::ImageEntry::Kind;
  struct Entry {
    std::string path;  // relative; parents come before what they hold
    Kind kind = Kind::kFile;
    std::uint32_t mode = 0644;
    SharedContent content;   // of a directory: null
    trace::FileId file = 0;  // equal and not 0: hard links of one file
  };
  std::vector<Entry> entries;  // by path

  [[nodiscard]] const Entry* find(std::string_view path) const;
  // Of everything a recovery can see: paths, kinds, modes, bytes, and which names are one file.
  [[nodiscard]] Digest digest() const;
};

// Files by path, and the directories they lie in.
[[nodiscard]] trace::Image image_of(const std::map<std::string, std::string>& files);

[[nodiscard]] CrashImage share(const trace::Image& image);
[[nodiscard]] trace::Image to_image(const CrashImage& image);

// Reads everything below `directory`. No symlink is followed: they are entries of their own. What
// is neither file, directory nor symlink (a socket, a FIFO) is left out: it holds no data. Hard
// links of one file get one number in `file`. Throws EnvironmentError.
[[nodiscard]] trace::Image read_directory(const std::filesystem::path& directory);

}  // namespace crashpoint::crash

template <>
struct std::hash<crashpoint::crash::Digest> : crashpoint::crash::DigestHash {};
