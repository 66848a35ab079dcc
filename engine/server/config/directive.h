// A directive of redis.conf: its name, the values it takes, and their textual form.
//
// Every value is kept as its canonical text, which is what CONFIG GET answers: "64mb" becomes
// "67108864", "YES" becomes "yes".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace engine::server {

struct Directive {
  enum class Kind {
    kYesNo,
    kInteger,
    kMemory,           // bytes, "64mb"
    kMemoryOrPercent,  // bytes, or "5%" of maxmemory
    kOctal,            // permissions
    kChoice,           // one of `choices`
    kChoices,          // any of `choices`, blank-separated
    kText,
    kWords,         // any number of words
    kSave,          // pairs of seconds and changes; lines add up
    kBufferLimits,  // class, hard limit, soft limit, soft seconds; a class not named keeps its limits
    kOomScores,     // three integers, ascending
    kEvents,        // letters of notify-keyspace-events
    kPercentiles,
  };

  enum Flags : unsigned {
    kNone = 0,
    kImmutable = 1,    // only in the file or on the command line
    kProtected = 2,    // CONFIG SET needs enable-protected-configs
    kHidden = 4,       // CONFIG GET lists it only by its full name
    kDenyLoading = 8,  // not while the data set is loaded
    kNoEffect = 16,    // accepted and listed, as what it sets does not exist here
  };

  // Returns why a value of the right form is not acceptable; an empty text: it is.
  using Check = std::string (*)(std::string_view value);

  std::string_view name = {};
  Kind kind = Kind::kText;
  std::string_view initial = {};  // canonical
  unsigned flags = kNone;
  std::string_view alias = {};  // the older name, equally good
  std::int64_t min = 0;
  std::uint64_t max = 0;
  std::string_view choices = {};  // blank-separated
  Check check = nullptr;

  // Whether CONFIG SET cuts its one argument into words.
  bool takes_several_words() const;
};

// All directives.
std::span<const Directive> directives();

// By name or alias, in any case of letters; null: there is none.
const Directive* find_directive(std::string_view name);

// The canonical text of what `words` set `directive` to; `current` is its value so far. Errors are
// worded as redis-server words them.
Result<std::string> parse_value(const Directive& directive, std::span<const std::string> words,
                                std::string_view current);

// The lines of redis.conf that set `directive` to `value`, without line ends.
std::vector<std::string> file_lines(const Directive& directive, std::string_view value);

}  // namespace engine::server
