// Writes replies in RESP2 or RESP3 (https://github.com/redis/redis-specifications, protocol/).
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/resp/reply_buffer.h"

namespace engine::resp {

enum class Protocol : std::uint8_t { kResp2 = 2, kResp3 = 3 };

// Appends to a buffer it borrows. What RESP2 lacks is written in the form that RESP2 clients
// expect: a map as a flat array of 2n, a double as a bulk string, a boolean as 0 or 1, a push as an
// array.
class ReplyWriter {
 public:
  ReplyWriter(ReplyBuffer& out, Protocol protocol) : out_(out), protocol_(protocol) {}

  Protocol protocol() const { return protocol_; }
  bool resp3() const { return protocol_ == Protocol::kResp3; }
  ReplyBuffer& buffer() { return out_; }

  void ok() { out_.append("+OK\r\n"); }
  void simple(std::string_view status);
  // `text` begins with its code ("ERR ...", "WRONGTYPE ..."); line breaks in it become blanks.
  void error(std::string_view text);
  void integer(std::int64_t value);
  void bulk(std::string_view bytes);
  void bulk_integer(std::int64_t value);
  void null();        // the missing bulk string
  void null_array();  // the missing array
  void number(double value);
  void number(std::string_view digits);  // formatted by the caller
  void boolean(bool value);
  // `format` is three letters: "txt" or "mkd". A bulk string in RESP2.
  void verbatim(std::string_view format, std::string_view text);
  void big_number(std::string_view digits);

  void array(std::size_t count);
  void map(std::size_t pairs);
  void set(std::size_t count);
  void push(std::size_t count);

  // For aggregates whose length is known only once they are written: mark(), elements, then
  // close_array(mark, count), close_map, ... puts the header in front of them.
  std::size_t mark() const { return out_.size(); }
  void close_array(std::size_t mark, std::size_t count) { close('*', mark, count); }
  void close_set(std::size_t mark, std::size_t count) { close(resp3() ? '~' : '*', mark, count); }
  void close_map(std::size_t mark, std::size_t pairs) {
    close(resp3() ? '%' : '*', mark, resp3() ? pairs : 2 * pairs);
  }

 private:
  void header(char kind, std::uint64_t count);
  void close(char kind, std::size_t mark, std::size_t count);

  ReplyBuffer& out_;
  Protocol protocol_;
};

}  // namespace engine::resp
