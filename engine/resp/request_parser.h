// Cuts a byte stream into commands: RESP arrays of bulk strings, and inline commands.
//
// The connection keeps the received bytes; the parser keeps its position in them, so that a
// command may arrive in any number of pieces without being scanned twice. Nothing is copied: argv()
// points into the connection's bytes (inline words with escapes point into the parser).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace engine::resp {

struct RequestLimits {
  std::size_t bulk_bytes_max = 512ull << 20;  // proto-max-bulk-len
  std::size_t inline_bytes_max = 64 << 10;    // also of a header line
  std::size_t arguments_max = (1ull << 31) - 1;
  // Redis limits clients that have not authenticated to 10 arguments of 16 KiB.
  static constexpr std::size_t kUnauthenticatedArgumentsMax = 10;
  static constexpr std::size_t kUnauthenticatedBulkBytesMax = 16 << 10;
  bool authenticated = true;
};

class RequestParser {
 public:
  enum class Outcome {
    kCommand,     // argv() and consumed() are set; argv() may be empty (an empty line): skip it
    kIncomplete,  // call again with the same bytes and more after them
    kError,       // error() is set; the stream cannot be read on: reply and close
  };

  // `bytes` starts at the first byte not yet consumed. After kIncomplete the next call must start
  // with the same bytes (their address may differ).
  Outcome parse(std::string_view bytes, const RequestLimits& limits);

  // Valid until the bytes move or parse() is called again.
  std::span<const std::string_view> argv() const { return argv_; }
  // Length of the command in bytes: what the connection must drop after executing it.
  std::size_t consumed() const { return position_; }
  // "ERR Protocol error: ..." in Redis's words.
  const std::string& error() const { return error_; }
  // After kIncomplete: a lower bound of the bytes still missing when a large bulk string is being
  // received, so that the buffer can be sized once; otherwise 0.
  std::size_t missing_bytes() const { return missing_bytes_; }

 private:
  struct Piece {
    std::size_t offset;
    std::size_t size;
  };

  Outcome parse_inline(std::string_view bytes, const RequestLimits& limits);
  Outcome parse_array(std::string_view bytes, const RequestLimits& limits);
  Outcome fail(std::string_view what);
  Outcome finish(std::string_view bytes);
  void reset();

  std::vector<std::string_view> argv_;
  std::vector<Piece> pieces_;       // arguments complete so far
  std::vector<std::string> words_;  // inline words
  std::string error_;
  std::size_t position_ = 0;  // scanned up to here
  std::size_t missing_bytes_ = 0;
  std::int64_t arguments_left_ = 0;
  std::int64_t bulk_size_ = -1;  // of the argument being read; -1 before its header
  bool in_array_ = false;
  bool done_ = true;  // the last call ended a command: start afresh
};

}  // namespace engine::resp
