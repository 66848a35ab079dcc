// States that a profile permits after a pattern of litmus_for_test.h and that were found on no disk, each
// with the source that says it can happen.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace crashpoint::crash {

struct Unseen {
  std::string_view profile;
  std::string_view litmus;
  std::set<std::string_view> states;
  std::string_view source;
};

// None has a source yet: where enough rounds find such a state, the mode fails and prints it.
inline const std::vector<Unseen> kUnseen;

// Empty when there is none.
inline std::string source_of_unseen(std::string_view profile, std::string_view litmus,
                                    std::string_view state) {
  for (const Unseen& unseen : kUnseen) {
    if (unseen.profile == profile && unseen.litmus == litmus && unseen.states.contains(state)) {
      return std::string(unseen.source);
    }
  }
  return {};
}

}  // namespace crashpoint::crash
