// For tests: random commands from templates, with arguments that often fit and sometimes do not.
//
// A template is words separated by blanks. "$k", "$v", ... stand for a random value of their kind,
// "[a|b c|d]" for one of the alternatives or none, "$k+" for one to three of the kind.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/random.h"

namespace engine::commands {

class CommandGrammar {
 public:
  explicit CommandGrammar(std::uint64_t seed) : random_(seed) {}

  std::vector<std::string> expand(std::string_view text) {
    words_.clear();
    expand_sequence(text);
    if (random_.below(60) == 0 && words_.size() > 1) {
      words_.pop_back();  // too few
    } else if (random_.below(60) == 0) {
      words_.emplace_back("extra");  // too many
    }
    return words_;
  }
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

 private:
  template <std::size_t N>
  std::string one_of(const std::string_view (&choices)[N]) {
    return std::string(choices[random_.below(N)]);
  }

  // Few keys, so that commands meet what others left, of whatever type.
  std::string key() { return "k" + std::to_string(random_.below(7)); }
  // Keys of sorted sets only whose scores are equal: else a range by member means nothing.
  std::string lex_key() { return "z" + std::to_string(random_.below(2)); }
  // Sorted sets of places.
  std::string geo_key() { return random_.below(12) == 0 ? key() : "g" + lex_key(); }
  // Few of them, so that distances are often equal; near the edges of the map, and beyond.
  std::string degrees(double max) {
    static constexpr std::string_view kOdd[] = {"nan", "inf", "x", "-181", "90", "0", "-0"};
    static constexpr double kParts[] = {-1, -0.9999, -0.5, -0.001, 0.0002, 0.25, 0.2503, 0.8, 1};
    if (random_.below(40) == 0) {
      return one_of(kOdd);
    }
    if (random_.below(4) == 0) {
      return std::to_string(max * (static_cast<double>(random_.below(2001)) / 1000 - 1));
    }
    return std::to_string(max * kParts[random_.below(std::size(kParts))]);
  }
  std::string distance() {
    static constexpr std::string_view kDistances[] = {"0",    "1",     "50",  "300", "1000", "5000",
                                                      "9000", "20037", "1e9", "-1",  "inf",  "x"};
    return one_of(kDistances);
  }
  std::string unit() {
    static constexpr std::string_view kUnits[] = {"km", "km", "KM", "mi", "m", "ft", "yd"};
    return random_.below(3) == 0 ? one_of(kUnits) : "km";
  }
  std::string member() {
    if (random_.below(4) == 0) {
      return std::to_string(random_.below(6));
    }
    return std::string(1, static_cast<char>('a' + random_.below(7)));
  }
  std::string value() {
    static constexpr std::string_view kValues[] = {
        "",    "v",   "hello world",         "10",   "-3",  "007",
        "3.5", "1e3", "9223372036854775807", "\r\n", "inf", "foo",
        "bar", "0",   "12345678901",         "abc"};
    switch (random_.below(12)) {
      case 0:
        return std::string(45 + random_.below(60), 'x');
      case 1:
        return std::string(1 + random_.below(3), static_cast<char>(random_.below(256)));
      default:
        return one_of(kValues);
    }
  }
  std::string integer() {
    static constexpr std::string_view kOdd[] = {"9223372036854775807",
                                                "-9223372036854775808",
                                                "9223372036854775808",
                                                "x",
                                                "1.5",
                                                "",
                                                "-0",
                                                "+1"};
    if (random_.below(15) == 0) {
      return one_of(kOdd);
    }
    return std::to_string(static_cast<std::int64_t>(random_.below(14)) - 4);
  }
  std::string positive() {
    return random_.below(15) == 0 ? integer() : std::to_string(1 + random_.below(4));
  }
  // Not -0: a skiplist keeps its sign and a listpack does not, and in Redis SORT makes one of the
  // other.
  std::string number() {
    static constexpr std::string_view kOdd[] = {"inf",  "-inf", "nan", "x",  "",
                                                "0x10", "1e17", "0.1", "3.0"};
    if (random_.below(10) == 0) {
      return one_of(kOdd);
    }
    const auto whole = std::to_string(static_cast<std::int64_t>(random_.below(12)) - 4);
    return random_.below(3) == 0 ? whole + ".25" : whole;
  }
  std::string score_bound() {
    static constexpr std::string_view kBounds[] = {"-inf", "+inf", "(1", "(3", "1", "2.5", "(x"};
    return random_.below(3) == 0 ? number() : one_of(kBounds);
  }
  std::string member_bound() {
    static constexpr std::string_view kBounds[] = {"-",  "+", "[a", "(a", "[c",
                                                   "(d", "[", "x",  "[1"};
    return one_of(kBounds);
  }
  std::string offset() { return std::to_string(random_.below(random_.below(4) == 0 ? 200 : 20)); }
  // Far enough in the future that nothing expires in the test, or long past.
  std::string time_s() {
    return random_.below(8) == 0 ? integer() : std::to_string(99'999'999'900 + random_.below(90));
  }
  std::string time_ms() {
    return random_.below(8) == 0 ? integer()
                                 : std::to_string(99'999'999'000'000 + random_.below(9));
  }
  // Hardly ever twice the same: which of two equal ones is later depends on when a server looks at
  // the clock.
  std::string seconds_left() {
    return random_.below(3) == 0 ? integer() + std::to_string(10'000 + random_.below(90'000))
                                 : std::to_string(100'000 + random_.below(10'000'000));
  }
  std::string database() {
    return random_.below(12) == 0 ? integer() : std::to_string(random_.below(3));
  }

  std::string kind(char letter) {
    switch (letter) {
      case 'k':
        return key();
      case 'z':
        return lex_key();
      case 'm':
        return member();
      case 'v':
        return value();
      case 'i':
        return integer();
      case 'p':
        return positive();
      case 'f':
        return number();
      case 's':
        return score_bound();
      case 'l':
        return member_bound();
      case 'o':
        return offset();
      case 'T':
        return time_s();
      case 't':
        return time_ms();
      case 'e':
        return seconds_left();
      case 'd':
        return database();
      case 'g':
        return geo_key();
      case 'x':
        return degrees(180);
      case 'y':
        return degrees(85.05112878);
      case 'r':
        return distance();
      case 'u':
        return unit();
      default:
        return std::string(1, letter);
    }
  }

  void expand_word(std::string_view word) {
    if (!word.starts_with('$')) {
      words_.emplace_back(word);
      return;
    }
    const std::size_t times = word.ends_with('+') ? 1 + random_.below(3) : 1;
    for (std::size_t i = 0; i < times; ++i) {
      for (const char letter : word.substr(1)) {
        if (letter != '+') {
          words_.push_back(kind(letter));
        }
      }
    }
  }

  void expand_sequence(std::string_view text) {
    while (!text.empty()) {
      if (text.front() == ' ') {
        text.remove_prefix(1);
      } else if (text.front() == '[') {
        const std::size_t end = text.find(']');
        expand_choice(text.substr(1, end - 1));
        text.remove_prefix(end + 1);
      } else {
        const std::size_t end = std::min(text.find(' '), text.size());
        expand_word(text.substr(0, end));
        text.remove_prefix(end);
      }
    }
  }

  void expand_choice(std::string_view alternatives) {
    std::vector<std::string_view> choices = {""};
    while (true) {
      const std::size_t bar = alternatives.find('|');
      choices.push_back(alternatives.substr(0, bar));
      if (bar == std::string_view::npos) {
        break;
      }
      alternatives.remove_prefix(bar + 1);
    }
    const std::string_view chosen = choices[random_.below(choices.size())];
    while_words(chosen);
  }

  void while_words(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(' '), text.size());
      if (end > 0) {
        expand_word(text.substr(0, end));
      }
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  Random random_;
  std::vector<std::string> words_;
};

}  // namespace engine::commands
