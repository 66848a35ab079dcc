#include "engine/resp/request_parser.h"

#include <algorithm>
#include <cstring>

#include "engine/base/text.h"

namespace engine::resp {
namespace {

constexpr std::size_t npos = std::string_view::npos;

// A header's number. Nearly always one or two digits, so these are read in place.
bool parse_number(std::string_view text, std::int64_t& value) {
  if (text.size() == 1 || text.size() == 2) {
    const auto tens = static_cast<unsigned>(text[0] - '0');
    if (text.size() == 1 && tens <= 9) {
      value = static_cast<std::int64_t>(tens);
      return true;
    }
    const auto ones = static_cast<unsigned>(text.back() - '0');
    if (text.size() == 2 && tens >= 1 && tens <= 9 && ones <= 9) {
      value = std::int64_t{tens} * 10 + ones;
      return true;
    }
  }
  const std::optional<std::int64_t> parsed = parse_int64(text);
  value = parsed.value_or(0);
  return parsed.has_value();
}

// The position of the '\r' that ends the line at `from`; npos when it has not come yet. As Redis,
// the byte after it is taken for '\n' without a look at it, but must have arrived.
std::size_t find_line_end(std::string_view bytes, std::size_t from) {
  const std::size_t end = bytes.find('\r', from);
  return end != npos && end + 1 < bytes.size() ? end : npos;
}

}  // namespace

void RequestParser::reset() {
  done_ = false;
  in_array_ = false;
  position_ = 0;
  missing_bytes_ = 0;
  arguments_left_ = 0;
  bulk_size_ = -1;
  pieces_.clear();
  argv_.clear();
}

RequestParser::Outcome RequestParser::fail(std::string_view what) {
  error_ = "ERR Protocol error: ";
  error_ += what;
  done_ = true;
  return Outcome::kError;
}

RequestParser::Outcome RequestParser::parse(std::string_view bytes, const RequestLimits& limits) {
  if (done_) {
    reset();
  }
  if (!in_array_) {
    if (bytes.empty()) {
      return Outcome::kIncomplete;
    }
    if (bytes[0] != '*') {
      return parse_inline(bytes, limits);
    }
  }
  return parse_array(bytes, limits);
}

RequestParser::Outcome RequestParser::parse_inline(std::string_view bytes,
                                                   const RequestLimits& limits) {
  const std::size_t newline = bytes.find('\n', position_);
  if (newline == npos) {
    if (bytes.size() > limits.inline_bytes_max) {
      return fail("too big inline request");
    }
    position_ = bytes.size();
    return Outcome::kIncomplete;
  }
  std::string_view line = bytes.substr(0, newline);
  if (!line.empty() && line.back() == '\r') {
    line.remove_suffix(1);
  }
  std::optional<std::vector<std::string>> words = split_words(line);
  if (!words) {
    return fail("unbalanced quotes in request");
  }
  words_ = std::move(*words);
  argv_.assign(words_.begin(), words_.end());
  position_ = newline + 1;
  done_ = true;
  return Outcome::kCommand;
}

RequestParser::Outcome RequestParser::parse_array(std::string_view bytes,
                                                  const RequestLimits& limits) {
  if (!in_array_) {
    const std::size_t end = find_line_end(bytes, 1);
    if (end == npos) {
      return bytes.size() > limits.inline_bytes_max ? fail("too big mbulk count string")
                                                    : Outcome::kIncomplete;
    }
    std::int64_t count = 0;
    if (!parse_number(bytes.substr(1, end - 1), count) ||
        count > static_cast<std::int64_t>(limits.arguments_max)) {
      return fail("invalid multibulk length");
    }
    if (!limits.authenticated &&
        count > static_cast<std::int64_t>(RequestLimits::kUnauthenticatedArgumentsMax)) {
      return fail("unauthenticated multibulk length");
    }
    position_ = end + 2;
    arguments_left_ = std::max<std::int64_t>(count, 0);
    in_array_ = true;
    // The count is only the client's claim: room for more arguments than this is made as they
    // arrive.
    pieces_.reserve(static_cast<std::size_t>(std::min<std::int64_t>(arguments_left_, 1024)));
  }
  while (arguments_left_ > 0) {
    if (bulk_size_ < 0) {
      const std::size_t end = find_line_end(bytes, position_);
      if (end == npos) {
        return bytes.size() - position_ > limits.inline_bytes_max
                   ? fail("too big bulk count string")
                   : Outcome::kIncomplete;
      }
      if (bytes[position_] != '$') {
        return fail(std::string("expected '$', got '") + bytes[position_] + "'");
      }
      std::int64_t size = 0;
      if (!parse_number(bytes.substr(position_ + 1, end - position_ - 1), size) || size < 0 ||
          static_cast<std::uint64_t>(size) > limits.bulk_bytes_max) {
        return fail("invalid bulk length");
      }
      if (!limits.authenticated &&
          static_cast<std::uint64_t>(size) > RequestLimits::kUnauthenticatedBulkBytesMax) {
        return fail("unauthenticated bulk length");
      }
      position_ = end + 2;
      bulk_size_ = size;
    }
    const auto size = static_cast<std::size_t>(bulk_size_);
    if (bytes.size() - position_ < size + 2) {
      missing_bytes_ = size + 2 - (bytes.size() - position_);
      return Outcome::kIncomplete;
    }
    pieces_.push_back({position_, size});
    position_ += size + 2;
    bulk_size_ = -1;
    --arguments_left_;
  }
  missing_bytes_ = 0;
  return finish(bytes);
}

RequestParser::Outcome RequestParser::finish(std::string_view bytes) {
  argv_.reserve(pieces_.size());
  for (const Piece& piece : pieces_) {
    argv_.emplace_back(bytes.data() + piece.offset, piece.size);
  }
  done_ = true;
  return Outcome::kCommand;
}

}  // namespace engine::resp
