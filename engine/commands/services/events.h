// What notify-keyspace-events reports: what happened to a key, by Redis's names.
#pragma once

#include <cstdint>
#include <string_view>

namespace engine::commands {

// With their letters in the directive.
enum EventClass : std::uint32_t {
  kKeyspaceChannels = 1u << 0,  // K: on __keyspace@<db>__:<key>, the event
  kKeyeventChannels = 1u << 1,  // E: on __keyevent@<db>__:<event>, the key
  kGenericEvent = 1u << 2,      // g
  kStringEvent = 1u << 3,       // $
  kListEvent = 1u << 4,         // l
  kSetEvent = 1u << 5,          // s
  kHashEvent = 1u << 6,         // h
  kSortedSetEvent = 1u << 7,    // z
  kExpiredEvent = 1u << 8,      // x
  kEvictedEvent = 1u << 9,      // e
  kMissEvent = 1u << 10,        // m
  kNewEvent = 1u << 11,         // n
};

struct Event {
  EventClass kind;
  std::string_view name;  // a literal
};

inline constexpr Event kNoEvent = {EventClass{}, ""};

// The classes that a value of the directive names. A stands for all but m and n.
constexpr std::uint32_t event_classes(std::string_view letters) {
  std::uint32_t classes = 0;
  for (const char letter : letters) {
    constexpr std::string_view kLetters = "KEg$lshzxemn";
    if (letter == 'A') {
      classes |= (kMissEvent - 1) & ~(kKeyspaceChannels | kKeyeventChannels);
    } else if (const std::size_t at = kLetters.find(letter); at != std::string_view::npos) {
      classes |= 1u << at;  // there are no streams and modules (t, d)
    }
  }
  return classes;
}

}  // namespace engine::commands
