#include "engine/resp/reply_writer.h"

#include <cmath>
#include <cstring>

#include "engine/base/text.h"

namespace engine::resp {
namespace {

constexpr std::size_t kLineBytesMax = 24;  // a kind, 20 digits of a number, \r\n

// "<kind><number>\r\n" at `to`; returns its length.
template <typename Number>
std::size_t write_line(char* to, char kind, Number number) {
  if (number >= 0 && number < 10) {
    to[0] = kind;
    to[1] = static_cast<char>('0' + number);
    to[2] = '\r';
    to[3] = '\n';
    return 4;
  }
  const Digits digits(number);
  const std::string_view text = digits.view();
  to[0] = kind;
  std::memcpy(to + 1, text.data(), text.size());
  to[1 + text.size()] = '\r';
  to[2 + text.size()] = '\n';
  return 3 + text.size();
}

}  // namespace

void ReplyWriter::header(char kind, std::uint64_t count) {
  out_.commit(write_line(out_.grow(kLineBytesMax), kind, count));
}

void ReplyWriter::close(char kind, std::size_t mark, std::size_t count) {
  char line[kLineBytesMax];
  out_.insert(mark, {line, write_line(line, kind, std::uint64_t{count})});
}

void ReplyWriter::simple(std::string_view status) {
  out_.push_back('+');
  out_.append(status);
  out_.append("\r\n");
}

void ReplyWriter::error(std::string_view text) {
  out_.push_back('-');
  for (const char c : text) {
    out_.push_back(c == '\r' || c == '\n' ? ' ' : c);
  }
  out_.append("\r\n");
}

void ReplyWriter::integer(std::int64_t value) {
  out_.commit(write_line(out_.grow(kLineBytesMax), ':', value));
}

void ReplyWriter::bulk(std::string_view bytes) {
  char* const to = out_.grow(kLineBytesMax + bytes.size() + 2);
  const std::size_t line = write_line(to, '$', std::uint64_t{bytes.size()});
  if (!bytes.empty()) {
    std::memcpy(to + line, bytes.data(), bytes.size());
  }
  to[line + bytes.size()] = '\r';
  to[line + bytes.size() + 1] = '\n';
  out_.commit(line + bytes.size() + 2);
}

void ReplyWriter::bulk_integer(std::int64_t value) {
  bulk(Digits(value));
}

void ReplyWriter::null() {
  out_.append(resp3() ? "_\r\n" : "$-1\r\n");
}

void ReplyWriter::null_array() {
  out_.append(resp3() ? "_\r\n" : "*-1\r\n");
}

void ReplyWriter::number(double value) {
  number(std::string_view(format_double(value)));
}

void ReplyWriter::number(std::string_view digits) {
  if (!resp3()) {
    bulk(digits);
    return;
  }
  out_.push_back(',');
  out_.append(digits);
  out_.append("\r\n");
}

void ReplyWriter::boolean(bool value) {
  if (resp3()) {
    out_.append(value ? "#t\r\n" : "#f\r\n");
  } else {
    integer(value ? 1 : 0);
  }
}

void ReplyWriter::verbatim(std::string_view format, std::string_view text) {
  if (!resp3()) {
    bulk(text);
    return;
  }
  header('=', format.size() + 1 + text.size());
  out_.append(format);
  out_.push_back(':');
  out_.append(text);
  out_.append("\r\n");
}

void ReplyWriter::big_number(std::string_view digits) {
  if (!resp3()) {
    bulk(digits);
    return;
  }
  out_.push_back('(');
  out_.append(digits);
  out_.append("\r\n");
}

void ReplyWriter::array(std::size_t count) {
  header('*', count);
}

void ReplyWriter::map(std::size_t pairs) {
  header(resp3() ? '%' : '*', resp3() ? pairs : 2 * pairs);
}

void ReplyWriter::set(std::size_t count) {
  header(resp3() ? '~' : '*', count);
}

void ReplyWriter::push(std::size_t count) {
  header(resp3() ? '>' : '*', count);
}

}  // namespace engine::resp
